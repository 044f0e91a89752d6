"""Fitting a candidate of any family on the training rows of a fold, and reading a fitted member back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.contract import Candidate
from sevenstep.tasks.tabular.encode.building import learnt_forms
from sevenstep.tasks.tabular.encode.encoder import Encoder, Style
from sevenstep.tasks.tabular.encode.reading import Columns, NumberForm
from sevenstep.tasks.tabular.families.boosting import BoostingPredictor, fit_boosting
from sevenstep.tasks.tabular.families.extras import CatboostPredictor, XgboostPredictor, fit_catboost, fit_xgboost
from sevenstep.tasks.tabular.families.forest import ForestPredictor, fit_forest
from sevenstep.tasks.tabular.families.kernel import KernelPredictor, fit_kernel
from sevenstep.tasks.tabular.families.learning import Floats, Lesson, Predictor
from sevenstep.tasks.tabular.families.linear import LinearPredictor, fit_linear
from sevenstep.tasks.tabular.families.neighbours import NeighboursPredictor, fit_neighbours
from sevenstep.tasks.tabular.families.network import NetworkPredictor, fit_network
from sevenstep.tasks.tabular.families.rules import Rule, fit_rule
from sevenstep.tasks.tabular.families.scale import Scale
from sevenstep.tasks.tabular.images.convnet import ConvnetPredictor, fit_convnet
from sevenstep.tasks.tabular.problem import Problem

__all__ = ["FAMILIES", "Family", "TabularMember", "fit_member"]


@dataclass(frozen=True)
class Family:
    """How a family is fitted and read back, and which style of features it learns from."""

    fit: Callable[[Lesson], Predictor]
    load: Callable[[Path, dict[str, Any]], Predictor]
    style: Style


FAMILIES: Mapping[str, Family] = {
    "linear": Family(fit_linear, LinearPredictor.load, "linear"),
    "boosting": Family(fit_boosting, BoostingPredictor.load, "trees"),
    "forest": Family(fit_forest, ForestPredictor.load, "trees"),
    "neighbours": Family(fit_neighbours, NeighboursPredictor.load, "distance"),
    "kernel": Family(fit_kernel, KernelPredictor.load, "distance"),
    "network": Family(fit_network, NetworkPredictor.load, "linear"),
    "catboost": Family(fit_catboost, CatboostPredictor.load, "trees"),
    "xgboost": Family(fit_xgboost, XgboostPredictor.load, "trees"),
}
"""Families that learn from features; the family ``rules`` learns from the columns themselves."""


@dataclass(frozen=True)
class TabularMember:
    """A fitted member under the name of its candidate.

    Args:
        name: of the candidate.
        family: of the candidate.
        classes: the classes in order, empty for a number.
        scale: how numbers were learnt.
        encoder: what turns rows into features; None for a rule and for what looks at pictures.
        predictor: what was learnt, or the rule.
        forms: how columns of numbers are written, for a rule.
    """

    name: str
    family: str
    classes: tuple[str, ...]
    scale: Scale
    encoder: Encoder | None
    predictor: Predictor | Rule | ConvnetPredictor
    forms: Mapping[str, NumberForm]

    def predict(self, rows: pl.DataFrame, prepared: pl.DataFrame | None = None) -> NDArray[np.float64]:
        """Probabilities ``[n, classes]`` whose rows sum to 1, or numbers ``[n, 1]`` in units of the target.

        Args:
            rows: rows to be predicted, in any order of columns.
            prepared: features of their pictures, a column each, as at training.
        """
        if isinstance(self.predictor, Rule):
            return self.predictor.predict(Columns(rows, self.forms))
        if isinstance(self.predictor, ConvnetPredictor):
            made = self.predictor.predict(rows)
        else:
            assert self.encoder is not None
            made = self.predictor.predict(self.encoder.transform(_beside(rows, prepared)).values)
        if not self.classes:
            return self.scale.told(made)
        kept = np.minimum(np.maximum(made, 0.0), 1.0)
        return np.asarray(kept / kept.sum(axis=1, keepdims=True))

    def save(self, folder: Path) -> None:
        """Write ``member.json``, the encoder's and the predictor's files."""
        about = {"name": self.name, "family": self.family, "classes": self.classes, "scale": self.scale.to_json()}
        if isinstance(self.predictor, Rule):
            forms = {name: {"unit": form.unit, "comma": form.comma, "codes": form.codes} for name, form in self.forms.items()}
            about |= {"rule": self.predictor.to_json(), "forms": forms}
        else:
            if self.encoder is not None:
                self.encoder.save(folder)
            about["about"] = self.predictor.save(folder)
        (folder / "member.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> TabularMember:
        """Read back what `save` wrote."""
        about = json.loads((folder / "member.json").read_text(encoding="utf-8"))
        names = about["name"], about["family"], tuple(about["classes"]), Scale(**about["scale"])
        if "rule" in about:
            forms = {name: NumberForm(form["unit"], form["comma"], tuple(form["codes"])) for name, form in about["forms"].items()}
            return cls(*names, None, Rule.from_json(about["rule"]), forms)
        if about["family"] == "convnet":
            return cls(*names, None, ConvnetPredictor.load(folder, about["about"]), {})
        return cls(*names, Encoder.load(folder), FAMILIES[about["family"]].load(folder, about["about"]), {})


def _beside(rows: pl.DataFrame, prepared: pl.DataFrame | None) -> pl.DataFrame:
    return rows if prepared is None else rows.hstack(prepared)


def fit_member(
    candidate: Candidate,
    rows: pl.DataFrame,
    problem: Problem,
    prepared: pl.DataFrame | None,
    seed: int,
    groups: NDArray[np.int64] | None = None,
) -> TabularMember:
    """Fit a candidate.

    Args:
        candidate: family and parameters. ``log`` among them overrules the problem's; ``most_rows`` has a sample learnt from.
        rows: training rows of the fold; those without a known target are left out. In the order of time where
            ``problem.split`` is ``time``.
        problem: target, inputs and classes.
        prepared: features of the rows' pictures, a column each.
        seed: seed of everything random.
        groups: number of each row's group where ``problem.split`` is ``groups``.
    """
    kept = _learnt_rows(problem.values(rows), candidate.parameters.get("most_rows"), seed)
    rows, prepared = rows[kept], None if prepared is None else prepared[kept]
    goal, groups = problem.values(rows), None if groups is None else groups[kept]
    if candidate.family == "rules":
        return _rule(candidate, rows, problem, goal, seed)
    if candidate.family == "convnet":
        column = next(name for name, kind in problem.kinds.items() if kind == "picture")
        network = fit_convnet(rows, column, goal, len(problem.classes), candidate.parameters, seed)
        return TabularMember(candidate.name, candidate.family, problem.classes, Scale(), None, network, {})
    family, problem = FAMILIES[candidate.family], _with_prepared(problem, prepared)
    scale = Scale.of(goal, bool(candidate.parameters.get("log", problem.log))) if not problem.classes else Scale()
    learnt = scale.learnt(goal)
    encoder, encoded = Encoder.fit_transform(_beside(rows, prepared), problem, family.style, learnt, candidate.parameters, seed)
    several = groups if groups is not None and len(np.unique(groups)) > 2 else None
    lesson = Lesson(
        encoded, learnt, len(problem.classes), candidate.parameters, seed, several if problem.split == "groups" else None,
        problem.split == "time",
    )  # fmt: skip
    return TabularMember(candidate.name, candidate.family, problem.classes, scale, encoder, family.fit(lesson), {})


def _learnt_rows(goal: Floats, most: int | None, seed: int) -> NDArray[np.int64]:
    """Rows with a known target, in their order; a sample with the same make-up where there are more than ``most``."""
    known = np.flatnonzero(np.isfinite(goal))
    if most is None or len(known) <= most:
        return known
    alike = known[np.lexsort((np.random.default_rng(seed).random(len(known)), goal[known]))]
    return np.sort(alike[np.linspace(0, len(alike) - 1, int(most)).round().astype(np.int64)])


def _with_prepared(problem: Problem, prepared: pl.DataFrame | None) -> Problem:
    made = {} if prepared is None else dict.fromkeys(prepared.columns, "number")
    return replace(problem, kinds={**problem.kinds, **made})


def _rule(candidate: Candidate, rows: pl.DataFrame, problem: Problem, goal: Floats, seed: int) -> TabularMember:
    forms = learnt_forms(rows, problem)
    rule = fit_rule(candidate.parameters["rule"], Columns(rows, forms), problem, goal, seed)
    return TabularMember(candidate.name, candidate.family, problem.classes, Scale(), None, rule, forms)
