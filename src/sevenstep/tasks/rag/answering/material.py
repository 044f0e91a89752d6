"""What is known of every stretch of every passage found for a question, in one table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from sevenstep.tasks.rag.answering.asked import Asked, asked
from sevenstep.tasks.rag.answering.lexical import Pairs, pairs_of
from sevenstep.tasks.rag.answering.reading import Reading, read
from sevenstep.tasks.rag.answering.relations import Relations
from sevenstep.tasks.rag.answering.spans import Spans, spans_of
from sevenstep.tasks.rag.answering.traits import Traits, traits_of
from sevenstep.tasks.rag.found import Passage

__all__ = ["Material", "Words", "material_of", "studied"]

_COUNTED = 2000  # passages whose words are counted; more say no more about which words are rare
_KEPT = 4096  # passages whose traits are kept between questions


@dataclass(frozen=True)
class Words:
    """In how many of ``sentences`` sentences each word stands; words that were never seen say most."""

    counts: Mapping[str, int]
    sentences: int

    @classmethod
    def of(cls, texts: Sequence[str], korean: bool) -> Words:
        """Count the words of passages, evenly spread ones where there are many."""
        counts, sentences = Counter[str](), 0
        for text in texts[:: max(1, -(-len(texts) // _COUNTED))]:
            reading = read(text, korean)
            counts.update(stem for stem, _ in set(zip(reading.stems, reading.sentence.tolist(), strict=True)) if stem)
            sentences += int(reading.sentence.max(initial=-1)) + 1
        return cls(dict(counts), sentences)

    def weight(self, word: str) -> float:
        """Inverse document frequency."""
        return math.log((self.sentences + 1) / (self.counts.get(word, 0) + 0.5))


@dataclass(frozen=True)
class Material:
    """Stretches of the passages found for a question.

    Args:
        question: what was asked.
        values: a row for each stretch: relations, traits, and how its passage was found.
        names: of the columns of ``values``.
        pairs: what word-for-word rules rest on, ``[stretch, pair]``.
        passage: number of the passage of each stretch, in the order found.
        starts, ends: offsets in that passage.
        texts: the stretches.
    """

    question: Asked
    values: npt.NDArray[np.float32]
    names: Sequence[str]
    pairs: Pairs
    passage: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    texts: Sequence[str]

    def __len__(self) -> int:
        return len(self.texts)


@lru_cache(maxsize=_KEPT)
def studied(text: str, korean: bool) -> tuple[Reading, Spans, Traits] | None:
    """A passage read, with its stretches and their traits; None where it has none."""
    reading = read(text, korean)
    if not any(not function for function in reading.function):
        return None
    spans = spans_of(reading)
    return (reading, spans, traits_of(reading, spans)) if len(spans) else None


def material_of(question: str, passages: Sequence[Passage], korean: bool, words: Words) -> Material | None:
    """All stretches of the passages found for a question; None where there are none."""
    what = asked(question, korean)
    known = [(number, studied(passage.text, korean)) for number, passage in enumerate(passages)]
    parts = [(number, *one, Relations(what, one[0], one[1], one[2], words.weight)) for number, one in known if one is not None]
    if not parts:
        return None
    scores = np.array([passage.score for passage in passages], np.float64)
    behind = scores.max() - scores  # both free of scale, since every way to find has its own
    of_all, of_best = behind / max(float(np.ptp(scores)), 1e-9), behind / max(float(np.abs(scores).max()), 1e-9)
    coverage = max(relations.coverage for *_, relations in parts)
    most = max(float(relations.said.max()) for *_, relations in parts)
    values, pairs, names = [], [], tuple[str, ...]()
    for number, reading, spans, traits, relations in parts:
        found = np.array([number, of_all[number], of_best[number], relations.coverage - coverage])
        rows = np.broadcast_to(found.astype(np.float32), (len(spans), len(found)))
        related, related_names = relations.values()
        names = (*related_names, *traits.names, "passage", "behind_best", "behind_share", "coverage_gap", "said_lead")
        lead = (relations.said[reading.sentence[spans.first]] - most).astype(np.float32)[:, None]
        values.append(np.hstack([related, traits.values, rows, lead]))
        pairs.append(pairs_of(what, traits.hashes))
    passage = np.concatenate([np.full(len(spans), number) for number, _, spans, *_ in parts])
    return Material(
        what, np.vstack(values), names, np.vstack(pairs), passage,
        np.concatenate([spans.starts for _, _, spans, *_ in parts]), np.concatenate([spans.ends for _, _, spans, *_ in parts]),
        [text for _, _, spans, *_ in parts for text in spans.texts],
    )  # fmt: skip
