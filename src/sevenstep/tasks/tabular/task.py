"""The two tabular tasks: the contract's methods, each one line into the room that does the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.chapter import Block
from sevenstep.data.dataset import Dataset, Finding, Roles
from sevenstep.spec.brief import Brief
from sevenstep.tasks.blending import weighted_mean
from sevenstep.tasks.contract import Candidate, Feasibility, Fitted, Fold, Grammar, Model, Plan, Profile, Stage
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.tasks.tabular import calibrate
from sevenstep.tasks.tabular.bag import Bag
from sevenstep.tasks.tabular.checks import check
from sevenstep.tasks.tabular.explore import explore
from sevenstep.tasks.tabular.families.members import fit_member
from sevenstep.tasks.tabular.feasibility import probe
from sevenstep.tasks.tabular.folds import group_codes, rows_of
from sevenstep.tasks.tabular.grammar import CLASSIFICATION, REGRESSION
from sevenstep.tasks.tabular.model import TabularModel
from sevenstep.tasks.tabular.pictures import pictures
from sevenstep.tasks.tabular.plan import make_plan
from sevenstep.tasks.tabular.problem import Problem
from sevenstep.tasks.tabular.roles import find_roles
from sevenstep.tasks.tabular.scoring import score_rows, segment_scores

__all__ = ["ClassificationTask", "RegressionTask"]


def _prepared(stage: Stage | None, rows: NDArray[np.int64]) -> pl.DataFrame | None:
    """Features of the pictures of some rows."""
    return None if stage is None else cast(Any, stage).frame[rows]


class _TabularTask:
    """What both tasks share; a class is told from a number by the facts of the data set alone."""

    grammar: Grammar

    def roles(
        self, items: pl.DataFrame, brief: Brief, sources: Mapping[str, Sequence[str]]
    ) -> tuple[Roles, Mapping[str, Mapping[str, Any]]]:
        """See `Task.roles`."""
        return find_roles(items, brief, sources, classes=self.grammar is CLASSIFICATION)

    def check(self, data: Dataset, brief: Brief) -> Sequence[Finding]:
        """See `Task.check`."""
        return check(data, brief)

    def probe(self, data: Dataset, brief: Brief) -> Sequence[Feasibility]:
        """See `Task.probe`."""
        return probe(data, brief)

    def explore(self, data: Dataset, brief: Brief) -> Profile:
        """See `Task.explore`."""
        return explore(data, brief)

    def plan(self, data: Dataset, profile: Mapping[str, Any], recipe: Mapping[str, Any], brief: Brief) -> Plan:
        """See `Task.plan`."""
        return make_plan(data, recipe, brief)

    def stage(self, stage: Mapping[str, Any], data: Dataset) -> Stage:
        """See `Task.stage`: what can be told of every picture without a look at any target."""
        from sevenstep.tasks.tabular.images.stage import build_stage  # late: loads an image library

        return build_stage(stage, data)

    def load_stage(self, folder: Path) -> Stage:
        """See `Task.load_stage`."""
        from sevenstep.tasks.tabular.images.stage import PictureFeatures  # late: loads an image library

        return PictureFeatures.load(folder)

    def fit(self, candidate: Candidate, fold: Fold, data: Dataset, stage: Stage | None, seed: int) -> Fitted:
        """See `Task.fit`; a fold that says ``seeds`` has the candidate fitted as many times."""
        problem = Problem.of(data)
        rows, _ = rows_of(fold, data, problem)
        items, prepared, groups = data.items[rows], _prepared(stage, rows), group_codes(data)[rows]
        seeds = range(seed, seed + int(fold.train.get("seeds", 1)))
        members = [fit_member(candidate, items, problem, prepared, own, groups) for own in seeds]
        return Bag(candidate.name, members, "" if stage is None else cast(Any, stage).kind)

    def whole(self, everything: Fold, data: Dataset) -> Fold:
        """See `Task.whole`: the same words stand for all rows of any data."""
        return everything

    def load_fitted(self, folder: Path) -> Fitted:
        """See `Task.load_fitted`."""
        return Bag.load(folder)

    def score(self, fitted: Fitted, candidate: Candidate, fold: Fold, data: Dataset, stage: Stage | None) -> ScoreTable:
        """See `Task.score`."""
        problem = Problem.of(data)
        _, rows = rows_of(fold, data, problem)
        predicted = cast(Bag, fitted).predict(data.items[rows], _prepared(stage, rows))
        return score_rows(predicted, rows, candidate, fold, data, problem)

    def blend(self, predictions: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Task.blend`."""
        return weighted_mean(predictions, weights)

    def calibrate(self, scores: ScoreTable, brief: Brief) -> Mapping[str, Any]:
        """See `Task.calibrate`."""
        return calibrate.calibrate(scores, brief)

    def apply_calibration(self, scores: ScoreTable, calibration: Mapping[str, Any]) -> ScoreTable:
        """See `Task.apply_calibration`."""
        return calibrate.apply(scores, calibration)

    def combine(
        self,
        members: Mapping[str, Sequence[tuple[Fitted, float]]],
        calibration: Mapping[str, Mapping[str, Any]],
        data: Dataset,
        brief: Brief,
    ) -> Model:
        """See `Task.combine`."""
        target = data.roles.targets[0]
        kept = [(cast(Bag, fitted), weight) for fitted, weight in members[target]]
        return TabularModel.of(kept, calibration[target], data, brief.seed)

    def load_model(self, folder: Path) -> Model:
        """See `Task.load_model`."""
        return TabularModel.load(folder)

    def segment(self, scores: ScoreTable, data: Dataset) -> tuple[ScoreTable, Mapping[str, str]]:
        """See `Task.segment`."""
        return segment_scores(scores, data)

    def pictures(self, step: str, data: Dataset, scores: ScoreTable | None, brief: Brief, model: Model | None) -> Sequence[Block]:
        """See `Task.pictures`."""
        return pictures(step, data, scores, brief, cast(TabularModel | None, model))


class ClassificationTask(_TabularTask):
    """Which of several classes a row belongs to."""

    grammar = CLASSIFICATION


class RegressionTask(_TabularTask):
    """A number for each row."""

    grammar = REGRESSION
