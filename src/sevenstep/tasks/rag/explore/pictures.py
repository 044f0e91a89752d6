"""The profile as pictures: lengths, words in common, kinds, languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sevenstep.chapter import Block, Figure
from sevenstep.tasks.rag.explore.measures import Measures

__all__ = ["pictures"]

_BINS = 20


def pictures(measures: Measures) -> list[Block]:
    """All blocks for which there is something to show."""
    blocks: list[Block] = []
    if measures.gap.found:
        rows = _counted(measures.gap.found, np.linspace(0.0, 1.0, 11))
        caption = (
            f"Terms as '{measures.gap.tokenizer}' counts them; of several documents that are right, the best. Where little is "
        )
        caption += "shared, terms alone cannot find the document."
        title = "How many of a question's terms stand in a document that is right"
        blocks.append(Figure(title, "histogram", rows, "Share of terms", "Questions", "number", "percent", caption=caption))
    blocks.append(_lengths("How long the documents are", measures.lengths, "Documents"))
    blocks.append(_lengths("How long the questions are", measures.asked, "Questions"))
    blocks += _bars("What the questions ask for", measures.kinds, "Questions", "Told by their wording.")
    blocks += _bars("What the answers are", measures.answers, "Answers", "Told by their wording.")
    blocks += _bars("Languages of the documents", measures.languages, "Documents", "Told by the text of each.")
    if measures.places:
        rows = _counted(measures.places, np.linspace(0.0, 1.0, 11))
        blocks.append(
            Figure("Where in a document the answers stand", "histogram", rows, "From top to end", "Answers", "number", "percent")
        )
    return blocks


def _lengths(title: str, values: Sequence[int], noun: str) -> Figure:
    """Counts on a scale that rises by shares: lengths differ by orders of magnitude."""
    low, high = max(min(values, default=1), 1), max(max(values, default=1), 2)
    edges = np.unique(np.geomspace(low, high + 1, _BINS + 1).round())
    return Figure(title, "histogram", _counted(values, edges), "Characters", noun, "number", "integer")


def _counted(values: Sequence[float], edges: Any) -> list[dict[str, Any]]:
    counts, edges = np.histogram(np.asarray(values, np.float64), bins=edges)
    return [{"x0": float(edges[at]), "x1": float(edges[at + 1]), "y": int(count)} for at, count in enumerate(counts)]


def _bars(title: str, counts: Mapping[str, int], noun: str, caption: str) -> list[Block]:
    if len(counts) < 2:
        return []
    rows = [{"x": name, "y": count} for name, count in counts.items()]
    return [Figure(title, "bars", rows, "", noun, "category", "integer", caption=caption)]
