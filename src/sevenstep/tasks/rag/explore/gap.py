"""How far the words of questions are from the words of the documents that answer them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sevenstep.tasks.rag.known import Known
from sevenstep.tasks.rag.text.tokens import tokenizer_for, tokenizer_named

__all__ = ["Gap", "gap_of"]


@dataclass(frozen=True)
class Gap:
    """Shares of a question's distinct terms, one entry a judged question.

    Args:
        tokenizer: how terms are counted.
        found: share that stands in the best of the documents judged right.
        unknown: share that stands in no document at all.
        groups: the group of each question, for intervals.
    """

    tokenizer: str
    found: Sequence[float]
    unknown: Sequence[float]
    groups: Sequence[str]

    @property
    def whole(self) -> float:
        """Share of questions all of whose terms stand in a document judged right; NaN where none is judged."""
        return sum(share == 1.0 for share in self.found) / len(self.found) if self.found else float("nan")


def gap_of(known: Known, language: str) -> Gap:
    """The gap of the judged questions, by words without their endings."""
    tokenizer = tokenizer_named(name := "stems" if language == "ko" else tokenizer_for(language))
    ids = list(known.texts)
    terms = dict(zip(ids, map(set, tokenizer.tokens([known.texts[ident] for ident in ids])), strict=True))
    every = set().union(*terms.values()) if terms else set()
    found, unknown, groups = [], [], []
    asked = tokenizer.tokens([question.text for question in known.judged])
    for question, tokens in zip(known.judged, map(set, asked), strict=True):
        if tokens:
            best = max(len(tokens & terms[ident]) for ident in question.relevant if ident in terms)
            found.append(best / len(tokens))
            unknown.append(len(tokens - every) / len(tokens))
            groups.append(question.group)
    return Gap(name, found, unknown, groups)
