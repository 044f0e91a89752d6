"""What drove the forecast of a member that knows no inputs: the level of the series, its trend, its season, the event state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sevenstep.data.naming import listed
from sevenstep.tasks.forecast.families.members import FittedMember
from sevenstep.tasks.forecast.families.naive import NaiveMember
from sevenstep.tasks.forecast.families.question import Question
from sevenstep.tasks.forecast.families.smoothed import SmoothedMember
from sevenstep.tasks.forecast.families.statistical import StatisticalMember
from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.features.windows import exponential_mean, last_value, rolling_mean

__all__ = ["explain_series", "start_words"]

_FITTED = (StatisticalMember, SmoothedMember)
TREND, SEASON, EVENT = "trend since the newest values", "season", "event state"

_METHODS = {
    "theta": "statsforecast's dynamic optimised theta",
    "ets": "statsforecast's exponential smoothing with a form chosen for each series",
    "ces": "statsforecast's complex exponential smoothing",
    "sarima": "statsforecast's ARIMA with a drift and one seasonal lag",
    "median": "the median of exponential smoothing in two ways, theta, complex smoothing and ARIMA",
    "stl_ets": "statsforecast's seasonal decomposition by loess with exponential smoothing",
    "stl_theta": "statsforecast's seasonal decomposition by loess with dynamic optimised theta",
    "croston": "statsforecast's optimised Croston",
    "tsb": "statsforecast's TSB for intermittent demand",
    "imapa": "statsforecast's IMAPA for intermittent demand",
    "arima": "statsforecast's ARIMA with orders chosen for each series",
    "smoothing_multiplies": "exponential smoothing of many forms, weighed by their errors, with a season that multiplies",
    "smoothing_adds": "exponential smoothing of many forms, weighed by their errors, with a season that adds",
    "smoothing_shared": "exponential smoothing of many forms, weighed by their errors, with a season shared with similar series",
    "naive": "the newest value",
    "seasonal_naive": "the value a season before",
    "same_event": "the mean of the same phase in the same event state",
    "moving_average": "the mean of the last four seasons",
    "drift": "the line through the first and the newest value",
}


def explain_series(fitted: FittedMember, question: Question) -> tuple[float, dict[str, float]]:
    """Start and parts of the forecast of the one asked row, which add up to it.

    The start is the mean of the newest season of values (the newest value where there is no season). The trend is what the mean
    forecast of the season around the asked step differs from it, the season what the asked step differs from that mean; the event
    state is what a rule that knows it adds to the usual value of the phase.
    """
    prediction = float(fitted.member.predict(question)[0])
    season = _season(fitted)
    level = _level(question, season)
    if not np.isfinite(level) or not np.isfinite(prediction):
        return prediction, {}
    parts, before = {}, level
    for name, value in _path(fitted, question, season, prediction):
        if np.isfinite(value):
            parts[name], before = value - before, value
    return level, parts


def start_words(fitted: Sequence[FittedMember]) -> str:
    """What the start of members without inputs is, and what they are."""
    methods = listed(dict.fromkeys(_METHODS[_kind(one)] for one in fitted))
    statistical = any(isinstance(one.member, _FITTED) for one in fitted)
    contributions = (
        "a statistical model has no input contributions" if statistical else "a simple rule has no input contributions"
    )
    season = max(_season(one) for one in fitted)
    level = f"mean of the newest season of {season} steps" if season > 1 else "newest value"
    return f"{level} of this series; forecast by {methods}; {contributions}"


def _kind(fitted: FittedMember) -> str:
    member = fitted.member
    return member.method if isinstance(member, _FITTED) else member.rule if isinstance(member, NaiveMember) else ""


def _season(fitted: FittedMember) -> int:
    member = fitted.member
    if isinstance(member, _FITTED):
        return max((int(season) for season in member.parameters["seasons"]), default=1)
    return max(member.season, 1) if isinstance(member, NaiveMember) else 1


def _level(question: Question, season: int) -> float:
    grid, asked = question.panel.grid(question.target), question.asked
    at = (asked.series[0], asked.origin[0])
    mean = float(rolling_mean(grid, season)[at])
    return mean if np.isfinite(mean) else float(last_value(grid)[at])


def _path(fitted: FittedMember, question: Question, season: int, prediction: float) -> list[tuple[str, float]]:
    """From the level to the prediction: what is reached once each part is added."""
    kind = _kind(fitted)
    if kind == "same_event":
        return [(SEASON, _usual(question, season)), (EVENT, prediction)]
    if season == 1 or kind in ("naive", "moving_average", "drift"):
        return [(TREND, prediction)]
    return [(TREND, _around(fitted, question, season)), (SEASON, prediction)]


def _usual(question: Question, season: int) -> float:
    """Mean of the phase in any event state, as the rule takes it in one state."""
    grid, asked = question.panel.grid(question.target), question.asked
    mine = np.arange(grid.shape[1]) % season == asked.step[0] % season
    return float(exponential_mean(np.where(mine, grid, np.nan), 8.0 * season)[asked.series[0], asked.origin[0]])


def _around(fitted: FittedMember, question: Question, season: int) -> float:
    """Mean forecast over the season of leads that holds the asked one."""
    origin, lead = int(question.asked.origin[0]), int(question.asked.step[0] - question.asked.origin[0])
    first = (lead - 1) // season * season + 1
    step = np.arange(origin + first, origin + first + season, dtype=np.int32)
    asked = Asked(np.full_like(step, question.asked.series[0]), step, np.full_like(step, origin))
    return float(fitted.member.predict(replace(question, asked=asked, row=np.full(season, -1, dtype=np.int64))).mean())
