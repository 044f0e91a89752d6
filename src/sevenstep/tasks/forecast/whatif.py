"""What if an input were another: the changed forecast beside the unchanged one, and what history cannot say about it.

A model answers any question, also one its data say nothing about. Whoever asks is told where a value has never been seen, never
with these series, hardly ever, where the input always moved together with others, and where no part of the model reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.naming import did_you_mean, listed
from sevenstep.data.parts import Parts
from sevenstep.data.times import read_times
from sevenstep.errors import InputError
from sevenstep.tasks.abilities import WhatIf
from sevenstep.tasks.forecast.asking import open_rows
from sevenstep.tasks.forecast.families.boosting import BoostingMember
from sevenstep.tasks.forecast.given import typed_as
from sevenstep.tasks.forecast.grown import with_rows
from sevenstep.tasks.forecast.hierarchy.tree import LEVEL, leaf_level
from sevenstep.tasks.forecast.inparts import part_with
from sevenstep.tasks.forecast.model import ForecastModel
from sevenstep.tasks.forecast.panel import Panel, build_panel
from sevenstep.tasks.scoretable import BOUNDS

__all__ = ["what_if"]

RARE = 20  # rows with a value from which history says something about it
TIED = 0.98  # share of an input's variance that season and other inputs explain, from which its own effect cannot be told
MOST_ROWS = 50_000
VALUES = ("prediction", *BOUNDS)


def what_if(model: ForecastModel, changes: Mapping[str, Any], series: Mapping[str, Any], first: Any, last: Any) -> WhatIf:
    """Forecasts of open rows with some inputs changed; see `sevenstep.tasks.abilities.WhatIf`.

    Raises InputError where an input is not known ahead, a value does not fit it, or no open row is meant.
    """
    _check_inputs(model, changes)
    if model.history.parts is not None:
        return _in_parts(model, model.history.parts, changes, series, first, last)
    opened = model.opened()
    panel = build_panel(opened.history, opened.settings)
    rows = panel.rows[pl.Series(open_rows(opened.history, panel).row)]
    chosen = _chosen(opened, rows, series, first, last)
    changed = _changed(opened, chosen, changes)
    items = with_rows(opened.history, changed.select(name for name in changed.columns if name in opened.history.items.columns))
    after = opened.with_items(items)
    names = [*model.history.roles.keys, str(model.history.roles.time)]
    before_made, after_made = (_series_rows(one, one.outlook()) for one in (opened, after))
    frame = _beside(before_made, after_made, chosen.select(names), names)
    told = [*_unread(model, changes), *_unknown(model, panel, chosen, changed, changes)]
    return WhatIf(frame, _totals(frame.filter(pl.col("target").is_in(list(model.history.roles.targets)))), tuple(told))


def _in_parts(
    model: ForecastModel, parts: Parts, changes: Mapping[str, Any], series: Mapping[str, Any], first: Any, last: Any
) -> WhatIf:
    """What the parts that hold the series answer, put together; those without a row that is meant have no say."""
    named = all(name in series for name in model.history.roles.keys)
    numbers = [part_with(parts, model.history.roles, series)] if named else range(parts.count)
    found: list[WhatIf] = []
    for number in numbers:
        try:
            found.append(what_if(model.part(number), changes, series, first, last))
        except InputError as error:
            if error.code not in ("WHATIF-NO-ROWS", "PREDICT-NO-ROWS") or (number == numbers[-1] and not found):
                raise
    frame = pl.concat([one.rows for one in found])
    told = dict.fromkeys(warning for one in found for warning in one.warnings)
    return WhatIf(frame, _totals(frame.filter(pl.col("target").is_in(list(model.history.roles.targets)))), tuple(told))


def _check_inputs(model: ForecastModel, changes: Mapping[str, Any]) -> None:
    ahead = model.history.roles.known_ahead
    for name in changes:
        if name not in ahead:
            given, rule = f"'{name}' is to be changed", "what is known ahead can be: plans, prices, weather"
            raise InputError("WHATIF-INPUT", given, rule, did_you_mean(name, list(ahead)))


def _chosen(model: ForecastModel, rows: pl.DataFrame, series: Mapping[str, Any], first: Any, last: Any) -> pl.DataFrame:
    """The open rows that are meant."""
    roles = model.history.roles
    for name, value in series.items():
        if name not in (*roles.keys, *roles.segments):
            known = [*roles.keys, *roles.segments]
            given, rule = f"'{name}' is to choose series", "series are chosen by their keys and segments"
            raise InputError("WHATIF-SERIES", given, rule, did_you_mean(name, known))
        rows = rows.filter(pl.col(name).cast(pl.String) == str(value))
    time = str(roles.time)
    if first is not None:
        rows = rows.filter(pl.col(time) >= _moment(model, first))
    if last is not None:
        rows = rows.filter(pl.col(time) <= _moment(model, last))
    if rows.is_empty():
        given, rule = "no open row is meant", "what may be asked of are rows that wait for a forecast"
        raise InputError("WHATIF-NO-ROWS", given, rule, "widen --from, --to or --series, or bring the rows of the plan")
    return rows


def _moment(model: ForecastModel, given: Any) -> Any:
    """A moment in the type of the time column."""
    times = model.history.items[str(model.history.roles.time)]
    if not times.dtype.is_temporal():
        return int(given)
    read = read_times(pl.Series("time", [str(given)])).values
    if read.null_count():
        raise InputError(
            "WHATIF-TIME", f"'{given}' cannot be read as a time", "a time is told as in the data", "write 2024-05-31"
        )
    return read.cast(times.dtype)[0]


def _changed(model: ForecastModel, chosen: pl.DataFrame, changes: Mapping[str, Any]) -> pl.DataFrame:
    said = pl.DataFrame([pl.Series(name, [value]) for name, value in changes.items()])
    typed = typed_as(said, model.history.items)
    return chosen.with_columns(pl.lit(typed[name][0], dtype=typed.schema[name]).alias(name) for name in changes)


def _series_rows(model: ForecastModel, made: pl.DataFrame) -> pl.DataFrame:
    return made.filter(pl.col(LEVEL) == leaf_level(model.history.roles)) if LEVEL in made.columns else made


def _beside(before: pl.DataFrame, after: pl.DataFrame, chosen: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Rows with what is forecast as it stands, and what would be."""
    own = before.join(chosen, on=names, how="semi", nulls_equal=True)
    renamed = after.select(*names, "target", *(pl.col(name).alias(f"{name}_changed") for name in VALUES))
    both = own.select(*names, "target", *VALUES).join(
        renamed, on=[*names, "target"], how="left", nulls_equal=True, maintain_order="left"
    )
    return both.with_columns((pl.col("prediction_changed") - pl.col("prediction")).alias("difference"))


def _totals(frame: pl.DataFrame) -> pl.DataFrame:
    """Sums by target; bounds are sums of bounds, which are at least as wide as those of the sum."""
    columns = [name for name in frame.columns if name.removesuffix("_changed") in VALUES] + ["difference"]
    return frame.group_by("target", maintain_order=True).agg(pl.len().alias("rows"), pl.col(columns).sum())


def _unread(model: ForecastModel, changes: Mapping[str, Any]) -> Iterator[str]:
    """Inputs that no member of the model reads: the forecast cannot answer."""
    members = [fitted.member for own in model.members.values() for fitted, _ in own]
    read = {name for one in members if isinstance(one, BoostingMember) for name in (*one.recipe.numbers, *one.recipe.categories)}
    read |= {name for one in members for name in getattr(getattr(one, "recipe", None), "events", ())}
    for name in changes:
        if name not in read:
            yield f"no part of the model reads '{name}': the forecast cannot say what it would do"


def _unknown(
    model: ForecastModel, panel: Panel, chosen: pl.DataFrame, changed: pl.DataFrame, changes: Mapping[str, Any]
) -> Iterator[str]:
    """What history cannot tell: values never seen, hardly seen, never with these series, and inputs that never moved alone."""
    roles = model.history.roles
    past = panel.rows.filter(
        (pl.col("step") <= panel.end) & pl.any_horizontal(pl.col(one).is_not_null() for one in roles.targets)
    )
    for name in changes:
        value = changed[name][0]
        seen = _like(past, name, value)
        if seen.is_empty():
            yield f"'{name}' was never {value}{_span(past, name)}: what it would do is a guess"
            continue
        if len(seen) < RARE:
            yield f"'{name}' was {value} in {len(seen):,} rows of the past: that says little"
        for column in dict.fromkeys((*roles.segments, *roles.keys)):
            apart = set(chosen[column].unique().to_list()) - set(seen[column].unique().to_list())
            if apart:
                yield f"'{name}' was never {value} where '{column}' is {listed(sorted(map(str, apart)), most=3)}"
        share, others = _tied(past, name, [one for one in roles.known_ahead if one != name], model.settings.season)
        if share >= TIED:
            with_ = f"the season{f' and {listed(others, most=3)}' if others else ''}"
            yield f"'{name}' always moved with {with_}: its own effect cannot be told apart"


def _like(past: pl.DataFrame, name: str, value: Any) -> pl.DataFrame:
    """Rows of the past whose value is like one: the same, or for numbers of many values near it."""
    column = past[name]
    if not column.dtype.is_float() or column.n_unique() <= RARE:
        return past.filter(pl.col(name) == value)
    spread = float(column.std() or 0.0) / 4.0  # type: ignore[arg-type]
    return past.filter((pl.col(name) - value).abs() <= spread)


def _span(past: pl.DataFrame, name: str) -> str:
    column = past[name].drop_nulls()
    if not column.dtype.is_numeric() or column.is_empty():
        return ""
    return f" (from {column.min()!s} to {column.max()!s})"


def _tied(past: pl.DataFrame, name: str, others: list[str], season: int) -> tuple[float, list[str]]:
    """Share of the variance of an input that season and other inputs explain by a weighted sum, and which of them do."""
    if not (past[name].dtype.is_numeric() or past[name].dtype == pl.Boolean):
        return 0.0, []
    taken = np.linspace(0, len(past) - 1, min(MOST_ROWS, len(past))).astype(np.int64)
    rows = past[taken.tolist()].drop_nulls(name)
    x = rows[name].cast(pl.Float64).to_numpy()
    if len(rows) < RARE or np.ptp(x) == 0:
        return 0.0, []
    phase = (rows["step"] % max(season, 1)).to_numpy()
    design = [(phase == one).astype(float) for one in np.unique(phase)] if season <= 366 else [np.ones(len(rows))]
    columns = {one: _numbers(rows[one]) for one in others if rows[one].dtype.is_numeric() or rows[one].dtype == pl.Boolean}
    share = _explained(x, [*design, *columns.values()])
    telling = [one for one, values in columns.items() if share - _explained(x, [*design, *_rest(columns, one)]) > 0.01 or
               abs(_correlation(x, values)) > TIED]  # fmt: skip
    return share, telling


def _numbers(values: pl.Series) -> NDArray[np.float64]:
    found = values.cast(pl.Float64)
    return found.fill_null(found.mean() or 0.0).fill_nan(0.0).to_numpy()


def _rest(columns: Mapping[str, NDArray[np.float64]], without: str) -> list[NDArray[np.float64]]:
    return [values for name, values in columns.items() if name != without]


def _correlation(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    return float(np.corrcoef(one, two)[0, 1]) if np.ptp(one) > 0 and np.ptp(two) > 0 else 0.0


def _explained(x: NDArray[np.float64], columns: list[NDArray[np.float64]]) -> float:
    design = np.column_stack(columns)
    rest = x - design @ np.linalg.lstsq(design, x, rcond=None)[0]
    total = float(((x - x.mean()) ** 2).sum())
    return 1.0 - float(rest @ rest) / total if total > 0 else 0.0
