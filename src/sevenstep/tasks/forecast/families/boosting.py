"""Gradient boosting over all series and all leads at once (LightGBM).

The trees learn what the base of a row (the mean of its series in the same season and event state) does not know. On the ``log``
scale they learn the difference of logarithms, on the ``ratio`` scale the quotient with rows weighted by their base, which is
the loss of WAPE. In ``units`` they learn the difference in units of how far the series usually moves, which with absolute errors
is the loss of MASE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.boosters import predicted
from sevenstep.tasks.forecast.families.question import Features, Question, columns_learnt
from sevenstep.tasks.forecast.features.history import transform, untransform
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.table import FeatureTable
from sevenstep.tasks.forecast.features.units import HELD, UNIT

__all__ = ["BoostingMember", "fit_boosting", "lightgbm_parameters"]

EVERY_CORE = 0  # threads: as many as the process may use, which is one where fits run side by side
SMALLEST = 1e-3  # a base below this share of the mean base would blow up quotients


@dataclass(frozen=True)
class BoostingMember:
    """A fitted booster, kept as LightGBM's own text.

    Args:
        text: the model in LightGBM's text format.
        scale: ``log``, ``ratio`` or ``units``.
        floor: smallest base used on the ratio scale, in units of the target.
        recipe: how the features it reads are made.
        names: of the features it reads, in its order.
    """

    text: str
    scale: str
    floor: float
    recipe: FeatureRecipe
    names: Sequence[str]

    def predict(self, question: Question) -> NDArray[np.float64]:
        """Predictions in units of the target."""
        return self.predict_features(question.features(self.recipe))

    def predict_features(self, features: Features) -> NDArray[np.float64]:
        """Predictions from features that are there already."""
        names, values, base = features
        raw = predicted(self._booster, columns_learnt(names, values, self.names), EVERY_CORE)
        if self.scale == "units":
            return raw * values[:, list(names).index(UNIT)] + base
        if self.scale == "log":
            return untransform(raw + base, self.recipe.transform).astype(np.float64)
        return raw * _size(base, self.recipe.transform, self.floor)

    def contributions(self, features: Features) -> tuple[list[str], NDArray[np.float64]]:
        """What each feature adds to the raw score of each row; the last column is the expected score."""
        values = columns_learnt(features[0], features[1], self.names)
        added = self._booster.predict(values, pred_contrib=True, num_threads=1)
        return list(self.names), np.asarray(added, dtype=np.float64)

    @cached_property
    def _booster(self) -> Any:
        """The trees, read once: reading them takes as long as predicting with them."""
        import lightgbm

        return lightgbm.Booster(model_str=self.text)

    def save(self, folder: Path) -> dict[str, Any]:
        """The trees as ``model.txt``."""
        (folder / "model.txt").write_text(self.text, encoding="utf-8")
        return {"scale": self.scale, "floor": self.floor, "recipe": self.recipe.to_json(), "names": list(self.names)}

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> BoostingMember:
        """Read back what `save` wrote."""
        text = (folder / "model.txt").read_text(encoding="utf-8")
        return cls(text, about["scale"], about["floor"], FeatureRecipe.from_json(about["recipe"]), about.get("names", ()))


def fit_boosting(table: FeatureTable, rows: NDArray[np.int64], parameters: Mapping[str, Any], seed: int) -> BoostingMember:
    """Fit on the given rows of a feature table.

    Args:
        table: features of the target.
        rows: training rows, none of which may be observed after the fold's cutoff.
        parameters: ``scale``, ``loss`` (``l2``, ``l1``, ``tweedie``, ``huber``), ``rounds``, ``learning_rate``, ``leaves``,
            ``least_in_leaf``, ``feature_share``, ``row_share``, ``ridge``, ``most_rows`` and ``extra_trees``: one cut of each
            feature is drawn at a node, and the best of those is taken (Geurts, Ernst and Wehenkel, 2006).
        seed: seed of the row and feature draws.
    """
    import lightgbm

    rows = _thinned(rows, int(parameters.get("most_rows", len(rows))), seed)
    base, truth = table.base[rows], table.truth[rows]
    floor = SMALLEST * float(np.mean(np.abs(untransform(base, table.recipe.transform)))) or 1.0
    values = np.ascontiguousarray(table.values[rows])
    unit = values[:, list(table.names).index(UNIT)] if parameters["scale"] == "units" else None
    goal, weight = _goal(truth, base, table.weight[rows], parameters["scale"], table.recipe.transform, floor, unit)
    data = lightgbm.Dataset(
        values,
        goal,
        weight=weight,
        feature_name=_safe(table.names),
        categorical_feature=[position for position, name in enumerate(table.names) if name in _categories(table.recipe)],
        params={"max_bin": 127, "verbose": -1},
        free_raw_data=True,
    )
    fixed = {"feature_contri": [float(name not in HELD) for name in table.names]} if unit is not None else {}
    booster = lightgbm.train(lightgbm_parameters(parameters, seed) | fixed, data, int(parameters["rounds"]))
    return BoostingMember(booster.model_to_string(), str(parameters["scale"]), floor, table.recipe, list(table.names))


def _thinned(rows: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    if len(rows) <= most:
        return rows
    kept: NDArray[np.int64] = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return kept


def _size(base: NDArray[np.float32], name: str, floor: float) -> NDArray[np.float64]:
    sizes: NDArray[np.float64] = np.maximum(np.abs(untransform(base, name)), floor).astype(np.float64)
    return sizes


def _goal(
    truth: NDArray[np.float64],
    base: NDArray[np.float32],
    weight: NDArray[np.float32],
    scale: str,
    name: str,
    floor: float,
    unit: NDArray[np.float32] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if unit is not None:
        return ((truth - base) / unit).astype(np.float64), weight.astype(np.float64)
    if scale == "log":
        return (transform(truth, name) - base).astype(np.float64), weight.astype(np.float64)
    size = _size(base, name, floor)
    share = size * weight
    return truth / size, share / share.mean()


def _categories(recipe: FeatureRecipe) -> set[str]:
    """Categories with few levels are split as sets; codes of many levels are better split as numbers."""
    return {name for name, levels in recipe.categories.items() if 2 < len(levels) <= 64}


def _safe(names: Sequence[str]) -> list[str]:
    """LightGBM refuses some characters in names, so features travel by position."""
    return [f"f{position}" for position in range(len(names))]


def lightgbm_parameters(parameters: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """The parameters of a candidate in LightGBM's names, with those that make equal inputs give equal models."""
    return {
        "objective": parameters["loss"],
        "learning_rate": parameters["learning_rate"],
        "num_leaves": int(parameters["leaves"]),
        "min_data_in_leaf": int(parameters["least_in_leaf"]),
        "feature_fraction": parameters["feature_share"],
        "bagging_fraction": parameters["row_share"],
        "bagging_freq": 1,
        "lambda_l2": parameters["ridge"],
        "extra_trees": bool(parameters.get("extra_trees", False)),
        "cat_smooth": 20.0,
        "max_bin": 127,
        "seed": seed,
        "num_threads": EVERY_CORE,
        "deterministic": True,  # equal models for equal inputs, also with another number of threads
        "force_row_wise": True,
        "verbose": -1,
    } | ({"tweedie_variance_power": 1.2} if parameters["loss"] == "tweedie" else {})
