"""CatBoost and XGBoost, where a person has installed them: as further boosted trees, kept in their own plain formats."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.errors import InputError
from sevenstep.tasks.tabular.families.boosting import as_columns
from sevenstep.tasks.tabular.families.learning import Floats, Lesson

__all__ = ["CatboostPredictor", "XgboostPredictor", "fit_catboost", "fit_xgboost", "installed"]

_INNER = 5
_PACKAGES = {"catboost": "catboost", "xgboost": "xgboost-cpu"}


def installed(family: str) -> bool:
    """Whether the library of a family that is an extra can be imported."""
    return find_spec(family) is not None


def _library(family: str) -> Any:
    """The library of a family; raises InputError where it is not installed."""
    if not installed(family):
        given, rule = f"a candidate of the family '{family}'", "it needs a library that is not installed"
        raise InputError("TABULAR-EXTRA", given, rule, f"pip install {_PACKAGES[family]}, or leave the candidate out")
    return import_module(family)


@dataclass(frozen=True)
class CatboostPredictor:
    """A CatBoost model as the bytes of its own format; ``categorical`` columns hold codes of categories."""

    content: bytes
    classes: int
    categorical: tuple[int, ...]

    def predict(self, values: NDArray[np.float32]) -> Floats:
        """Probabilities or numbers."""
        catboost = _library("catboost")
        model = catboost.CatBoost().load_model(blob=self.content)
        kind = "Probability" if self.classes else "RawFormulaVal"
        pool = catboost.Pool(_for_catboost(values, self.categorical), cat_features=list(self.categorical))
        return as_columns(np.asarray(model.predict(pool, prediction_type=kind, thread_count=1), np.float64), self.classes)

    def save(self, folder: Path) -> dict[str, Any]:
        """The model as ``model.cbm``."""
        (folder / "model.cbm").write_bytes(self.content)
        return {"classes": self.classes, "categorical": self.categorical}

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> CatboostPredictor:
        """Read back what `save` wrote."""
        return cls((folder / "model.cbm").read_bytes(), about["classes"], tuple(about["categorical"]))


def _for_catboost(values: NDArray[np.float32], categorical: tuple[int, ...]) -> Any:
    """Codes as whole numbers, which CatBoost takes for categories."""
    if not categorical:
        return values
    made = values.astype(object)
    for place in categorical:
        made[:, place] = np.nan_to_num(values[:, place], nan=-1.0).astype(np.int64)
    return made


def fit_catboost(lesson: Lesson) -> CatboostPredictor:
    """Fit CatBoost; parameters ``rounds``, ``patience``, ``learning_rate``, ``depth`` and ``ridge``."""
    catboost = _library("catboost")
    parameters = {
        "iterations": int(lesson.parameters["rounds"]), "depth": int(lesson.parameters.get("depth", 6)),
        "l2_leaf_reg": float(lesson.parameters.get("ridge", 3.0)), "random_seed": lesson.seed, "thread_count": 1,
        "loss_function": {0: "RMSE", 2: "Logloss"}.get(lesson.classes, "MultiClass"), "allow_writing_files": False,
        "logging_level": "Silent", "learning_rate": float(lesson.parameters.get("learning_rate", 0.05)),
    }  # fmt: skip
    categorical, parts = lesson.encoded.categorical, lesson.parts(_INNER)
    aside = parts == parts.max()

    def pool(rows: NDArray[np.bool_]) -> Any:
        return catboost.Pool(_for_catboost(lesson.values[rows], categorical), lesson.goal[rows], cat_features=list(categorical))

    first = catboost.CatBoost(parameters)
    first.fit(pool(~aside), eval_set=pool(aside), early_stopping_rounds=int(lesson.parameters.get("patience", 50)))
    model = catboost.CatBoost(parameters | {"iterations": max(1, first.tree_count_)})
    model.fit(pool(np.ones(len(aside), np.bool_)))
    with TemporaryDirectory() as folder:
        model.save_model(str(Path(folder) / "model.cbm"))
        return CatboostPredictor((Path(folder) / "model.cbm").read_bytes(), lesson.classes, categorical)


@dataclass(frozen=True)
class XgboostPredictor:
    """An XGBoost model as the bytes of its JSON format."""

    content: bytes
    classes: int

    def predict(self, values: NDArray[np.float32]) -> Floats:
        """Probabilities or numbers."""
        xgboost = _library("xgboost")
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(bytearray(self.content))
        return as_columns(np.asarray(booster.predict(xgboost.DMatrix(values, nthread=1)), np.float64), self.classes)

    def save(self, folder: Path) -> dict[str, Any]:
        """The model as ``model.json``."""
        (folder / "model.json").write_bytes(self.content)
        return {"classes": self.classes}

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> XgboostPredictor:
        """Read back what `save` wrote."""
        return cls((folder / "model.json").read_bytes(), about["classes"])


def fit_xgboost(lesson: Lesson) -> XgboostPredictor:
    """Fit XGBoost; parameters as for CatBoost, and ``row_share`` and ``feature_share``."""
    xgboost = _library("xgboost")
    given = lesson.parameters
    parameters = {
        "objective": {0: "reg:squarederror", 2: "binary:logistic"}.get(lesson.classes, "multi:softprob"), "nthread": 1,
        "tree_method": "hist", "max_depth": int(given.get("depth", 6)), "eta": float(given.get("learning_rate", 0.05)),
        "lambda": float(given.get("ridge", 1.0)), "subsample": float(given.get("row_share", 0.9)),
        "colsample_bytree": float(given.get("feature_share", 0.8)), "seed": lesson.seed, "verbosity": 0,
    } | ({"num_class": lesson.classes} if lesson.classes > 2 else {})  # fmt: skip
    parts = lesson.parts(_INNER)
    aside = parts == parts.max()

    def matrix(rows: NDArray[np.bool_]) -> Any:
        return xgboost.DMatrix(lesson.values[rows], lesson.goal[rows], nthread=1)

    rounds, patience = int(given["rounds"]), int(given.get("patience", 50))
    judged = [(matrix(aside), "inner")]
    first = xgboost.train(parameters, matrix(~aside), rounds, judged, early_stopping_rounds=patience, verbose_eval=False)
    booster = xgboost.train(parameters, matrix(np.ones(len(aside), np.bool_)), first.best_iteration + 1)
    return XgboostPredictor(bytes(booster.save_raw("json")), lesson.classes)
