"""Gradient boosted trees (LightGBM), kept as LightGBM's own text.

How many rounds is told by early stopping on an inner part of the training rows. With one bag the trees are then learnt again
from all rows; with several, each bag leaves out another part to stop by, and the mean of all bags predicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.boosters import predicted
from sevenstep.tasks.tabular.families.learning import Floats, Lesson

__all__ = ["NAMES", "BoostingPredictor", "fit_boosting"]

_INNER = 5  # with one bag, every fifth row is left out to find the rounds
_LEAST_FEATURES = 8  # a tree that sees fewer cannot learn how inputs work together
_REFIT = 1.1  # rounds for all rows, relative to those for the rows without the inner part

NAMES = {
    "learning_rate": "learning_rate", "leaves": "num_leaves", "depth": "max_depth", "least_in_leaf": "min_data_in_leaf",
    "feature_share": "feature_fraction", "node_share": "feature_fraction_bynode", "row_share": "bagging_fraction",
    "ridge": "lambda_l2", "lasso": "lambda_l1", "extra_trees": "extra_trees", "bins": "max_bin", "mode": "boosting",
    "path_smooth": "path_smooth", "category_smoothing": "cat_smooth", "category_ridge": "cat_l2", "top_rate": "top_rate",
    "other_rate": "other_rate", "drop_rate": "drop_rate", "least_in_category": "min_data_per_group", "linear": "linear_tree",
    "most_levels": "max_cat_threshold",
}  # fmt: skip
"""Our words for LightGBM's parameters."""

_BINNING = ("max_bin", "seed", "verbose", "num_threads", "min_data_in_leaf", "linear_tree")
"""What LightGBM must know when it bins the features."""


@dataclass(frozen=True)
class BoostingPredictor:
    """Boosters of equal weight as texts; ``classes`` is 0 for a number."""

    texts: tuple[str, ...]
    classes: int

    def predict(self, values: NDArray[np.float32]) -> Floats:
        """Mean of all boosters."""
        each = [predicted(booster, values, threads=1) for booster in self.boosters()]
        made = np.mean(each, axis=0) if len(each) > 1 else each[0]
        return as_columns(np.asarray(made, np.float64), self.classes)

    def contributions(self, values: NDArray[np.float32]) -> Floats:
        """What each feature adds to the raw score, ``[n, classes or 1, features + 1]``; the last is the expected score."""
        parts = [np.asarray(booster.predict(values, pred_contrib=True, num_threads=1)) for booster in self.boosters()]
        return np.asarray(np.mean(parts, axis=0)).reshape(len(values), -1, values.shape[1] + 1)

    def boosters(self) -> list[Any]:
        """The boosters, ready to predict."""
        return self._boosters

    @cached_property
    def _boosters(self) -> list[Any]:
        """Read from their texts once: that takes longer than to predict thousands of rows."""
        import lightgbm

        return [lightgbm.Booster(model_str=text) for text in self.texts]

    def save(self, folder: Path) -> dict[str, Any]:
        """Each booster as ``model_<number>.txt``."""
        for number, text in enumerate(self.texts):
            (folder / f"model_{number}.txt").write_text(text, encoding="utf-8")
        return {"boosters": len(self.texts), "classes": self.classes}

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> BoostingPredictor:
        """Read back what `save` wrote."""
        texts = [(folder / f"model_{number}.txt").read_text(encoding="utf-8") for number in range(about["boosters"])]
        return cls(tuple(texts), about["classes"])


def as_columns(made: Floats, classes: int) -> Floats:
    """P(second class) as two columns, a number as one; several classes are columns already."""
    if classes == 2 and made.ndim == 1:
        return np.column_stack([1.0 - made, made])
    return made if made.ndim == 2 else made[:, None]


def fit_boosting(lesson: Lesson) -> BoostingPredictor:
    """Fit boosters.

    Parameters of the lesson: ``rounds`` (most), ``patience`` (rounds without gain before stopping), ``bags``, ``loss`` (of a
    number: ``l2``, ``l1``, ``huber``, ...) and LightGBM's own under the names of `NAMES`.
    """
    bags = int(lesson.parameters.get("bags", 1))
    if not _stops_early(lesson):
        return BoostingPredictor((_train(lesson, _parameters(lesson, 0), None, _rounds(lesson))[0],), lesson.classes)
    if bags == 1:
        parameters, inner = _parameters(lesson, 0), lesson.parts(_INNER)
        _, best = _train(lesson, parameters, inner == inner.max(), _rounds(lesson))
        text, _ = _train(lesson, parameters, None, max(1, round(best * _REFIT)))
        return BoostingPredictor((text,), lesson.classes)
    parts = lesson.parts(bags)
    texts = [_train(lesson, _parameters(lesson, bag), parts == bag, _rounds(lesson))[0] for bag in range(bags)]
    return BoostingPredictor(tuple(texts), lesson.classes)


def _stops_early(lesson: Lesson) -> bool:
    """Whether rounds are found by early stopping: DART changes earlier trees, so it cannot; nor can very few rows tell."""
    wanted = lesson.parameters.get("mode") != "dart" and bool(lesson.parameters.get("patience", 0))
    return wanted and len(lesson.goal) >= 2 * _INNER


def _rounds(lesson: Lesson) -> int:
    return int(lesson.parameters["rounds"])


def _train(lesson: Lesson, parameters: dict[str, Any], aside: NDArray[np.bool_] | None, rounds: int) -> tuple[str, int]:
    """A booster as text, and its best number of rounds; ``aside`` are the rows to stop by."""
    import lightgbm

    data = _dataset(lesson, parameters, None if aside is None else ~aside)
    if aside is None:
        booster = lightgbm.train(parameters, data, rounds)
        return booster.model_to_string(), rounds
    judged = data.create_valid(lesson.values[aside], lesson.goal[aside])
    stop = lightgbm.early_stopping(int(lesson.parameters["patience"]), first_metric_only=True, verbose=False)
    booster = lightgbm.train(parameters, data, rounds, valid_sets=[judged], callbacks=[stop])
    return booster.model_to_string(num_iteration=booster.best_iteration), max(1, booster.best_iteration)


def _dataset(lesson: Lesson, parameters: dict[str, Any], kept: NDArray[np.bool_] | None) -> Any:
    import lightgbm

    values, goal = (lesson.values, lesson.goal) if kept is None else (lesson.values[kept], lesson.goal[kept])
    binning: dict[str, Any] = {name: parameters[name] for name in _BINNING if name in parameters}
    return lightgbm.Dataset(
        np.ascontiguousarray(values), goal, categorical_feature=list(lesson.encoded.categorical),
        feature_name=[f"f{place}" for place in range(values.shape[1])], params=binning,
    )  # fmt: skip


def _parameters(lesson: Lesson, bag: int) -> dict[str, Any]:
    given = {ours: value for ours, value in lesson.parameters.items() if ours in NAMES}
    named = {NAMES[ours]: value for ours, value in given.items()}
    fixed: dict[str, Any] = {
        "objective": _objective(lesson), "seed": lesson.seed + bag, "num_threads": 1, "deterministic": True,
        "force_col_wise": True, "verbose": -1, "bagging_freq": 1 if named.get("bagging_fraction", 1.0) < 1 else 0,
    }  # fmt: skip
    if lesson.classes > 2:
        fixed["num_class"] = lesson.classes
    fixed["min_data_in_leaf"] = min(int(named.get("min_data_in_leaf", 20)), max(1, len(lesson.goal) // 10))
    few = min(1.0, _LEAST_FEATURES / max(lesson.values.shape[1], 1))
    fixed["feature_fraction"] = max(float(named.get("feature_fraction", 1.0)), few)
    return named | fixed


def _objective(lesson: Lesson) -> str:
    if lesson.classes:
        return "binary" if lesson.classes == 2 else "multiclass"
    return str(lesson.parameters.get("loss", "l2"))
