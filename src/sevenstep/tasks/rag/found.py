"""What retrieval finds and what is answered from it: the words that retrieval, answering and serving share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Answer", "Answerer", "Citation", "Passage", "Retriever"]


@dataclass(frozen=True)
class Passage:
    """A stretch of a document that was found for a question.

    Args:
        document: id of the document.
        title: its title, empty where it has none.
        text: the stretch itself, ``document.text[start:end]``.
        start: offset of its first character in the document's text.
        end: offset behind its last character.
        score: how well it fits the question; comparable within one question only.
        source: file the document came from, as the spec names it.
        place: page and section for a reader, such as ``page 3, Brakes``; empty where unknown.
        trust: trust tag of the document, empty where it has none.
    """

    document: str
    title: str
    text: str
    start: int
    end: int
    score: float
    source: str = ""
    place: str = ""
    trust: str = ""


@dataclass(frozen=True)
class Citation:
    """What an answer rests on: a quote with its place, ``document.text[start:end]``."""

    document: str
    start: int
    end: int
    quote: str
    title: str = ""
    place: str = ""


@dataclass(frozen=True)
class Answer:
    """An answer with what it rests on.

    Args:
        text: the answer; empty when it was refused.
        confidence: calibrated chance of being right, 0 to 1; None when nothing is known of it.
        citations: quotes it rests on, strongest first; never empty unless it was refused.
        evidence: the passages it was given, best first.
        refused: why there is no answer, one sentence; empty when there is one.
        model: what wrote it (``extractive``, or the name of the generating model).
    """

    text: str
    confidence: float | None = None
    citations: Sequence[Citation] = ()
    evidence: Sequence[Passage] = ()
    refused: str = ""
    model: str = ""


class Retriever(Protocol):
    """Finds passages for questions in the documents it was made from."""

    def find(self, questions: Sequence[str], count: int, access: Sequence[str] | None = None) -> list[list[Passage]]:
        """For each question at most ``count`` passages, best first.

        ``access`` names the tags the asker holds: documents with other tags are as if they were not there; None sees everything.
        """
        ...


class Answerer(Protocol):
    """Answers a question from passages, and from nothing else."""

    def answer(self, question: str, passages: Sequence[Passage]) -> Answer:
        """The answer with its citations, or a refusal."""
        ...
