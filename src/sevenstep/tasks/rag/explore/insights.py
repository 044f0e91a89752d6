"""What is worth knowing of a corpus and its questions, ranked by how much it matters for what is built on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from sevenstep.tasks.contract import Insight
from sevenstep.tasks.rag.explore.measures import Measures, quantiles
from sevenstep.wording import counted, percent

__all__ = ["insights"]


def insights(measures: Measures) -> list[Insight]:
    """All insights; the step ranks them."""
    return [insight for one in _INSIGHTS for insight in one(measures)]


def _gap(measures: Measures) -> Iterator[Insight]:
    found, n = measures.gap.found, len(measures.gap.found)
    if not n:
        return
    share, lacks = measures.gap.whole, 1 - float(np.mean(found))
    evidence = f"{percent(share)} of {counted(n, 'judged question')} have all their terms in a document judged right"
    if lacks > 0.35:
        text = f"Questions are worded unlike the documents: {percent(lacks)} of their terms are not in a document that is right"
        yield Insight(f"{text}, so that terms alone miss some", evidence, 0.9, "warn")
    elif lacks < 0.1:
        text = f"Questions are worded like the documents: {percent(1 - lacks)} of their terms stand in a document that is right"
        yield Insight(text, evidence, 0.6, "good")
    else:
        text = f"{percent(1 - lacks)} of the terms of questions stand in a document that is right"
        yield Insight(text, evidence, 0.6)
    nowhere = float(np.mean(measures.gap.unknown))
    if nowhere > 0.02:
        text = f"{percent(nowhere)} of the terms of questions stand in no document at all"
        yield Insight(text, f"{counted(n, 'judged question')}, terms by '{measures.gap.tokenizer}'", 0.5)


def _lengths(measures: Measures) -> Iterator[Insight]:
    low, middle, high = quantiles(measures.lengths)
    evidence = f"characters of {counted(len(measures.lengths), 'document')}: a tenth below {low:,.0f}, a tenth above {high:,.0f}"
    if high > 6_000:
        text = f"Documents are long (median {middle:,.0f} characters), so they are searched in stretches"
        yield Insight(text, evidence, 0.7)
    else:
        yield Insight(f"Documents are short enough to be searched whole (median {middle:,.0f} characters)", evidence, 0.4)


def _known(measures: Measures) -> Iterator[Insight]:
    judged, of = len(measures.relevant), len(measures.asked)
    if judged < of:
        yield Insight(f"{counted(of - judged, 'question')} without a document judged right", f"of {of:,}", 0.75, "warn")
    if judged and np.mean(measures.relevant) > 1.5:
        mean = float(np.mean(measures.relevant))
        yield Insight(f"{mean:.1f} documents are right for a question in the mean", f"{judged:,} judged questions", 0.3)
    if 0 < judged < 100:
        text = f"Only {counted(judged, 'judged question')}: intervals will be wide, and little can be learnt from them"
        yield Insight(text, "each figure is a mean over questions", 0.85, "warn")


def _languages(measures: Measures) -> Iterator[Insight]:
    if len(measures.languages) > 1:
        of = sum(measures.languages.values())
        parts = ", ".join(f"{name} {percent(count / of)}" for name, count in measures.languages.items())
        most = next(iter(measures.languages.values())) / of
        yield Insight(
            "Documents are in more than one language", parts, 0.65 if most < 0.95 else 0.2, "warn" if most < 0.95 else "info"
        )


def _repeats(measures: Measures) -> Iterator[Insight]:
    if measures.near:
        share = measures.near / len(measures.lengths)
        text = f"{counted(measures.near, 'document')} nearly repeat an earlier one ({percent(share)})"
        yield Insight(text, "four fifths of their runs of five words are the same", 0.7 if share > 0.02 else 0.25)


def _kinds(measures: Measures) -> Iterator[Insight]:
    kind, count = next(iter(measures.kinds.items()), ("", 0))
    share = count / max(len(measures.asked), 1)
    if share > 0.5:
        said = "are claims rather than questions" if kind == "claim" else f"ask '{kind}'"
        yield Insight(
            f"{percent(share)} of the questions {said}", ", ".join(f"{name} {n:,}" for name, n in measures.kinds.items()), 0.35
        )


def _answers(measures: Measures) -> Iterator[Insight]:
    if measures.answer_lengths:
        low, middle, high = quantiles(measures.answer_lengths)
        parts = ", ".join(f"{name} {count:,}" for name, count in measures.answers.items())
        text = f"Answers are {'a few words' if high < 40 else 'up to a sentence'} (median {middle:.0f} characters)"
        yield Insight(text, f"{parts}; a tenth below {low:.0f}, a tenth above {high:.0f} characters", 0.45)
    if len(measures.places) >= 50 and float(np.mean(np.asarray(measures.places) < 0.25)) > 0.45:
        share = float(np.mean(np.asarray(measures.places) < 0.25))
        text = f"{percent(share)} of the answers stand in the first quarter of their document"
        yield Insight(text, f"{len(measures.places):,} answers with a place", 0.3)


def _tables(measures: Measures) -> Iterator[Insight]:
    size, of = measures.parts.get("table", 0), sum(measures.parts.values())
    if of and size / of > 0.05:
        text = f"{percent(size / of)} of the text stands in tables, which are kept row by row"
        yield Insight(text, ", ".join(f"{kind} {share / of:.0%}" for kind, share in measures.parts.items()), 0.4)


_INSIGHTS: tuple[Callable[[Measures], Iterator[Insight]], ...] = (
    _gap, _known, _lengths, _languages, _repeats, _kinds, _answers, _tables,
)  # fmt: skip
