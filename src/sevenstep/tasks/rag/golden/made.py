"""A question made from a stretch of text, before it is known which document it is of."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Made", "topic"]


@dataclass(frozen=True)
class Made:
    """A question with its answer: ``start`` and ``end`` are the answer's place in the text that was looked at.

    ``kind`` and ``confidence`` are those of `sevenstep.data.documents.golden.Proposal`.
    """

    question: str
    start: int
    end: int
    kind: str
    confidence: float


def topic(noun: str) -> str:
    """A Korean noun with its topic particle: 은 after a final consonant, 는 after a vowel; 은(는) after another script."""
    last = noun.rstrip(" )]'\"」』")[-1:]
    if "가" <= last <= "힣":
        return f"{noun}{'은' if (ord(last) - ord('가')) % 28 else '는'}"
    return f"{noun}은(는)"
