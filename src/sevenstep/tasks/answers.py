"""The ability to answer questions from documents: what commands and the server ask a model for, whatever its task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "ABSTAINED", "CONFIDENCE", "DOCUMENT", "DOCUMENT_ID", "FEEDBACK", "JUDGED", "JUDGED_SPREAD", "RANKED", "Answer", "Answers",
    "Citation", "Passage",
]  # fmt: skip

RANKED = 100
"""Documents a ranking names at most."""

DOCUMENT_ID = "document_id"

DOCUMENT: Mapping[str, str] = {
    DOCUMENT_ID: "text", "title": "text", "text": "text", "source": "text", "language": "text", "trust": "text",
    "licence": "text", "date": "text", "access": "text", "removed": "boolean",
}  # fmt: skip
"""Columns of an observation that adds, changes or takes out a document, with their types; ``access`` is a JSON list of tags."""

ABSTAINED = "abstained"
"""Column of a score table that tells whether a question was refused, 1 or 0; null where nothing was to be answered."""

CONFIDENCE = "confidence"
"""Column of a score table that tells how sure an answer was; null where that is not known."""

JUDGED = "judged_groundedness"
"""Metric, and column of a score table: what a model that judges says of an answer, 0 to 1, as the mean of its repeats."""

JUDGED_SPREAD = "judged_spread"
"""Column of a score table: the standard deviation of those repeats; null where there are not two."""

FEEDBACK: Mapping[str, str] = {"answer": "text", "helpful": "boolean", "document": "text"}
"""Columns of an observation about a served answer: the right answer, whether it helped, the document that holds it."""


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
        ranking: ids of the documents found, best first, `RANKED` at most.
        usd: US dollars that a model behind an address was paid for it.
    """

    text: str
    confidence: float | None = None
    citations: Sequence[Citation] = ()
    evidence: Sequence[Passage] = ()
    refused: str = ""
    model: str = ""
    ranking: Sequence[str] = ()
    usd: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The answer as JSON values."""
        return {
            "answer": self.text, "confidence": self.confidence, "refused": self.refused, "model": self.model,
            "citations": [asdict(one) for one in self.citations], "evidence": [asdict(one) for one in self.evidence],
            "ranking": list(self.ranking),
        }  # fmt: skip


@runtime_checkable
class Answers(Protocol):
    """A model that answers questions from documents.

    ``access`` names the tags the asker holds. A document that bears tags, none of which the asker holds, is as if it were not
    there: it is in no answer, citation, evidence or ranking. None is the owner, who sees everything; an empty list sees what
    bears no tag.
    """

    def ask(self, question: str, access: Sequence[str] | None = None, count: int = RANKED) -> Answer:
        """The answer to one question, or a refusal; ``count`` documents are ranked at most."""
        ...

    def streamed(self, question: str, access: Sequence[str] | None = None) -> Iterator[str | Answer]:
        """The same answer while it is written: parts of its text as they are known to stand, and the whole answer last."""
        ...

    def traits(self, questions: Sequence[str]) -> pl.DataFrame:
        """Questions as numbers, a column a trait with its name for people: what drift of questions is looked for in."""
        ...

    def within(self, access: Sequence[str]) -> Self:
        """The same model for an asker with these tags: all its methods see their documents alone."""
        ...

    def with_documents(self, documents: pl.DataFrame, parts: pl.DataFrame | None = None) -> Self:
        """The same pipeline over other documents, none of the old ones left; both tables as those of the data set."""
        ...
