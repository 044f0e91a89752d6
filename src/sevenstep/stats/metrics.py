"""The metrics a KPI may name when truth and prediction are numbers; each with its formula's source.

In the formulas ``e = truth - prediction``. Rows without truth or prediction are not measured: they are left out and counted
by the callers (`cluster_estimate`, `compare`), never counted as wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from sevenstep.stats.classification import CLASSIFICATION
from sevenstep.stats.metric import Metric, ratio, root_ratio
from sevenstep.stats.per_item import PER_ITEM, at_rank
from sevenstep.stats.scored import FloatArray, Scored

__all__ = ["METRICS", "in_sample_scale"]

_BOUNDS = ("lower_80", "upper_80", "lower_95", "upper_95")
_LEVELS = {"lower_95": 0.025, "lower_80": 0.1, "upper_80": 0.9, "upper_95": 0.975}
_MSIS_ALPHA = 0.05


def in_sample_scale(history: npt.ArrayLike, season: int, *, squared: bool = False) -> float:
    """In-sample error of the seasonal naive rule for one series: the ``scale`` of its rows for MASE, MSIS and RMSSE.

    Args:
        history: training values in time order, without gaps (NaN for a missing value; such pairs are left out). For the M5
            definition of RMSSE the caller leaves out what lies before the first sale.
        season: rows in a season; 1 for the plain naive rule.
        squared: the root of the mean squared error (RMSSE) instead of the mean absolute error (MASE, MSIS).

    Returns:
        The scale in units of the target; NaN when no pair a season apart exists. A constant history gives 0, and rows with
        scale 0 are not measured.

    Raises:
        ValueError: when ``season`` is below 1.

    Source: Hyndman and Koehler (2006), Another look at measures of forecast accuracy; M5 competitors' guide (2020) for squares.
    """
    if season < 1:
        raise ValueError(f"season is {season}; it must be at least 1")
    values = np.asarray(history, np.float64)
    steps = values[season:] - values[:-season]
    steps = steps[~np.isnan(steps)]
    if steps.size == 0:
        return float("nan")
    return float(np.sqrt(np.mean(steps**2)) if squared else np.mean(np.abs(steps)))


def _variation(rows: Scored) -> FloatArray:
    return np.column_stack([_error(rows) ** 2, rows.truth, rows.truth**2, np.ones(len(rows))])


def _explained(sums: FloatArray) -> FloatArray:
    around = sums[..., 2] - sums[..., 1] ** 2 / np.maximum(sums[..., 3], 1.0)
    return 1.0 - ratio(np.stack([sums[..., 0], np.where(around > 0, around, 0.0)], axis=-1))


def _log_squared(rows: Scored) -> FloatArray:
    return _mean_of((np.log1p(np.maximum(rows.prediction, 0.0)) - np.log1p(np.maximum(rows.truth, 0.0))) ** 2)


def _mean_of(values: FloatArray) -> FloatArray:
    return np.column_stack([values, np.ones_like(values)])


def _error(rows: Scored) -> FloatArray:
    return rows.truth - rows.prediction


def _wape(rows: Scored) -> FloatArray:
    return np.column_stack([np.abs(_error(rows)), np.abs(rows.truth)])


def _absolute(rows: Scored) -> FloatArray:
    return _mean_of(np.abs(_error(rows)))


def _weighted_absolute(rows: Scored) -> FloatArray:
    return np.column_stack([rows.weight * np.abs(_error(rows)), rows.weight])


def _squared(rows: Scored) -> FloatArray:
    return _mean_of(_error(rows) ** 2)


def _relative(rows: Scored) -> FloatArray:
    return _mean_of(np.abs(_error(rows) / rows.truth))


def _relative_squared(rows: Scored) -> FloatArray:
    return _mean_of((_error(rows) / rows.truth) ** 2)


def _symmetric(rows: Scored) -> FloatArray:
    size = np.abs(rows.truth) + np.abs(rows.prediction)
    # 0 predicted and 0 true is a perfect forecast, so its error is 0.
    return _mean_of(np.divide(200.0 * np.abs(_error(rows)), size, out=np.zeros_like(size), where=size > 0))


def _scaled(rows: Scored) -> FloatArray:
    return _mean_of(np.abs(_error(rows)) / rows.scale)


def _scaled_squared(rows: Scored) -> FloatArray:
    return _mean_of((_error(rows) / rows.root_scale) ** 2)


def _bias(rows: Scored) -> FloatArray:
    return np.column_stack([-_error(rows), np.abs(rows.truth)])


def _pinball(rows: Scored) -> FloatArray:
    losses = np.zeros(len(rows))
    for bound, level in _LEVELS.items():
        gap = rows.truth - getattr(rows, bound)
        losses += np.maximum(level * gap, (level - 1) * gap)
    return _mean_of(losses / len(_LEVELS))


def _coverage_80(rows: Scored) -> FloatArray:
    return _mean_of(((rows.truth >= rows.lower_80) & (rows.truth <= rows.upper_80)).astype(np.float64))


def _coverage_95(rows: Scored) -> FloatArray:
    return _mean_of(((rows.truth >= rows.lower_95) & (rows.truth <= rows.upper_95)).astype(np.float64))


def _msis(rows: Scored) -> FloatArray:
    below = np.maximum(rows.lower_95 - rows.truth, 0.0)
    above = np.maximum(rows.truth - rows.upper_95, 0.0)
    width = rows.upper_95 - rows.lower_95
    return _mean_of((width + 2.0 / _MSIS_ALPHA * (below + above)) / rows.scale)


_HYNDMAN = "Hyndman and Koehler (2006), Another look at measures of forecast accuracy"
_M4 = "Makridakis, Spiliotis and Assimakopoulos (2020), The M4 competition"

_POINT = (
    Metric("wape", "lower", "share", "Sum of absolute errors over the sum of absolute actuals.",
           "sum|e| / sum|truth|; Kolassa and Schuetz (2007), Advantages of the MAD/mean ratio over the MAPE", _wape, ratio),
    Metric("mae", "lower", "target", "Mean absolute error.", f"mean|e|; {_HYNDMAN}", _absolute, ratio),
    Metric("wmae", "lower", "target", "Mean absolute error weighted by row.",
           "sum w|e| / sum w; Kaggle Walmart Recruiting, Store Sales Forecasting (2014)", _weighted_absolute, ratio, ("weight",)),
    Metric("mse", "lower", "target_squared", "Mean squared error.", f"mean e^2; {_HYNDMAN}", _squared, ratio),
    Metric("rmse", "lower", "target", "Square root of the mean squared error.",
           f"sqrt(mean e^2); {_HYNDMAN}", _squared, root_ratio),
    Metric("mape", "lower", "share", "Mean absolute error relative to the actual; actuals of 0 are left out.",
           f"mean|e / truth|; {_HYNDMAN}", _relative, ratio, skips_zero=True),
    Metric("rmspe", "lower", "share", "Root of the mean squared relative error; actuals of 0 are left out.",
           "sqrt(mean (e / truth)^2); Kaggle Rossmann Store Sales (2015)", _relative_squared, root_ratio, skips_zero=True),
    Metric("smape", "lower", "percent", "Symmetric mean absolute percentage error, 0 to 200 percent as in the M competitions.",
           f"mean 200|e| / (|truth| + |prediction|); {_M4}", _symmetric, ratio, limits=(0.0, 200.0)),
    Metric("bias", "target", "share", "Sum predicted too much (below 0: too little) over the sum of absolute actuals.",
           "sum(prediction - truth) / sum|truth|; Kolassa and Schuetz (2007)", _bias, ratio, limits=(-np.inf, np.inf), goal=0.0),
    Metric("rmsle", "lower", "ratio", "Root of the mean squared error of logarithms, for targets of at least 0.",
           "sqrt(mean (log(1 + prediction) - log(1 + truth))^2); Kaggle Bike Sharing Demand (2014)", _log_squared, root_ratio),
    Metric("r2", "higher", "ratio", "Share of the variation of the actuals that is explained.",
           "1 - sum e^2 / sum (truth - mean)^2; Wright (1921), Correlation and causation", _variation, _explained,
           limits=(-np.inf, 1.0)),
)  # fmt: skip

_SCALED = (
    Metric("mase", "lower", "ratio", "Mean absolute error in units of the series' own in-sample seasonal naive error.",
           f"mean(|e| / scale); {_HYNDMAN}; the M4 mean over series is the balanced form", _scaled, ratio, ("scale",)),
    Metric("rmsse", "lower", "ratio", "Root mean squared error in units of the series' own in-sample naive error.",
           "sqrt(mean (e / scale)^2) with the squared scale; M5 competitors' guide (2020), whose mean over series is balanced",
           _scaled_squared, root_ratio, ("root_scale",)),
)  # fmt: skip

_INTERVAL = (
    Metric("pinball", "lower", "target", "Mean quantile loss of the four bounds (levels 0.025, 0.1, 0.9 and 0.975).",
           "mean max(q d, (q - 1) d), d = truth - bound; Koenker and Bassett (1978), Regression quantiles",
           _pinball, ratio, _BOUNDS),
    Metric("coverage_80", "target", "share", "Share of actuals inside the 80 % interval.", "mean(lower <= truth <= upper)",
           _coverage_80, ratio, _BOUNDS[:2], limits=(0.0, 1.0), goal=0.80),
    Metric("coverage_95", "target", "share", "Share of actuals inside the 95 % interval.", "mean(lower <= truth <= upper)",
           _coverage_95, ratio, _BOUNDS[2:], limits=(0.0, 1.0), goal=0.95),
    Metric("msis", "lower", "ratio", "Mean width of the 95 % interval plus a fine for each miss, in units of the naive error.",
           f"mean((U - L + 2/a (L - y)+ + 2/a (y - U)+) / scale), a = 0.05; {_M4}", _msis, ratio, ("scale", *_BOUNDS[2:])),
)  # fmt: skip


class _Metrics(Mapping[str, Metric]):
    """All metrics by name; one that ends in ``@k`` is found under any number (``ndcg@10``)."""

    def __init__(self, known: Mapping[str, Metric]) -> None:
        self._known = dict(known)

    def __getitem__(self, name: str) -> Metric:
        if name not in self._known:
            made = at_rank(name)
            if made is None:
                raise KeyError(name)
            self._known[name] = made
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter([name for name in self._known if not at_rank(name)])

    def __len__(self) -> int:
        return len(list(iter(self)))


METRICS: Mapping[str, Metric] = _Metrics(
    {metric.name: metric for metric in (*_POINT, *_SCALED, *_INTERVAL, *CLASSIFICATION)} | PER_ITEM
)
