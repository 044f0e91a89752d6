"""Is there enough history to judge a forecast at all?"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.contract import Evidence
from sevenstep.tasks.forecast.clock import Clock
from sevenstep.tasks.forecast.panel import Settings
from sevenstep.tasks.forecast.wording import moment, span
from sevenstep.wording import counted, roughly

__all__ = ["History", "cleaned", "history_evidence", "history_of", "too_short", "worthless_target"]

FEWEST_STEPS = 2  # a season counts as at least so many steps, so that data without a season need some history too


@dataclass(frozen=True)
class History:
    """How long a target has been observed, in steps.

    Args:
        clock: turns steps into times.
        horizon: steps to be forecast.
        season: steps of a season.
        series: series with at least one value.
        longest: steps from first to last value of the longest series.
        median: the same of the series in the middle.
        enough: share of series that have at least ``needed`` steps.
        last: step of the newest value.
    """

    clock: Clock
    horizon: int
    season: int
    series: int
    longest: int
    median: float
    enough: float
    last: int

    @property
    def needed(self) -> int:
        """Two seasons to learn from and one horizon to be judged on."""
        return needed_steps(self.season, self.horizon)

    @property
    def missing(self) -> int:
        """Steps the longest series lacks."""
        return max(self.needed - self.longest, 0)


def needed_steps(season: int, horizon: int) -> int:
    """Steps of history without which no forecast can be judged."""
    return 2 * max(season, FEWEST_STEPS) + horizon


def cleaned(data: Dataset, target: str) -> pl.DataFrame:
    """The items fit for measuring: the target as finite numbers or null, a time in every row, each time once in a series."""
    roles = data.roles
    assert roles.time is not None
    number = pl.col(target).cast(pl.Float64, strict=False)
    items = data.items.with_columns(pl.when(number.is_finite()).then(number).alias(target))
    return items.drop_nulls(roles.time).unique(subset=[*roles.keys, roles.time], keep="last", maintain_order=True)


def worthless_target(items: pl.DataFrame, target: str) -> str:
    """Why a target cannot be forecast whatever the model, or an empty text."""
    known = items[target].drop_nulls()
    if known.is_empty():
        return f"'{target}' has no value in {counted(len(items), 'row')}, so there is nothing to learn from."
    if known.n_unique() == 1:
        return f"'{target}' is {known[0]:g} in all {counted(len(known), 'row')}: a constant needs no model and tests none."
    return ""


def history_of(items: pl.DataFrame, data: Dataset, settings: Settings, target: str, horizon: int) -> History:
    """Measure the history of a target that has at least one value."""
    time, keys = str(data.roles.time), list(data.roles.keys)
    clock = Clock.of(items[time], settings.frequency)
    known = items.filter(pl.col(target).is_not_null()).select(*keys, clock.steps(pl.col(time)).alias("step"))
    ends = [pl.col("step").min().alias("first"), pl.col("step").max().alias("last")]
    spans = known.group_by(keys).agg(ends) if keys else known.select(ends)
    lengths = spans["last"] - spans["first"] + 1
    needed = needed_steps(settings.season, horizon)
    return History(
        clock,
        horizon,
        settings.season,
        len(spans),
        int(lengths.max()),  # type: ignore[arg-type]
        float(lengths.median()),  # type: ignore[arg-type]
        float((lengths >= needed).mean()),  # type: ignore[arg-type]
        int(spans["last"].max()),  # type: ignore[arg-type]
    )


def history_evidence(history: History) -> Evidence:
    """How long the history is against what is needed."""
    text = (
        f"{counted(history.series, 'series')}; the longest has {span(history.longest, history.clock)} of history, the median "
        f"{span(history.median, history.clock)}; judging {span(history.horizon, history.clock)} ahead needs "
        f"{span(history.needed, history.clock)}, which {roughly(history.enough)} of the series have."
    )
    return Evidence("history", text, float(history.longest), n=history.series)


def too_short(history: History) -> str:
    """The remedy for a history that is too short: how much more, and when there would be enough."""
    more = span(history.missing, history.clock)
    seasons = f"two seasons of {span(max(history.season, FEWEST_STEPS), history.clock)} and one horizon"
    when = moment(history.last + history.missing, history.clock)
    by = f"at step {when}" if history.clock.kind == "integer" else f"on {when}"
    return f"Collect about {more} more of history: {seasons} make {span(history.needed, history.clock)}, reached {by}."
