"""Pictures only a table can draw: how classes are confused, how probabilities hold, what errors cost, what the inputs do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sevenstep.chapter import Block
from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.tasks.tabular.pictures.confusion import class_table, confusion_figure
from sevenstep.tasks.tabular.pictures.costs import cost_figure
from sevenstep.tasks.tabular.pictures.decisions import decisions_of
from sevenstep.tasks.tabular.pictures.gallery import wrongly_seen
from sevenstep.tasks.tabular.pictures.influence import influence_figures
from sevenstep.tasks.tabular.pictures.numbers import number_figures
from sevenstep.tasks.tabular.pictures.ranking import ranking_figures
from sevenstep.tasks.tabular.pictures.reliability import reliability_figure
from sevenstep.tasks.tabular.problem import Problem

if TYPE_CHECKING:
    from sevenstep.tasks.tabular.model import TabularModel

__all__ = ["pictures"]


def pictures(step: str, data: Dataset, scores: ScoreTable | None, brief: Brief, model: TabularModel | None) -> Sequence[Block]:
    """Blocks for the chapters of ``tune`` (what was got right and wrong) and ``operate`` (what the inputs do); none for others.

    Args:
        step: name of the step.
        data: the data set.
        scores: out-of-fold scores of the final model, calibrated without the fold they are of.
        brief: what the step may read.
        model: the final model, in ``operate``.
    """
    if step == "operate" and model is not None:
        return list(influence_figures(model, data))
    if step != "tune" or scores is None or not len(scores.frame):
        return []
    problem = Problem.of(data)
    return _of_classes(data, problem, scores) if problem.classes else list(number_figures(scores, problem))


def _of_classes(data: Dataset, problem: Problem, scores: ScoreTable) -> list[Block]:
    decisions = decisions_of(scores, problem)
    return [
        confusion_figure(decisions),
        class_table(decisions),
        *ranking_figures(decisions),
        reliability_figure(decisions),
        *cost_figure(decisions),
        *wrongly_seen(decisions, data),
    ]
