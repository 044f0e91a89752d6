"""The keys of ``data`` that say where documents, questions and judgements come from.

What a tag of a document is (its trust, its licence, who may see it) is either told by the documents themselves, under a name, or
is the same for all of them: ``trust: level`` and ``trust: {value: checked}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from sevenstep.spec.fields import Closed, Name, SomeNames, Texts

__all__ = [
    "ANSWER",
    "PASSAGES",
    "DocumentFormat",
    "Documents",
    "Everywhere",
    "Judgements",
    "Questions",
    "TableFormat",
    "Tagged",
]

PASSAGES, ANSWER = "passages", "answer"
"""What is measured of a question: the documents found for it, best first, and the answer to it."""

TableFormat = Literal["csv", "tsv", "parquet", "json", "jsonl", "excel"]
DocumentFormat = Literal["csv", "tsv", "parquet", "json", "jsonl", "pdf", "docx", "xlsx", "pptx", "html", "markdown", "text"]


class Everywhere(Closed):
    """A tag with one value for every document."""

    value: Texts = Field(description="the value, the same for every document", examples=["internal"])


def _constant_or_name(value: Any) -> str:
    return "<constant>" if isinstance(value, (Mapping, Everywhere)) else "<name>"


Tagged = Annotated[Annotated[Name, Tag("<name>")] | Annotated[Everywhere, Tag("<constant>")], Discriminator(_constant_or_name)]


def _tag(what: str, name: str) -> Any:
    text = f"{what}: the column, or the key in a file's own head or in its *.meta.yaml, that tells it; {{value: TEXT}} for all"
    return Field(default=None, description=f"{text}; '{name}' when not given")


class Documents(Closed):
    """The corpus: files of records, a document each, or files that are documents."""

    path: SomeNames = Field(
        description="file, pattern, folder with all that is in it, or .zip or .tar archive; a list is one corpus",
        examples=["manuals/"],
    )
    format: DocumentFormat | None = Field(default=None, description="format of all files; told from their names when not given")
    id: Name | None = Field(
        default=None,
        description="column of records with the id; 'id', '_id' or 'document_id' when not given, else file and number",
    )
    title: Name | None = Field(default=None, description="column of records with the title; 'title' when not given")
    text: Name | None = Field(default=None, description="column of records with the text; 'text' when not given")
    source: Name | None = Field(
        default=None, description="column of records that tells where a document came from; its file when not given"
    )
    trust: Tagged | None = _tag("how far a document is to be trusted", "trust")
    licence: Tagged | None = _tag("licence of a document", "licence")
    date: Tagged | None = _tag("date of a document", "date")
    access: Tagged | None = _tag("tags of which an asker must hold one to be shown a document", "access")
    encoding: Name | None = Field(
        default=None, description="text encoding, such as utf-8 or cp949; told from the bytes when not given"
    )


class Questions(Closed):
    """Questions, a row each, with their answers where they are known."""

    path: SomeNames = Field(description="file, pattern or list of files", examples=["questions.jsonl"])
    format: TableFormat | None = Field(default=None, description="format of the files; told from their names when not given")
    id: Name | None = Field(
        default=None, description="column with the id; 'id', '_id' or 'question_id' when not given, else the number of the row"
    )
    text: Name | None = Field(default=None, description="column with the question; 'question' or 'text' when not given")
    answers: Name | None = Field(
        default=None,
        description="column with the right answers, a text or a list; 'answers' or 'answer' when not given. An empty list says "
        "that the documents hold no answer",
    )
    encoding: Name | None = Field(default=None, description="text encoding; told from the bytes when not given")


class Judgements(Closed):
    """Which documents are right for which question."""

    path: SomeNames = Field(description="file, pattern or list of files", examples=["judgements.tsv"])
    format: TableFormat | None = Field(default=None, description="format of the files; told from their names when not given")
    question: Name = Field(default="question_id", description="column with the id of the question")
    document: Name = Field(default="document_id", description="column with the id of the document")
    grade: Name | None = Field(
        default=None, description="column with the grade, 0 for a document that is wrong; 1 for every row when not given"
    )
    quote: Name | None = Field(
        default=None, description="column with the words of the document that are meant, to find their place by"
    )
    encoding: Name | None = Field(default=None, description="text encoding; told from the bytes when not given")
