"""What another library makes of the same rows in the same time; a process of its own, which may be another environment's Python.

    python bench/peers.py NAME KNOWN UNSEEN MADE --task TASK --metric METRIC --seconds S [--preset PRESET]

Reads the known rows, whose goal is the column `__target__` (classes as whole numbers), and writes what it predicts for the unseen
ones, one column for each class. Exits with 3 where the library is not installed. Knows nothing of this project.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import polars as pl

TARGET = "__target__"
NOT_INSTALLED = 3
_AUTOGLUON = {
    "roc_auc": "roc_auc", "average_precision": "average_precision", "macro_f1": "f1_macro", "accuracy": "accuracy",
    "rmse": "root_mean_squared_error",
}  # fmt: skip
_FLAML = {"roc_auc": "roc_auc", "average_precision": "ap", "macro_f1": "macro_f1", "accuracy": "accuracy", "rmse": "rmse"}
"""The KPI's metric in the words of the libraries, so that they look for the same."""


def main() -> None:
    """Fit one peer and write what it predicts."""
    options = _options()
    if not find_spec(options.name):
        sys.exit(NOT_INSTALLED)
    made = _PEERS[options.name](pl.read_parquet(options.known), pl.read_parquet(options.unseen), options)
    columns = made if made.ndim == 2 else made[:, None]
    pl.DataFrame(columns, schema=[str(place) for place in range(columns.shape[1])]).write_parquet(options.made)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=list(_PEERS))
    parser.add_argument("known")
    parser.add_argument("unseen")
    parser.add_argument("made")
    parser.add_argument("--task", choices=["classification", "regression"], required=True)
    parser.add_argument("--metric", required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--preset", default="medium_quality", help="of AutoGluon")
    return parser.parse_args()


def _plain(rows: pl.DataFrame, known: pl.DataFrame) -> Any:
    """Numbers as they are, anything else as the number of its value among the known rows: what a first try would do."""
    columns = []
    for name in (name for name in known.columns if name != TARGET):
        if rows[name].dtype.is_numeric():
            columns.append(rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy())
            continue
        values = {value: float(place) for place, value in enumerate(known[name].cast(pl.String).unique().sort())}
        coded = rows[name].cast(pl.String).replace_strict(values, default=None, return_dtype=pl.Float64)
        columns.append(coded.fill_null(float("nan")).to_numpy())
    return np.column_stack(columns)


def _lightgbm(known: pl.DataFrame, unseen: pl.DataFrame, options: argparse.Namespace) -> Any:
    import lightgbm

    inputs, goal = _plain(known, known), known[TARGET].to_numpy()
    if options.task == "regression":
        model = lightgbm.LGBMRegressor(n_estimators=300, learning_rate=0.05, verbose=-1).fit(inputs, goal)
        return np.asarray(model.predict(_plain(unseen, known)))
    model = lightgbm.LGBMClassifier(n_estimators=200, learning_rate=0.05, verbose=-1).fit(inputs, goal)
    return np.asarray(model.predict_proba(_plain(unseen, known)))


def _flaml(known: pl.DataFrame, unseen: pl.DataFrame, options: argparse.Namespace) -> Any:
    from flaml import AutoML

    model, given = AutoML(), {"task": options.task, "metric": _FLAML[options.metric], "time_budget": options.seconds}
    inputs, rows = _plain(known, known), _plain(unseen, known)
    usual = np.nan_to_num(np.nanmedian(inputs, axis=0))  # some of its learners refuse missing values
    inputs, rows = (np.where(np.isnan(values), usual, values) for values in (inputs, rows))
    model.fit(inputs, known[TARGET].to_numpy(), verbose=0, n_jobs=2, **given)
    return np.asarray(model.predict(rows) if options.task == "regression" else model.predict_proba(rows))


def _autogluon(known: pl.DataFrame, unseen: pl.DataFrame, options: argparse.Namespace) -> Any:
    from autogluon.tabular import TabularPredictor

    with tempfile.TemporaryDirectory() as folder:
        model = TabularPredictor(TARGET, path=folder, verbosity=0, eval_metric=_AUTOGLUON[options.metric])
        model.fit(known.to_pandas(), time_limit=options.seconds, presets=options.preset)
        rows = unseen.to_pandas()
        return np.asarray(model.predict(rows) if options.task == "regression" else model.predict_proba(rows))


_PEERS: Mapping[str, Callable[[pl.DataFrame, pl.DataFrame, argparse.Namespace], Any]] = {
    "lightgbm": _lightgbm,
    "flaml": _flaml,
    "autogluon": _autogluon,
}

if __name__ == "__main__":
    main()
