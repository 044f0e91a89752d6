"""What is judged relevant, and where it stands in a ranking of chunks, however the documents are cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.rag.retrieval.corpus import Corpus

__all__ = ["Judged", "Relevant", "gains_of", "grades_of", "judged_by_question"]

_HELD = 0.5  # share of a stretch, or of a shorter chunk, that a chunk has to hold to count as it


@dataclass(frozen=True)
class Relevant:
    """A document that is right for a question: its grade, and the stretches of it that are; none means the whole."""

    grade: float
    stretches: Sequence[tuple[int, int]] = ()

    def in_chunk(self, start: int, end: int) -> bool:
        """Whether a chunk of the document holds what is right in it."""
        if not self.stretches:
            return True
        return any(min(end, right) - max(start, left) >= _HELD * min(right - left, end - start) for left, right in self.stretches)


Judged = Mapping[str, Relevant]
"""What is relevant to a question, by document."""


def judged_by_question(data: Dataset) -> list[Judged]:
    """For each item of the data set what is relevant to it; empty where nothing is known to be."""
    found: dict[str, dict[str, Relevant]] = {}
    rows = data.tables["judgements"].select("question_id", "document_id", "grade", "start", "end")
    for question, document, grade, start, end in rows.iter_rows():
        if grade > 0:
            own = found.setdefault(question, {})
            before = own.get(document, Relevant(0.0))
            whole = start is None or end is None or (before.grade > 0 and not before.stretches)
            stretches = () if whole else (*before.stretches, (start, end))
            own[document] = Relevant(max(grade, before.grade), stretches)
    return [found.get(question, {}) for question in data.items["question_id"].to_list()]


def grades_of(chunks: NDArray[np.int64], corpus: Corpus, judged: Judged) -> NDArray[np.float64]:
    """The grade of each chunk, 0 where it is not relevant."""
    grades = np.zeros(len(chunks))
    if not judged:
        return grades
    for row, (owner, start, end) in enumerate(corpus.stretches(chunks)):
        relevant = judged.get(corpus.ids[owner])
        if relevant is not None and relevant.in_chunk(start, end):
            grades[row] = relevant.grade
    return grades


def gains_of(chunks: NDArray[np.int64], corpus: Corpus, judged: Judged, depth: int) -> NDArray[np.float64]:
    """The gain at each of the first ``depth`` ranks, NaN behind the end.

    A document counts once. A chunk of it that holds nothing right takes a rank of its own as long as the document was not found;
    once it was, further chunks of it are passed over, as are all but the first of a document that is not relevant.
    """
    gains = np.full(depth, np.nan)
    rank, done, owners = 0, set(), corpus.owners[chunks]
    grades = grades_of(chunks, corpus, judged)
    for owner, grade in zip(owners.tolist(), grades.tolist(), strict=True):
        if rank == depth:
            break
        if owner in done:
            continue
        if grade > 0 or corpus.ids[owner] not in judged:
            done.add(owner)
        gains[rank] = grade
        rank += 1
    return gains
