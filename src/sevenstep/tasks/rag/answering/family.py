"""Members for the target ``answer``: a way to find passages and an answerer on top, fitted on a fold's questions."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.answers import JUDGED
from sevenstep.tasks.contract import Candidate, Fitted
from sevenstep.tasks.rag.answerers import KeptAnswerer, load_answerer, save_answerer
from sevenstep.tasks.rag.answering.learning import MOST_TAUGHT, fit_extractive, spread
from sevenstep.tasks.rag.answering.material import Words
from sevenstep.tasks.rag.answering.measuring import figures_of
from sevenstep.tasks.rag.answering.scorer import Example
from sevenstep.tasks.rag.answering.sentence import BEST_SENTENCE, BestSentence
from sevenstep.tasks.rag.answering.sharing import LOOKED_AT, capped
from sevenstep.tasks.rag.folds import known_rows
from sevenstep.tasks.rag.found import Answer, Passage
from sevenstep.tasks.rag.generating.fitting import generating
from sevenstep.tasks.rag.generating.generator import GENERATED
from sevenstep.tasks.rag.generating.judging import Judging, verdicts
from sevenstep.tasks.rag.grammar import ANSWER
from sevenstep.tasks.rag.retrieval.finder import Finder
from sevenstep.tasks.rag.retrieval.fitted import FittedRetriever
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieving import fit_retriever

__all__ = ["FAMILY", "FittedReader", "passages_for"]

Rows = NDArray[np.int64]
Figures = Mapping[str, NDArray[np.float64]]

_HALVES = 2
_MEMBER, _RETRIEVER, _ANSWERER = "answerer.json", "retriever", "reader"


@dataclass(frozen=True)
class FittedReader:
    """A retriever, an answerer, how many passages it reads, and which share of them one source may give."""

    retriever: FittedRetriever
    answerer: KeptAnswerer
    top: int
    share: float

    def save(self, folder: Path) -> None:
        """Write ``answerer.json`` and a folder each for retriever and answerer."""
        (folder / _MEMBER).write_text(json.dumps({"top": self.top, "share": self.share}), encoding="utf-8")
        for name in (_RETRIEVER, _ANSWERER):
            (folder / name).mkdir()
        self.retriever.save(folder / _RETRIEVER)
        save_answerer(self.answerer, folder / _ANSWERER)

    @classmethod
    def load(cls, folder: Path) -> FittedReader:
        """Read back what `save` wrote."""
        about = json.loads((folder / _MEMBER).read_text(encoding="utf-8"))
        retriever, answerer = FittedRetriever.load(folder / _RETRIEVER), load_answerer(folder / _ANSWERER)
        return cls(retriever, answerer, about["top"], about["share"])


def passages_for(finder: Finder, questions: Sequence[str], top: int, share: float) -> list[list[Passage]]:
    """The passages each question is answered from."""
    return [capped(found, top, share) for found in finder.find(questions, LOOKED_AT)]


class _Answers:
    """Fits and judges members that answer."""

    def fit(self, candidate: Candidate, rows: Rows, data: Dataset, index: CorpusIndex, seed: int) -> Fitted:
        """Learn from the answered questions at ``rows``."""
        parameters = candidate.parameters
        retriever = fit_retriever(candidate, rows, data, index)
        top, share = int(parameters["top"]), float(parameters["share"])
        language = str(data.facts["language"]["value"])
        answerer: KeptAnswerer | None = None
        if candidate.family == GENERATED:
            answerer = generating(parameters, rows, data)
        elif candidate.family != BEST_SENTENCE:
            taught = np.array(spread(rows.tolist(), MOST_TAUGHT), np.int64)
            answerer = fit_extractive(_examples(candidate, taught, data, index), language, parameters, seed)
        if answerer is None:
            answerer = BestSentence(Words.of(data.tables["documents"]["text"].to_list(), language == "ko"), language)
        return FittedReader(retriever, answerer, top, share)

    def judge(self, fitted: Any, candidate: Candidate, rows: Rows, data: Dataset, index: CorpusIndex) -> Figures:
        """Figures of the questions at ``rows``, by metric, the leading one first."""
        questions = data.items["question"].gather(rows).to_list()
        answers, seconds = list[Answer](), list[float]()
        finder = fitted.retriever.on(index)
        for question in questions:
            begun = time.perf_counter()
            passages = passages_for(finder, [question], fitted.top, fitted.share)[0]
            answers.append(fitted.answerer.answer(question, passages))
            seconds.append(time.perf_counter() - begun)
        known = [own or [] for own in data.items["answers"].gather(rows).to_list()]
        language = str(data.facts["language"]["value"])
        asked = [metric for metric in candidate.parameters["metrics"] if metric != JUDGED]
        figures = figures_of(answers, known, seconds, language, asked)
        if "judge" not in candidate.parameters:
            return figures
        names, answered = (data.items["question_id"].gather(own).to_list() for own in (rows, known_rows(data, ANSWER)))
        given = verdicts(answers, names, answered, Judging(**candidate.parameters["judge"]))
        together = {**figures, **given}
        leading = candidate.parameters["metrics"][0]
        return {leading: together[leading], **together}

    def load(self, folder: Path) -> Fitted:
        """Read back a member."""
        return FittedReader.load(folder)


FAMILY = _Answers()


def _examples(candidate: Candidate, rows: Rows, data: Dataset, index: CorpusIndex) -> list[Example]:
    """The questions with passages as they are found by what was learnt without them, as it will be for new questions."""
    groups = data.items["group"].gather(rows).to_list()
    half = {group: number % _HALVES for number, group in enumerate(sorted(set(groups)))}
    part = np.array([half[group] for group in groups])
    top, share = int(candidate.parameters["top"]), float(candidate.parameters["share"])
    learns = bool(candidate.parameters.get("ranked")) and len(half) >= _HALVES
    found: dict[int, list[Passage]] = {}
    for number in range(_HALVES if learns else 1):
        asked = rows[part == number] if learns else rows
        taught = rows[part != number] if learns else rows
        finder = fit_retriever(candidate, taught, data, index).on(index)
        passages = passages_for(finder, data.items["question"].gather(asked).to_list(), top, share)
        found.update(zip(asked.tolist(), passages, strict=True))
    items = data.items.select("question", "answers", "group")[rows]
    return [
        Example(question, answers or [], found[row], group)
        for row, (question, answers, group) in zip(rows.tolist(), items.iter_rows(), strict=True)
    ]
