"""Inputs that know too much: columns that equal or determine the target, and plans that foresee its surprises."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Roles
from sevenstep.tasks.forecast.explore.view import View
from sevenstep.tasks.forecast.explore.within import within
from sevenstep.tasks.forecast.foresight import foresights
from sevenstep.wording import percent

__all__ = ["find_leaks"]

Floats = NDArray[np.float64]
MOVES_ALIKE, FORESEES = 0.98, 0.95
EXACT, NEARLY_ALL, FEWEST = 1e-6, 0.999, 30
PAIR_ROWS, PAIR_COLUMNS = 20_000, 40


def find_leaks(view: View, roles: Roles) -> list[dict[str, Any]]:
    """Suspected leaks with their figure, each ``{column, with, role, kind, value, n, filled_ahead, drop, text}``.

    ``kind`` is ``sum``, ``difference`` or ``product`` for an identity, ``moves_alike`` for changes that follow the target's,
    ``made_of`` for a known-ahead column made of values of the target from its own time on, ``foresees`` for one that explains
    what season, level and trend leave over. ``filled_ahead`` is the share of open rows in which a known-ahead column has a value:
    a plan is filled, a leak is not. ``drop`` says that the column must not be an input.
    """
    published = view.panel.published  # read as they stood at each origin, whatever they became later
    columns = [name for name in (*roles.observed, *roles.known_ahead) if view.panel.rows[name].dtype.is_numeric()]
    columns = [name for name in columns if name not in published]
    values = {name: view.column(name).cast(pl.Float64).to_numpy() for name in columns}
    found = [*_identities(view, values), *_alike(view, values), *_foresight(view, values, roles), *_made_of(view, roles)]
    ahead, seen = set(roles.known_ahead), set()
    leaks = []
    for leak in found:
        if (leak["column"], leak["with"]) in seen:
            continue
        seen.add((leak["column"], leak["with"]))
        role = "known_ahead" if leak["column"] in ahead else "observed"
        filled = _filled_ahead(view, roles, leak["column"]) if role == "known_ahead" else None
        leaks.append(
            {
                **leak,
                "role": role,
                "filled_ahead": filled,
                "drop": role == "known_ahead" and (leak["kind"] == "made_of" or not (filled or 0) > 0.5),
            }
        )
    return leaks


def _leak(column: str, other: str, kind: str, value: float, n: int, text: str) -> dict[str, Any]:
    return {"column": column, "with": other, "kind": kind, "value": value, "n": n, "text": text}


def _identities(view: View, values: dict[str, Floats]) -> Iterator[dict[str, Any]]:
    """Pairs of columns from which the target follows exactly."""
    rows = np.linspace(0, len(view.row) - 1, min(PAIR_ROWS, len(view.row))).astype(np.int64)
    y = view.raw[rows]
    for a, b in combinations(list(values)[:PAIR_COLUMNS], 2):
        one, two = values[a][rows], values[b][rows]
        known = np.isfinite(one) & np.isfinite(two)
        if known.sum() < FEWEST or not (_spread(one[known]) and _spread(two[known])):
            continue
        for kind, sign, made in (("sum", "+", one + two), ("difference", "-", one - two), ("product", "x", one * two)):
            equal = float(_same(y[known], np.abs(made[known]) if kind == "difference" else made[known]).mean())
            if equal >= NEARLY_ALL and _spread(y[known]):
                text = f"{view.target} = {a} {sign} {b} in {percent(equal)} of {known.sum():,} rows"
                yield _leak(a, b, kind, equal, int(known.sum()), text)
                yield _leak(b, a, kind, equal, int(known.sum()), text)


def _same(y: Floats, made: Floats) -> NDArray[np.bool_]:
    return np.abs(y - made) <= EXACT * np.maximum(np.abs(y), 1.0)


def _spread(values: Floats) -> bool:
    return bool(values.std() > 1e-12 * max(float(np.abs(values).max()), 1e-300))


def _alike(view: View, values: dict[str, Floats]) -> Iterator[dict[str, Any]]:
    """Columns whose change from row to row within a series follows that of the target, up or down."""
    same = np.diff(view.series) == 0
    change = np.diff(view.raw)
    for column, x in values.items():
        move = np.diff(x)
        known = same & np.isfinite(move) & ((move != 0) | (change != 0))
        value = _correlation(change[known], move[known])
        if abs(value) > MOVES_ALIKE:
            text = f"changes of {column} follow those of {view.target} (correlation {value:.3f}, n = {known.sum():,})"
            yield _leak(column, "", "moves_alike", value, int(known.sum()), text)


def _foresight(view: View, values: dict[str, Floats], roles: Roles) -> Iterator[dict[str, Any]]:
    """Known-ahead columns that explain nearly all of what season and level leave unexplained."""
    for column in (name for name in roles.known_ahead if name in values):
        x = values[column]
        known = np.isfinite(x)
        if known.sum() < FEWEST:
            continue
        cells = [codes[known] for codes in view.fine.codes]
        for y, z in ((view.scaled, x), (view.raw, x), (view.scaled, np.arcsinh(x))):
            value = _correlation(within(y[known], cells), within(z[known], cells))
            if abs(value) > FORESEES:
                figures = f"correlation {value:.3f}, n = {known.sum():,}"
                text = f"{column} foresees what season and level leave open of {view.target} ({figures})"
                yield _leak(column, "", "foresees", value, int(known.sum()), text)
                break


def _made_of(view: View, roles: Roles) -> Iterator[dict[str, Any]]:
    for one in foresights(view.panel, view.target, roles.known_ahead, horizon=1):
        figures = f"{percent(one.share)} of its changes, n = {one.n:,}"
        text = f"{one.column} is made of {view.target} from {one.first:+d} to {one.last:+d} steps around its time ({figures})"
        yield _leak(one.column, "", "made_of", one.share, one.n, text)


def _correlation(a: Floats, b: Floats) -> float:
    if len(a) < FEWEST or not (_spread(a) and _spread(b)):
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _filled_ahead(view: View, roles: Roles, column: str) -> float | None:
    """Share of open rows with a value of the column, or None without open rows."""
    unknown = pl.all_horizontal([pl.col(target).is_null() for target in roles.targets])
    ahead = view.panel.rows.filter(unknown & (pl.col("step") > view.panel.end))[column]
    return 1.0 - ahead.null_count() / len(ahead) if len(ahead) else None
