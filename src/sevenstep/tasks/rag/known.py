"""What is known of a data set of documents and questions, in the shape that checks, exploration and probe look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from sevenstep.data.dataset import Dataset

__all__ = ["Known", "Question"]


@dataclass(frozen=True)
class Question:
    """A question with what is known of it.

    Args:
        id: its id.
        text: what is asked.
        group: questions of one group stay together.
        answers: right answers; None where none is known, empty where the documents hold none.
        grades: grade of each document judged, by id.
    """

    id: str
    text: str
    group: str
    answers: Sequence[str] | None
    grades: Mapping[str, float]

    @property
    def relevant(self) -> list[str]:
        """Ids of the documents judged right."""
        return [document for document, grade in self.grades.items() if grade > 0]


@dataclass(frozen=True)
class Known:
    """Documents, questions and judgements of a data set."""

    data: Dataset

    @cached_property
    def documents(self) -> pl.DataFrame:
        """The table of documents."""
        return self.data.tables["documents"]

    @cached_property
    def texts(self) -> dict[str, str]:
        """Title and text of each document by its id, as they are searched."""
        rows = self.documents.select("document_id", "title", "text").iter_rows()
        return {ident: f"{title}\n{text}" if title else text for ident, title, text in rows}

    @cached_property
    def questions(self) -> list[Question]:
        """The questions in the order of the items."""
        grades: dict[str, dict[str, float]] = {}
        for ident, document, grade in self.judgements.select("question_id", "document_id", "grade").iter_rows():
            own = grades.setdefault(ident, {})
            own[document] = max(grade, own.get(document, grade))
        rows = self.data.items.select("question_id", "question", "group", "answers").iter_rows()
        return [Question(ident, text, group, answers, grades.get(ident, {})) for ident, text, group, answers in rows]

    @cached_property
    def judgements(self) -> pl.DataFrame:
        """The table of judgements."""
        return self.data.tables["judgements"]

    @cached_property
    def judged(self) -> list[Question]:
        """Questions of which some document is known to be right."""
        return [question for question in self.questions if question.relevant]

    @cached_property
    def answered(self) -> list[Question]:
        """Questions of which an answer is known."""
        return [question for question in self.questions if question.answers]

    @cached_property
    def unanswerable(self) -> list[Question]:
        """Questions known to have no answer in the documents."""
        return [question for question in self.questions if question.answers is not None and not question.answers]

    def part_of(self, documents: Sequence[str], questions: Sequence[str]) -> Known:
        """The same with only some documents and questions."""
        items = self.data.items.filter(pl.col("question_id").is_in(list(questions)))
        kept = {
            "documents": self.documents.filter(pl.col("document_id").is_in(list(documents))),
            "judgements": self.judgements.filter(
                pl.col("document_id").is_in(list(documents)) & pl.col("question_id").is_in(list(questions))
            ),
        }
        return Known(Dataset({**self.data.tables, "items": items, **kept}, self.data.roles, self.data.facts))
