"""Step 4 for the target ``answer``: ways to answer, each with the retrieval it reads from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.spec.design import Between, Try
from sevenstep.tasks.answers import JUDGED
from sevenstep.tasks.contract import Candidate, Fold, Range
from sevenstep.tasks.rag.answering.extractive import EXTRACTIVE
from sevenstep.tasks.rag.answering.learning import MOST_TAUGHT
from sevenstep.tasks.rag.answering.sentence import BEST_SENTENCE
from sevenstep.tasks.rag.candidates import MIX, WEIGHTS, Entry, catalog_of
from sevenstep.tasks.rag.generating.generator import GENERATED
from sevenstep.tasks.rag.generating.judging import judging_of
from sevenstep.tasks.rag.generating.plan import estimated_usd, ways_to_write
from sevenstep.tasks.rag.grammar import ANSWER
from sevenstep.tasks.rag.laying import laid_out, metrics_of, situation_of, stage_of
from sevenstep.wording import counted

__all__ = ["answer_candidates"]

USUAL_TOP = 3
_TOPS = (1, 2, 3, 5)
_FEW = 1_500  # answered questions up to which trees are kept small and their mean is taken
_SMALL_TREES = {
    "rounds": 130, "learning_rate": 0.06, "leaves": 15, "feature_share": 0.25, "row_share": 0.5, "least_in_leaf": 60, "bags": 3,
}  # fmt: skip
_LARGE_TREES = {"rounds": 150, "learning_rate": 0.1, "leaves": 31, "feature_share": 0.4, "row_share": 0.7, "bags": 1}
_TREES = {"leaves": Range(7, 63, log=True, integer=True), "learning_rate": Range(0.03, 0.12, log=True)}
_TAUGHT, _ASKED, _BEGIN = 0.04, 0.03, 5.0  # seconds of one core: for a question learnt from, for one answered, and once


def answer_candidates(
    data: Dataset, recipe: Mapping[str, Any], brief: Brief, folds: Sequence[Fold]
) -> tuple[list[Candidate], list[str]]:
    """The baseline and the answerers there are for these data, with what the search may change; and notes."""
    entries = {entry.name: entry for entry in catalog_of(situation_of(data, recipe, brief))}
    answered = int(data.items[ANSWER].is_not_null().sum())
    asked = answered / max(len(folds), 1)
    taught = answered - asked
    judging = judging_of(brief)
    judged = 0.0 if judging is None else judging.seconds(answered) / max(len(folds), 1)
    baseline = _candidate(
        BEST_SENTENCE, BEST_SENTENCE, "the sentence that says most of the question, whole: what answering has to beat",
        entries["bm25"], {"top": 1}, {}, 0.5 + 0.01 * asked + judged, recipe, brief, baseline=True,
    )  # fmt: skip
    writing = [
        _candidate(
            name, GENERATED, reason, entries["lexical"], {**own, "top": USUAL_TOP}, {**space, "top": Range(choices=_TOPS)},
            0.5 + seconds * asked + judged, recipe, brief, asked=True,
        )
        for name, reason, own, space, seconds in ways_to_write(brief)
    ]  # fmt: skip
    notes = [*_spending(brief, answered, len(writing)), *_judging(brief, answered)]
    if answered == 0:
        return [baseline, *writing], [
            *notes,
            "no answer is known, so nothing is learnt about answers: sentences are quoted whole",
        ]
    trees = _SMALL_TREES if answered <= _FEW else _LARGE_TREES
    top, tops = _top(brief)
    seconds = _BEGIN + _TAUGHT * min(taught, MOST_TAUGHT) + _ASKED * asked + judged
    quoting = _candidate(
        "quotes", EXTRACTIVE, "stretches of the passages found, graded by what answered questions teach", entries["lexical"],
        {**trees, "top": top}, {**tops, **_TREES, **MIX, "title": WEIGHTS["title"]}, seconds, recipe, brief,
        searched=bool(tops) and brief.section.answer.top is not None,
    )  # fmt: skip
    return [baseline, quoting, *writing], notes


def _candidate(
    name: str, family: str, reason: str, finding: Entry, own: Mapping[str, Any], space: Mapping[str, Range], cost: float,
    recipe: Mapping[str, Any], brief: Brief, *, baseline: bool = False, searched: bool = False, asked: bool = False,
) -> Candidate:  # fmt: skip
    layout, chunks = laid_out(recipe, brief, finding)
    section, judging = brief.section, judging_of(brief)
    metrics = metrics_of(brief, ANSWER)
    parameters = {
        **layout, **finding.parameters, **own, "metrics": metrics, "share": section.source_share, "style": section.answer.style,
    }  # fmt: skip
    if judging is not None:
        parameters |= {"judge": judging.to_json(), "metrics": list(dict.fromkeys([*metrics, JUDGED]))}
    return Candidate(
        name, family, ANSWER, reason, parameters, {} if baseline else {**space, **chunks}, stage_of(parameters), round(cost, 3),
        baseline, asked, searched,
    )  # fmt: skip


def _judging(brief: Brief, answered: int) -> list[str]:
    judging = judging_of(brief)
    if judging is None or answered == 0:
        return []
    calls = counted(min(answered, judging.answers) * judging.repeats, "call")
    usd = judging.usd(answered)
    price = f", up to ${usd:.2f}" if usd else ""
    return [f"{judging.model} judges the answers of each candidate and trial: {calls}{price} each; equal answers are judged once"]


def _spending(brief: Brief, answered: int, ways: int) -> list[str]:
    usd = estimated_usd(brief, answered * ways)
    if usd == 0:
        return []
    bound = brief.spending["usd"]
    limit = f"budget.usd is {bound:g}, and nothing is called beyond it" if bound is not None else "budget.usd would bound it"
    return [f"comparing {ways} models on {answered} questions may cost up to ${usd:.2f}; {limit}"]


def _top(brief: Brief) -> tuple[int, dict[str, Range]]:
    """How many passages an answer is made from, and what to search."""
    given = brief.section.answer.top
    if given is None:
        return USUAL_TOP, {"top": Range(choices=_TOPS)}
    if isinstance(given, Try):
        return int(given.values[0]), {"top": Range(choices=tuple(given.values))}
    if isinstance(given, Between):
        return int(given.range[0]), {"top": Range(*given.range, given.log, True)}
    return int(given), {}
