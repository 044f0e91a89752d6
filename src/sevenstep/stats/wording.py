"""A metric's figure, its interval and its goal as a person reads them: one rule for the terminal, the chapters and the report.

Shares are percent with three significant digits (``8.50 %``, ``11.5 %``), other figures have four.
"""

from __future__ import annotations

import math

from sevenstep.stats.metrics import METRICS
from sevenstep.wording import DASH, percent

__all__ = ["difference", "figure", "goal_text", "interval", "is_share", "spoken", "titled"]

_ABBREVIATED = {
    "auc", "cer", "em", "f1", "mae", "mape", "mase", "mcc", "mrr", "mse", "msis", "psnr", "r2", "rmse", "rmsle", "rmspe", "rmsse",
    "roc", "ssim", "wape", "wer", "wmae",
}  # fmt: skip
_OWN_CASE = {"ndcg": "nDCG", "smape": "sMAPE"}


def spoken(metric: str) -> str:
    """A metric's name inside a sentence: ``WAPE``, ``macro F1``, ``average precision``, ``nDCG@10``."""
    return " ".join(_word(word) for word in metric.split("_"))


def titled(metric: str) -> str:
    """A metric's name where a heading, a column or a sentence begins with it: ``Average precision``, but ``nDCG@10``."""
    name = spoken(metric)
    return name[:1].upper() + name[1:] if name.split(" ")[0].islower() else name


def _word(word: str) -> str:
    plain, *depth = word.split("@")
    told = _OWN_CASE.get(plain) or (plain.upper() if plain in _ABBREVIATED else plain)
    return "@".join([told, *depth])


def is_share(metric: str) -> bool:
    """Whether a metric is a share of 1, which is shown in percent."""
    return metric in METRICS and METRICS[metric].unit == "share"


def figure(value: float | None, metric: str = "") -> str:
    """A metric's value; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return DASH
    if is_share(metric):
        return percent(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def interval(value: float | None, low: float | None, high: float | None, metric: str = "") -> str:
    """A value with its interval, or the value alone where there is no interval: ``17.9 % (15.5 to 20.6)``."""
    if low is None or high is None:
        return figure(value, metric)
    ends = f"{figure(low, metric).removesuffix(' %')} to {figure(high, metric).removesuffix(' %')}"
    return f"{figure(value, metric)} ({ends})"


def goal_text(operator: str, value: float, metric: str) -> str:
    """A goal as people write it: ``≤ 8.50 %``."""
    sign = {"<=": "≤", ">=": "≥"}.get(operator, operator)
    return f"{sign} {figure(value, metric)}"


def difference(value: float, metric: str = "") -> str:
    """A difference of two values of a metric: percentage points for shares, else units of the metric, in two digits."""
    if is_share(metric):
        return f"{_two_digits(100 * value)} points"
    return _two_digits(value)


def _two_digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2g}"
