"""Cross-validation of a candidate on the material: the same members and the same score tables as in the run, only smaller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.spec.brief import Brief
from sevenstep.tasks.contract import Candidate
from sevenstep.tasks.scoretable import ScoreTable, join_score_tables
from sevenstep.tasks.tabular.calibrate import apply, calibrate
from sevenstep.tasks.tabular.families.members import fit_member
from sevenstep.tasks.tabular.families.rules import RULES
from sevenstep.tasks.tabular.feasibility.effort import Effort
from sevenstep.tasks.tabular.feasibility.material import Material
from sevenstep.tasks.tabular.folds import group_codes, rows_of
from sevenstep.tasks.tabular.scoring import score_rows

__all__ = ["LINEAR", "PROBE", "Trial", "candidate_named", "ladder_of", "out_of_fold"]

PROBE = "quick boosting"
LINEAR = {True: "logistic", False: "linear"}
"""Name of the linear rung, by whether classes are predicted."""

_BOOSTING: Mapping[str, Any] = {
    "learning_rate": 0.1, "leaves": 15, "least_in_leaf": 20, "bins": 63, "feature_share": 0.6, "row_share": 0.8, "ridge": 1.0,
    "combinations": 0,
}  # fmt: skip
_STRENGTHS = {True: (0.03,), False: (0.3,)}  # of the penalty, by whether inputs are many; one is enough for a first look
_MANY = 100


@dataclass(frozen=True)
class Trial:
    """Out-of-fold scores of a candidate, as they are and calibrated."""

    scores: ScoreTable
    brief: Brief

    @cached_property
    def calibrated(self) -> ScoreTable:
        """Probabilities, thresholds and bounds of each fold from the other folds, as the run makes them for all KPIs together."""
        frame = self.scores.frame
        folds = frame["fold"].unique().sort().to_list()
        parts = [(self.scores.of(fold=fold), ScoreTable(frame.filter(pl.col("fold") != fold))) for fold in folds]
        return join_score_tables([apply(own, calibrate(others, self.brief)) for own, others in parts])


def ladder_of(material: Material, named: set[str]) -> list[str]:
    """The simple rules that make sense, those a KPI names, and the linear model."""
    rules = ["prior", "majority", "single_rule"] if material.problem.classes else ["mean", "median"]
    asked = [name for name in RULES if name in named and name not in rules]
    return [*asked, *rules, LINEAR[bool(material.problem.classes)]]


def candidate_named(name: str, problem_target: str, effort: Effort, inputs: int) -> Candidate:
    """The candidate of a rung, or the quick probe."""
    if name in RULES:
        return Candidate(name, "rules", problem_target, "", {"rule": name})
    if name == PROBE:
        return Candidate(name, "boosting", problem_target, "", {**_BOOSTING, "rounds": effort.rounds})
    return Candidate(name, "linear", problem_target, "", {"bins": 0, "strengths": list(_STRENGTHS[inputs > _MANY])})


def out_of_fold(material: Material, name: str, share: float = 1.0) -> Trial | None:
    """Every judged row scored by a candidate that has not seen it.

    ``share`` of the training rows of each fold are learnt from (the newest where folds go by time); None where they are too
    few, or hold one class alone.
    """
    candidate = candidate_named(name, material.problem.target, material.effort, len(material.problem.kinds))
    tables = []
    for fold in material.folds:
        train, test = rows_of(fold, material.data, material.problem)
        kept = _part_of(train, share, material)
        if not _learnable(material.values[kept]):
            return None
        groups = group_codes(material.data)[kept] if material.problem.split == "groups" else None
        prepared = [None if material.described is None else material.described[rows.tolist()] for rows in (kept, test)]
        rows = [material.data.items[places.tolist()] for places in (kept, test)]
        member = fit_member(candidate, rows[0], material.problem, prepared[0], material.seed, groups)
        predicted = member.predict(rows[1], prepared[1])
        tables.append(score_rows(predicted, test, candidate, fold, material.data, material.problem))
    return Trial(join_score_tables(tables), material.brief)


def _part_of(train: NDArray[np.int64], share: float, material: Material) -> NDArray[np.int64]:
    if share >= 1:
        return train
    count = round(share * len(train))
    if material.problem.split == "time":
        time = material.data.items[train.tolist()][str(material.data.roles.time)]
        order = time.rank("ordinal").fill_null(0).to_numpy().argsort(kind="stable")
        return np.sort(train[order[-count:]])
    return np.sort(np.random.default_rng(material.seed).permutation(train)[:count])


def _learnable(values: NDArray[np.float64]) -> bool:
    return len(values) >= 20 and len(np.unique(values)) >= 2
