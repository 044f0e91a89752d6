"""The sums of a hierarchy as a data set of their own, so that they are forecast by the same means as the series.

Its series are the nodes. A target is the sum over the rows that are there; an input known ahead is kept where all series of
a node agree on it at every time (a holiday), and as their mean where it is a number (the share of shops with a promotion);
how many series have a row is an input too, where rows to be predicted tell it. What is published over time is left out: a sum
would need it as it stood at each origin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from sevenstep.data.dataset import Dataset, Roles
from sevenstep.data.vintages import PUBLISHED, vintages_of
from sevenstep.tasks.forecast.hierarchy.tree import LEVEL, level_name, levels_of
from sevenstep.tasks.forecast.settings import Settings
from sevenstep.tasks.forecast.zeros import with_zero_rows

__all__ = ["COUNT", "recipe_of_sums", "summed"]

COUNT = "series_there"
"""Input of a sum: how many series have a row at the time."""


def summed(data: Dataset, hierarchy: Sequence[Sequence[str]]) -> Dataset | None:
    """The nodes of all levels above the series as a data set; None where there are none.

    A sum is known where any of its series is; a series without a value at a time adds nothing to it then. Rows of the future
    are kept, with their inputs.
    """
    levels = levels_of(hierarchy, data.roles)
    if not levels:
        return None
    settings, roles = Settings.of(data), data.roles
    items = with_zero_rows(data.items, roles, settings)
    names = list(dict.fromkeys(name for level in levels for name in level))
    published = {column for one in vintages_of(data.tables, data.facts).values() for column in one.columns}
    inputs = [name for name in roles.known_ahead if name not in names and name not in published]
    frames = [_level(items, level, roles, inputs) for level in levels]
    agreed = [name for name in inputs if not any(frame[_SPLIT + name].any() for frame in frames)]
    kept = [name for name in inputs if name in agreed or _can_be_averaged(items.schema[name])]
    counted = [] if settings.gaps == "zero" else [COUNT]
    columns = [pl.col(name) if name in agreed else pl.col(_MEAN + name).alias(name) for name in kept]
    parts = [
        frame.select(pl.lit(level_name(level)).alias(LEVEL), *level, str(roles.time), *roles.targets, *columns, *counted)
        for level, frame in zip(levels, frames, strict=True)
    ]
    keys = (LEVEL, *names)
    together = pl.concat(parts, how="diagonal").select(*keys, str(roles.time), *roles.targets, *kept, *counted)
    own = Roles(roles.targets, roles.time, {}, keys, (LEVEL,), (*kept, *counted))
    facts = {name: fact for name, fact in data.facts.items() if name != PUBLISHED}
    facts = {**facts, "gaps": {**data.facts["gaps"], "value": "missing" if settings.gaps == "zero" else settings.gaps}}
    return replace(Dataset({"items": together.sort(*keys, str(roles.time))}, own, facts), fingerprint=f"{data.fingerprint} sums")


def _level(items: pl.DataFrame, level: Sequence[str], roles: Roles, inputs: Sequence[str]) -> pl.DataFrame:
    """Sums of one level by time, with the mean of each input and whether its series differ in it."""
    sums = [
        pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).cast(pl.Float64).sum()).alias(name) for name in roles.targets
    ]
    said = [pl.col(name).drop_nulls().first() for name in inputs]
    split = [(pl.col(name).drop_nulls().n_unique() > 1).alias(_SPLIT + name) for name in inputs]
    able = [name for name in inputs if _can_be_averaged(items.schema[name])]
    means = [pl.col(name).cast(pl.Float64).mean().alias(_MEAN + name) for name in able]
    grouped = items.group_by(*level, str(roles.time)) if level else items.group_by(str(roles.time))
    return grouped.agg(*sums, *said, *split, *means, pl.len().cast(pl.Float64).alias(COUNT))


def _can_be_averaged(kind: pl.DataType) -> bool:
    return kind.is_numeric() or kind == pl.Boolean


def recipe_of_sums(recipe: Mapping[str, Any], sums: Dataset) -> dict[str, Any]:
    """The feature recipe of the series, as far as it holds for their sums: what is averaged is a number, and no event."""
    schema, ahead = sums.items.schema, sums.roles.known_ahead
    told = [name for name in (*recipe["numbers"], *recipe["categories"]) if name in ahead]
    categories = {name: levels for name, levels in recipe["categories"].items() if name in ahead and not _averaged(schema, name)}
    numbers = [name for name in dict.fromkeys([*told, *([COUNT] if COUNT in ahead else [])]) if name not in categories]
    levels = {LEVEL: sums.items[LEVEL].unique().sort().to_list()}
    return {
        **recipe,
        "numbers": numbers,
        "categories": {**categories, **levels},
        "events": [name for name in recipe["events"] if name in categories],
        "shifted": [name for name in recipe["shifted"] if name in categories or name in numbers],
        "groups": [],
        "closures": False,
    }


def _averaged(schema: Mapping[str, pl.DataType], name: str) -> bool:
    return schema[name] == pl.Float64


_SPLIT, _MEAN = "__split__", "__mean__"
