"""A second life in which one segment's actuals change: when is it alarmed, and is the model good again?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.live.cadence.study import with_truth
from sevenstep.live.operation import Operation
from sevenstep.live.refitting import Recipe
from sevenstep.live.rehearsal.diary import Diary
from sevenstep.live.rehearsal.figures import share_lost
from sevenstep.live.rehearsal.lived import SHORT, Lived, Look, Rules, live_through
from sevenstep.live.rehearsal.weekly import WEEK, Fits
from sevenstep.live.rehearsal.world import World

__all__ = ["RECOVERED", "Shift", "lived_shifted"]

RECOVERED = 1.2
"""Times the loss without the change at which a segment counts as good again."""


@dataclass(frozen=True)
class Shift:
    """A change planted into the past: the actuals of one segment times a factor from a day on.

    Args:
        column: segment column.
        value: its value.
        factor: what actuals are multiplied by.
        after: days after the start of the rehearsal.
        days: days that are lived through, from the start.
    """

    column: str
    value: str
    factor: float = 1.4
    after: int = 14
    days: int = 42


def lived_shifted(
    clean: tuple[World, Lived], shift: Shift, since: date, operation: Operation, recipe: Recipe, rules: Rules, look: Look,
    diary: Path, told: Callable[[Any], None],
) -> dict[str, Any]:  # fmt: skip
    """Live through the first days again, the change planted, and tell what became of it as JSON values.

    Args:
        clean: the world as it was, and how it was lived through.
        shift: the change.
        since: day before the first one that is lived through.
        operation: a project that knows what was known on that day.
        recipe: what its run chose.
        rules: of the life without the change.
        look: looks for alarms.
        diary: folder of the days of this life.
        told: told of each time when it is over.
    """
    world, lived = clean
    first, last = (world.at(since + timedelta(days=days)) for days in (shift.after, shift.days))
    target = operation.spec.targets[0]
    other = _planted(world, shift, target, first)
    own = replace(rules, leads=range(1, SHORT + 1), refit_after_alarm=timedelta(days=WEEK))
    moments = other.moments(world.at(since), last)
    fits = Fits(operation.task, recipe, other, operation.spec.seed)
    second = live_through(operation, other, fits, moments, own, look, Diary(diary), told)
    named = [alarm for alarm in second.alarms if shift.value in alarm["subject"] and alarm["moment"] > str(first)]
    alarmed = named[0]["moment"] if named else None
    days = [day for day in moments if day >= first]
    both = ((second, other), (lived, world))
    after, without = (_trailing(_segment_rows(life.made, where, target, shift, days)) for life, where in both)
    recovered = _recovered(after, without, alarmed)
    weeks = [str(day) for day in days[WEEK - 1 :: WEEK] if str(day) in after and str(day) in without]
    return {
        "column": shift.column, "value": shift.value, "factor": shift.factor, "from": str(first), "alarmed": alarmed,
        "alarm": named[0] if named else None, "days_to_alarm": _days_between(str(first), alarmed),
        "alarms": second.alarms, "refits": second.refits, "days_to_recover": _days_between(alarmed, recovered),
        "weeks": [{"until": day, "loss": after[day], "without": without[day]} for day in weeks],
        "loss_after": after[max(after)], "loss_without": without[max(without)],
    }  # fmt: skip


def _planted(world: World, shift: Shift, target: str, first: Any) -> World:
    inside = (pl.col(shift.column).cast(pl.String) == shift.value) & (pl.col(world.time) > first)

    def planted(items: pl.DataFrame) -> pl.DataFrame:
        times = (pl.col(target) * shift.factor).cast(items.schema[target])
        return items.with_columns(pl.when(inside).then(times).otherwise(pl.col(target)).alias(target))

    return world.changed(planted)


def _segment_rows(made: Sequence[pl.DataFrame], world: World, target: str, shift: Shift, days: Sequence[Any]) -> pl.DataFrame:
    """Forecasts of the segment at short leads beside their truth, of the given days."""
    keys, name = list(world.data.roles.keys), world.time
    segment = world.data.items.filter(pl.col(shift.column).cast(pl.String) == shift.value).select(keys).unique()
    inside = pl.col(name).is_between(days[0], days[-1], closed="right")
    rows = pl.concat(made).filter(inside & (pl.col("lead") <= SHORT) & (pl.col("target") == target))
    return with_truth(rows.join(segment, on=keys, how="semi"), world.data).rename({name: "time"})


def _trailing(rows: pl.DataFrame) -> dict[str, float]:
    """Mean absolute error over mean size of the seven days up to each day, from the seventh on; by the day's text."""
    days = rows["time"].unique().sort().to_list()
    week = timedelta(days=WEEK)
    parts = {day: rows.filter((pl.col("time") > day - week) & (pl.col("time") <= day)) for day in days}
    return {str(day): share_lost(part) for day, part in parts.items() if day - days[0] >= timedelta(days=WEEK - 1)}


def _recovered(after: dict[str, float], without: dict[str, float], alarmed: str | None) -> str | None:
    """The first day since the alarm whose trailing week is good again; None where there is none."""
    good = (day for day in sorted(after) if day in without and after[day] <= RECOVERED * without[day])
    return next((day for day in good if alarmed is not None and day > alarmed), None)


def _days_between(first: str | None, last: str | None) -> int | None:
    if first is None or last is None:
        return None
    return (date.fromisoformat(last[:10]) - date.fromisoformat(first[:10])).days
