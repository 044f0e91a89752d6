"""What the probe looks at: some questions, and the documents that are right for them among others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevenstep.tasks.rag.known import Known, Question

__all__ = ["Sample", "sample_of"]

_PER_SECOND = 20.0  # questions looked at for each second of a twentieth of the budget
_FEWEST, _MOST, _MOST_DOCUMENTS = 200, 1_000, 20_000


@dataclass(frozen=True)
class Sample:
    """Some questions and documents of a data set.

    Args:
        known: the whole.
        questions: those looked at, in the order of the items.
        documents: ids of those looked at: all that are right for a question, and others up to a bound.
        others: those of ``documents`` that are right for no question looked at.
    """

    known: Known
    questions: list[Question]
    documents: list[str]
    others: list[str]

    @property
    def whole(self) -> bool:
        """Whether every document is looked at."""
        return len(self.documents) == self.known.documents.height


def sample_of(known: Known, budget: float, seed: int) -> Sample:
    """The sample for a run of ``budget`` seconds: a function of budget, data and seed, never of the clock."""
    rng = np.random.default_rng(seed)
    most = int(np.clip(_PER_SECOND * 0.05 * budget, _FEWEST, _MOST))
    questions = [question for question in known.questions if question.relevant or question.answers is not None] or known.questions
    if len(questions) > most:
        chosen = np.sort(rng.choice(len(questions), most, replace=False))
        questions = [questions[at] for at in chosen]
    right = {document for question in questions for document in question.relevant}
    every = known.documents["document_id"].to_list()
    others = [ident for ident in every if ident not in right]
    room = max(_MOST_DOCUMENTS - len(right), 0)
    if len(others) > room:
        others = [others[at] for at in np.sort(rng.choice(len(others), room, replace=False))]
    kept = right | set(others)
    return Sample(known, questions, [ident for ident in every if ident in kept], others)
