"""The features of the quick probe, read off the roles of the columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from sevenstep.data.dataset import Roles
from sevenstep.tasks.forecast.features.history import transform
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.panel import Panel, Settings

__all__ = ["event_column", "levels_of", "quick_recipe"]

MOST_LEVELS = 64  # of a category the probe looks at
EVENT_LEVELS = range(2, 5)
LEAST_EXPLAINED = 0.005  # share of variance from which an event splits the averages
STEPS_OF_A_DAY = (24, 48, 96)  # seasons that are a day, so that a week of them is a season too


def levels_of(values: pl.Series) -> tuple[str, ...]:
    """The distinct values as text, sorted."""
    return tuple(values.drop_nulls().cast(pl.String).unique().sort().to_list())


def quick_recipe(
    panel: Panel,
    roles: Roles,
    settings: Settings,
    target: str,
    horizon: int,
    *,
    rows: int,
    seed: int,
    without: Iterable[str] = (),
) -> FeatureRecipe:
    """A plain recipe: numbers, categories, one event, seasons and the year; ``without`` names inputs left out."""
    left_out = set(without)
    known = panel.rows.filter(pl.col(target).is_not_null())
    inputs = [column for column in dict.fromkeys([*roles.known_ahead, *roles.static, *roles.keys]) if column not in left_out]
    numbers, categories = _columns(known, inputs, roles.keys)
    name = "log1p" if (known[target] < 0).mean() <= 0.01 else "asinh"  # type: ignore[operator]
    able = [column for column in roles.known_ahead if column not in left_out and column not in panel.published]
    event = event_column(known, able, target, name, settings.season)
    if event:
        categories[event] = levels_of(known[event])
    return FeatureRecipe(
        target=target,
        horizon=horizon,
        transform=name,
        seasons=_seasons(settings, panel),
        year=settings.year if panel.end >= settings.year + horizon else 0,
        events=(event,) if event else (),
        numbers=tuple(column for column in numbers if column != event),
        categories=categories,
        closures=settings.gaps == "closed",
        samples=max(1, min(4, rows // max(2 * len(known), 1))),
        most_rows=rows,
        seed=seed,
    )


def _columns(known: pl.DataFrame, inputs: Sequence[str], keys: Sequence[str]) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """Columns taken as numbers and columns taken as categories; a key of few levels is a category even where it is a number."""
    numbers: list[str] = []
    categories: dict[str, tuple[str, ...]] = {}
    for column in inputs:
        kind = known.schema[column]
        if kind.is_temporal() or kind.is_nested() or known[column].n_unique() < 2:
            continue
        number = kind.is_numeric() or kind == pl.Boolean
        if (not number or column in keys) and known[column].n_unique() <= MOST_LEVELS:
            categories[column] = levels_of(known[column])
        elif number:
            numbers.append(column)
    return numbers, categories


def _seasons(settings: Settings, panel: Panel) -> tuple[int, ...]:
    if settings.season < 2:
        return ()
    week = 7 * settings.season
    return (settings.season, week) if settings.season in STEPS_OF_A_DAY and panel.end >= 2 * week else (settings.season,)


def event_column(known: pl.DataFrame, columns: Sequence[str], target: str, name: str, season: int) -> str:
    """The known-ahead column of two to four levels that explains most of the target within series and phase of the season.

    Args:
        known: rows of a panel with a known target.
        columns: known-ahead columns.
        target: the target.
        name: the transform on which effects add.
        season: steps of the season.

    Returns:
        Its name; empty where none explains `LEAST_EXPLAINED` of the variance that series and phase leave.
    """
    few = [column for column in columns if known[column].drop_nulls().n_unique() in EVENT_LEVELS]
    if not few:
        return ""
    scaled = pl.Series("scaled", transform(known[target].to_numpy(), name))
    phase = (pl.col("step") % max(season, 1)).alias("phase")
    rest = known.select("series", phase, scaled, *few).with_columns(
        pl.col("scaled") - pl.col("scaled").mean().over("series", "phase")
    )
    total = float(np.square(rest["scaled"].to_numpy()).sum())
    shares = {column: _explained(rest, column) / total for column in few} if total > 0 else {}
    best = max(shares, key=lambda column: shares[column], default="")
    return best if best and shares[best] >= LEAST_EXPLAINED else ""


def _explained(rest: pl.DataFrame, column: str) -> float:
    """Sum of squares between the levels of a column, of what series and phase leave."""
    levels = rest.drop_nulls(column).group_by(column).agg(pl.col("scaled").mean(), pl.len().alias("rows"))
    return float((levels["scaled"] ** 2 * levels["rows"]).sum())
