"""What retrieval finds and what is answered from it: the words that retrieval, answering and serving share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sevenstep.tasks.answers import Answer, Citation, Passage

__all__ = ["Answer", "Answerer", "Citation", "Passage", "Retriever"]


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
