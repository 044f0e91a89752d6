"""The candidates of a forecast as data: what each is, when it is worth a try, and what the search may change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sevenstep.tasks.contract import Range
from sevenstep.tasks.forecast.families.naive import RULES
from sevenstep.tasks.forecast.families.smoothed import FORMS
from sevenstep.tasks.forecast.families.statistical import METHODS
from sevenstep.tasks.forecast.features.filters import TRENDS

__all__ = ["BOOSTING", "CATALOG", "CHOICES", "PARAMETERS", "SMOOTHED", "Entry", "Situation", "shares_season"]

BOOSTING: Mapping[str, Any] = {
    "rounds": 250,
    "learning_rate": 0.1,
    "leaves": 63,
    "least_in_leaf": 40,
    "feature_share": 0.3,
    "row_share": 0.7,
    "ridge": 1.0,
    "extra_trees": False,
}

UNITS: Mapping[str, Any] = {
    **BOOSTING,
    "rounds": 400,
    "learning_rate": 0.06,
    "scale": "units",
    "loss": "l1",
}

SMOOTHED: Mapping[str, Any] = {"rounds": 300, "learning_rate": 0.03, "leaves": 31}
"""Of trees that start from a smoothing forecast: little is left to learn."""

DRIVERS: Mapping[str, Any] = {
    "rounds": 300,
    "learning_rate": 0.05,
    "leaves": 31,
    "least_in_leaf": 20,
    "feature_share": 0.6,
    "row_share": 0.7,
    "ridge": 1.0,
}

BOOSTING_SPACE: Mapping[str, Range] = {
    "rounds": Range(150, 700, log=True, integer=True),
    "learning_rate": Range(0.03, 0.15, log=True),
    "leaves": Range(15, 255, log=True, integer=True),
    "least_in_leaf": Range(10, 300, log=True, integer=True),
    "feature_share": Range(0.2, 0.7),
    "row_share": Range(0.5, 0.95),
    "ridge": Range(0.1, 30.0, log=True),
}

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "naive": ("rule", "season"),
    "statistical": ("method", "seasons", "longest"),
    "smoothed": ("form", "trend", "seasons", "longest", "groups"),
    "boosting": ("scale", "loss", "most_rows", *BOOSTING),
    "drivers": ("loss", *BOOSTING),
}
"""What a person may set or search, by family."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "rule": tuple(RULES),
    "method": METHODS,
    "form": FORMS,
    "trend": TRENDS,
    "scale": ("log", "ratio", "units"),
    "loss": ("l2", "l1", "huber", "tweedie"),
}
"""Values of the parameters that are words."""


@dataclass(frozen=True)
class Situation:
    """What the profile says about one target, as far as it speaks for or against a candidate.

    Args:
        points: observed values.
        series: number of series.
        filled: share of the grid between first and last observation that has a value.
        zeros: share of observed values that are 0.
        negative: whether any value is below 0.
        season: main season in steps, 1 for none.
        inputs: number of known-ahead inputs.
        events: number of known-ahead columns whose state splits the averages.
        length: median observations of a series.
        gaps: what a missing row means.
    """

    points: int
    series: int
    filled: float
    zeros: float
    negative: bool
    season: int
    inputs: int
    events: int
    length: float
    gaps: str


@dataclass(frozen=True)
class Entry:
    """One candidate of the catalogue.

    Args:
        name: shown to people.
        family: ``naive``, ``smoothed``, ``statistical``, ``boosting`` or ``drivers``.
        reason: why it is tried, as a sentence; may use the fields of `Situation` in braces.
        fits: whether it suits a situation.
        parameters: starting values.
        space: what the search may change.
        per_point: seconds on one core for each observed value and season (smoothed and statistical methods), measured on weekly
            and hourly series.
        baseline: a simple rule.
        asked: a person asked for it.
        searched: a person said what to search.
    """

    name: str
    family: str
    reason: str
    fits: Callable[[Situation], bool]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    space: Mapping[str, Range] = field(default_factory=dict)
    per_point: float = 0.0
    baseline: bool = False
    asked: bool = False
    searched: bool = False


def _regular(situation: Situation) -> bool:
    """Series by series models need regular series, and know no inputs."""
    return situation.filled >= 0.75 and situation.gaps != "closed" and situation.length >= max(8, 1.5 * situation.season)


def _two_seasons(situation: Situation) -> bool:
    return situation.season > 1 and situation.length >= 2.2 * situation.season and _regular(situation)


def shares_season(situation: Situation) -> bool:
    """Whether many series have seen a long season only so often that its shape is better told together."""
    return (
        situation.season >= 12 and situation.series >= 10 and situation.length >= 1.25 * situation.season and _regular(situation)
    )


def _past_alone(situation: Situation) -> bool:
    """Several series of which nothing is known ahead: only their past can tell, and trees learn it best on a common scale."""
    return situation.inputs == 0 and situation.events == 0 and situation.series >= 5 and situation.points >= 500


def _driven(situation: Situation) -> bool:
    """Few series that have been seen for long, beside inputs that explain them."""
    return situation.inputs >= 1 and situation.series <= 20 and situation.length >= 1_000


CATALOG = (
    Entry("naive", "naive", "the newest value: the least any model must beat", lambda s: True, {"rule": "naive"}, baseline=True),
    Entry(
        "seasonal_naive", "naive", "the value {season} steps before: the usual yardstick for seasonal series",
        lambda s: s.season > 1, {"rule": "seasonal_naive"}, baseline=True,
    ),
    Entry(
        "same_event", "naive", "the mean of the same phase in the same event state: what an experienced planner would do",
        lambda s: s.events > 0, {"rule": "same_event"}, baseline=True,
    ),
    Entry("moving_average", "naive", "the mean of the last four seasons", lambda s: True, {"rule": "moving_average"},
          baseline=True),
    Entry(
        "drift", "naive", "the line through the first and the newest value, for series without a season",
        lambda s: s.season == 1, {"rule": "drift"}, baseline=True,
    ),
    Entry(
        "smoothing", "smoothed", "many forms of a damped trend weighed for each series, its season multiplying", _regular,
        {"form": "multiplies", "trend": "damped"}, per_point=6.0e-6,
    ),
    Entry(
        "smoothing_line", "smoothed", "levels with shares of the straight line through a series, as theta has it", _regular,
        {"form": "multiplies", "trend": "drift"}, per_point=3.0e-6,
    ),
    Entry(
        "smoothing_adds", "smoothed", "the same with a season that adds, for values that may be 0 or less", _regular,
        {"form": "adds", "trend": "damped"}, per_point=6.0e-6,
    ),
    Entry(
        "smoothing_shared", "smoothed", "{series} series share a season of {season} steps that each has seen only a few times",
        shares_season, {"form": "shared", "trend": "drift"}, per_point=5.0e-6,
    ),
    Entry(
        "boosting_units", "boosting", "nothing is known ahead: {series} series share how their past goes on, in units of each",
        _past_alone, UNITS, BOOSTING_SPACE,
    ),
    Entry(
        "drivers", "drivers", "{known} ahead and the calendar explain a long history; growth and level are taken apart from them",
        _driven, {**DRIVERS, "loss": "l1"}, BOOSTING_SPACE,
    ),
    Entry(
        "boosting_log", "boosting",
        "{series} series share what they know, on a scale where effects multiply; {known} known ahead",
        lambda s: s.points >= 200, {**BOOSTING, "scale": "log", "loss": "l2"}, BOOSTING_SPACE,
    ),
    Entry(
        "boosting_ratio", "boosting", "learns the median of the quotient to the usual value, weighted by size: the loss of WAPE",
        lambda s: s.points >= 200 and not _past_alone(s), {**BOOSTING, "scale": "ratio", "loss": "l1"}, BOOSTING_SPACE,
    ),
    Entry(
        "boosting_counts", "boosting", "{zeros} of the values are 0, which a Tweedie loss expects",
        lambda s: s.points >= 200 and not s.negative and s.zeros >= 0.1, {**BOOSTING, "scale": "ratio", "loss": "tweedie"},
        BOOSTING_SPACE,
    ),
    Entry("median", "statistical", "no method suits every series: the median of five (ETS, theta, CES, ARIMA, smoothing)",
          lambda s: _regular(s) and s.season <= 12, {"method": "median"}, per_point=6.7e-4),
    Entry(
        "stl_ets", "statistical", "seasons taken out by loess, the rest smoothed exponentially",
        _two_seasons, {"method": "stl_ets"}, per_point=1.5e-4,
    ),
    Entry("theta", "statistical", "dynamic optimised theta: the best simple method of the M competitions", _regular,
          {"method": "theta"}, per_point=8.0e-5),
    Entry("ces", "statistical", "complex exponential smoothing: level and season without a fixed form",
          lambda s: _regular(s) and s.season <= 168, {"method": "ces"}, per_point=1.0e-4),
    Entry("stl_theta", "statistical", "seasons taken out by loess, the rest extrapolated by theta", _two_seasons,
          {"method": "stl_theta"}, per_point=2.0e-4),
    Entry("ets", "statistical", "exponential smoothing with the form chosen per series",
          lambda s: _regular(s) and s.season <= 12, {"method": "ets"}, per_point=4.0e-4),
    Entry("tsb", "statistical", "demand that comes now and then, and may stop coming",
          lambda s: s.zeros >= 0.4 and not s.negative, {"method": "tsb"}, per_point=1.0e-5),
    Entry("imapa", "statistical", "intermittent demand, averaged over several time scales",
          lambda s: s.zeros >= 0.4 and not s.negative, {"method": "imapa"}, per_point=3.0e-5),
)  # fmt: skip
