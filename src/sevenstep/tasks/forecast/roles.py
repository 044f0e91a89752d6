"""What each column is for, and what the data say about time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from sevenstep.data.dataset import Roles
from sevenstep.data.naming import did_you_mean
from sevenstep.data.vintages import PUBLISHED
from sevenstep.errors import InputError
from sevenstep.spec.brief import Brief
from sevenstep.tasks.forecast.clock import infer_frequency, season_of, year_of
from sevenstep.tasks.forecast.season import detect_season
from sevenstep.tasks.forecast.soldout import STOCK

__all__ = ["find_roles", "must_exist"]

OURS = frozenset({
    "series", "step", "row", "number", "target", "prediction", "candidate", "fold", "origin", "time", "lead", "item", "cluster",
    "weight", "scale", "root_scale", "truth", "lower_80", "upper_80", "lower_95", "upper_95",
})  # fmt: skip
"""Columns of ours that a key or segment of the person's would collide with."""

Fact = Mapping[str, Any]


def find_roles(items: pl.DataFrame, brief: Brief, sources: Mapping[str, Sequence[str]]) -> tuple[Roles, Mapping[str, Fact]]:
    """Roles of the columns, and the facts ``frequency``, ``season``, ``year``, ``gaps`` and ``clock``.

    A name in ``known_ahead`` is a column, or a source whose columns are all known ahead. Columns that never change within a
    series, in rows with a known target, are static (one that is filled in some rows only does change); whatever is left is known
    only afterwards.
    """
    data = brief.data
    time = _time_column(brief)
    keys, segments = tuple(data.series), tuple(data.segments)
    for name, role in [*((key, "series") for key in keys), *((segment, "segments") for segment in segments)]:
        must_exist(name, items, f"data.{role}")
    _free_of_ours((*keys, *segments))
    ahead = _known_ahead(items, brief, sources)
    taken = {time, *keys, *brief.targets, *ahead}
    free = [column for column in items.columns if column not in taken]
    known = items.lazy().filter(pl.any_horizontal(pl.col(target).is_not_null() for target in brief.targets))
    static = _static(known, keys, free)
    observed = tuple(column for column in free if column not in static)
    parts = {} if data.time is None or isinstance(data.time, str) else data.time.columns()
    roles = Roles(brief.targets, time, parts, keys, segments, ahead, static, observed)
    facts = _facts(known, roles, brief)
    told = {PUBLISHED: _published(items, ahead, brief, sources), STOCK: _stock(items, brief)}
    return roles, facts | {name: {"value": value, "reason": "spec"} for name, value in told.items() if value}


def _time_column(brief: Brief) -> str:
    if brief.data.time is None:
        raise InputError(
            "FORECAST-TIME",
            "the spec names no time column",
            "a forecast needs to know when each row happened",
            "add data: {time: COLUMN}",
        )
    return brief.data.time if isinstance(brief.data.time, str) else "time"


def must_exist(name: str, items: pl.DataFrame, key: str) -> None:
    """Raise InputError where a column that ``key`` of the spec names is not among those of ``items``."""
    if name not in items.columns:
        rule = f"{key} names columns of the joined data"
        given = f"'{name}' in {key} is not a column, or has no value in any row"
        raise InputError("FORECAST-COLUMN", given, rule, did_you_mean(name, items.columns))


def _known_ahead(items: pl.DataFrame, brief: Brief, sources: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    names: list[str] = []
    for name in brief.section.known_ahead:
        if name not in sources:
            must_exist(name, items, "forecast.known_ahead")
        names += [name] if name in items.columns else [column for column in sources[name] if column in items.columns]
    _no_target(brief)
    reserved = {*brief.targets, *brief.data.series}
    return tuple(dict.fromkeys(name for name in names if name not in reserved))


def _free_of_ours(names: Sequence[str]) -> None:
    for name in names:
        if name in OURS:
            given, rule = f"a key or segment column is called '{name}'", "forecasts and score tables have a column of that name"
            raise InputError("FORECAST-NAME", given, rule, f"rename it in the source, for example to '{name}_id'")


def _published(
    items: pl.DataFrame, ahead: Sequence[str], brief: Brief, sources: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, Any]]:
    """Sources whose values known ahead are published over time: how they join, and which columns came from which of theirs."""
    found = {}
    for name, source in brief.data.tables().items():
        own = [column for column in sources.get(name, ()) if column in ahead and column in items.columns]
        if source.published is not None and own:
            columns = {column: column.removesuffix(f"_{name}") for column in own}
            found[name] = {"on": dict(source.on), "published": source.published, "columns": columns}
    return found


def _stock(items: pl.DataFrame, brief: Brief) -> dict[str, str]:
    """For each target that is limited by a stock the column that tells it."""
    found = dict(brief.section.stock)
    for target, column in found.items():
        must_exist(column, items, "forecast.stock")
        if target not in brief.targets or not items[column].dtype.is_numeric():
            given = f"forecast.stock says '{target}: {column}'"
            rule = "it names a target, and a column of numbers with what was left of the stock"
            raise InputError("FORECAST-STOCK", given, rule, f"targets are {', '.join(brief.targets)}")
    return found


def _no_target(brief: Brief) -> None:
    for name in brief.section.known_ahead:
        if name in brief.targets:
            rule = "a target is what is not known ahead"
            raise InputError(
                "FORECAST-AHEAD", f"the target '{name}' stands in forecast.known_ahead", rule, f"take '{name}' out of it"
            )


def _static(known: pl.LazyFrame, keys: tuple[str, ...], columns: Sequence[str]) -> tuple[str, ...]:
    """Columns of one value, or none, in each series."""
    if not keys or not columns:
        return ()
    levels = known.group_by(keys).agg(pl.col(columns).n_unique()).select(pl.col(columns).max()).collect()
    return tuple(column for column in columns if (levels[column][0] or 0) <= 1)


def _facts(known: pl.LazyFrame, roles: Roles, brief: Brief) -> dict[str, Fact]:
    assert roles.time is not None
    section = brief.section
    facts: dict[str, Fact] = {}
    facts["frequency"] = _fact(section.frequency, lambda: _frequency(known, roles), "distances")
    frequency = facts["frequency"]["value"]
    facts["season"] = _season(section.season, known, roles, frequency)
    facts["year"] = {"value": year_of(frequency), "reason": f"usual for steps of {frequency}"}
    facts["gaps"] = _fact(section.gaps, lambda: "missing", "a gap may mean anything; say closed or zero where you know")
    facts["clock"] = _fact(section.clock, lambda: _clock(known, roles), "from the type of the time column and where series end")
    return facts


def _frequency(known: pl.LazyFrame, roles: Roles) -> str | int:
    """Read off keys and times alone: there may be very many rows."""
    keys, time = list(roles.keys), str(roles.time)
    return infer_frequency(known.select(*keys, time).collect(), time, keys)


def _season(given: int | None, known: pl.LazyFrame, roles: Roles, frequency: str | int) -> Fact:
    """The season stated; else the usual one of the frequency, or, where steps are only counted, what the values show."""
    if given is not None or not isinstance(frequency, int):
        return _fact(given, lambda: season_of(frequency), f"usual for steps of {frequency}")
    told = known.select(*roles.keys, str(roles.time), roles.targets[0]).collect()
    season, reason = detect_season(told, str(roles.time), roles.keys, roles.targets[0], frequency)
    return {"value": season, "reason": reason}


def _fact(given: Any, infer: Any, reason: str) -> Fact:
    return {"value": infer(), "reason": reason} if given is None else {"value": given, "reason": "spec"}


def _clock(known: pl.LazyFrame, roles: Roles) -> str:
    """Whole-number times that end at different counts belong to series that share no calendar."""
    assert roles.time is not None
    if not known.collect_schema()[roles.time].is_integer() or not roles.keys:
        return "common"
    ends = known.group_by(roles.keys).agg(pl.col(roles.time).max()).collect()[roles.time]
    return "common" if ends.n_unique() == 1 else "each"
