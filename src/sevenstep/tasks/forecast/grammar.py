"""What the forecast task adds to the spec language."""

from __future__ import annotations

from sevenstep.tasks.contract import Grammar
from sevenstep.tasks.forecast.section import Forecast

__all__ = ["GRAMMAR"]

_ALL = tuple(Forecast.model_fields)
_TIME_LINE = ("frequency", "season", "gaps", "known_ahead", "calendar", "clock", "stock")

GRAMMAR = Grammar(
    task="forecast",
    section=Forecast,
    data_keys=("time", "series", "segments"),
    metrics=(
        "wape", "mae", "rmse", "rmspe", "mape", "smape", "mase", "rmsse", "wmae", "bias",
        "pinball", "coverage_80", "coverage_95", "msis",
    ),
    baselines=("naive", "seasonal_naive", "same_event", "moving_average", "drift"),
    targets="many",
    one_row_per_time=True,
    sees={
        "define": _ALL,
        "collect": (*_TIME_LINE, "hierarchy"),
        "prepare": (*_TIME_LINE, "hierarchy"),
        "design": _ALL,
        "train": _ALL,
        "tune": _ALL,
        "operate": _ALL,
    },
)  # fmt: skip
