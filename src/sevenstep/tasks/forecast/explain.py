"""Why a forecast came out as it did, in units of the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.data.naming import listed
from sevenstep.errors import InputError
from sevenstep.tasks.contract import Explanation
from sevenstep.tasks.forecast.asking import AskedRows
from sevenstep.tasks.forecast.explain_series import explain_series, start_words
from sevenstep.tasks.forecast.families.boosting import BoostingMember
from sevenstep.tasks.forecast.families.drivers import DriversMember
from sevenstep.tasks.forecast.families.members import FittedMember
from sevenstep.tasks.forecast.families.question import Question
from sevenstep.tasks.forecast.features.history import Asked, untransform
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.units import UNIT
from sevenstep.tasks.forecast.given import typed_as
from sevenstep.tasks.forecast.panel import Panel, Settings, build_panel

__all__ = ["Explained", "explain_item"]

_RECENT = "recent level and trend"
_PAST = (
    ("phase_of_", "season"),
    ("phase_", "same phase of the season lately"),
    ("cycle_", "same phase of the season lately"),
    ("last_phase_", "same phase of the season lately"),
    ("state_", "same day in the same event state lately"),
    ("last_year_", "same time last year"),
    ("shared_", "season shared with similar series"),
    ("winters_", _RECENT),
    ("theta_like", _RECENT),
    ("smoothing", _RECENT),
    ("closed_", "closed days around"),
    ("calendar_", "calendar and holidays"),
    ("lead", "how far ahead"),
)
_FROM_PAST = {"base", "level", "slow_level", "trend", "newest", "steps_since_seen", "seen_so_far", "usual", "moved", "size", UNIT}


@dataclass(frozen=True)
class Explained:
    """One target of a forecast model, as far as an explanation needs it."""

    target: str
    history: Dataset
    settings: Settings
    horizon: int
    members: Sequence[tuple[FittedMember, float]]
    shift: float
    floor_zero: bool


def explain_item(model: Explained, item: Mapping[str, Any]) -> Explanation:
    """Parts that add up from the usual value of the series to its forecast.

    Each booster's contributions (TreeSHAP, Lundberg et al., 2020) are turned into units of the target by the logarithmic mean
    (the LMDI decomposition of Ang, 2005), which leaves no remainder; members that know no inputs tell level, trend and season
    (see `explain_series`). Raises InputError when the series or time is not known.
    """
    panel = build_panel(model.history, model.settings)
    wanted = _find(model, panel, item)
    parts: dict[str, float] = {}
    start = 0.0
    explained = [(_explain_member(fitted, model, wanted), weight) for fitted, weight in model.members]
    told = [(own, weight) for own, weight in explained if np.isfinite(own[0])] or explained
    total = sum(weight for _, weight in told)
    for (member_start, member_parts), weight in told:
        start += member_start * weight / total
        for name, value in member_parts.items():
            parts[name] = parts.get(name, 0.0) + value * weight / total
    before = start + sum(parts.values())
    if model.shift != 1.0:
        parts["shift that suits the KPI"] = before * (model.shift - 1.0)
    if model.floor_zero and before * model.shift < 0:
        parts["no forecast below zero"] = -before * model.shift
    ranked = sorted(parts.items(), key=lambda part: -abs(part[1]))
    shown = wanted.shown(model.history.roles).row(0, named=True)
    texts = [(name, _value_text(name, wanted), value) for name, value in ranked]
    return Explanation(shown, model.target, model.target, start, _start_text(model), texts, start + sum(parts.values()))


def _start_text(model: Explained) -> str:
    plain = [fitted for fitted, _ in model.members if not isinstance(fitted.member, (BoostingMember, DriversMember))]
    usual = "usual value of this series at this point of the season, in the same event state"
    if not plain:
        return usual
    return start_words(plain) if len(plain) == len(model.members) else f"{usual}; for members without inputs {start_words(plain)}"


def _find(model: Explained, panel: Panel, item: Mapping[str, Any]) -> AskedRows:
    roles = model.history.roles
    names = [*roles.keys, str(roles.time)]
    missing = [name for name in names if name not in item]
    if missing:
        given = f"the item to explain does not say {', '.join(missing)}"
        raise InputError("EXPLAIN-ITEM", given, "an item is one series at one time", f"give {', '.join(names)}")
    frame = typed_as(pl.DataFrame({name: [item[name]] for name in names}), panel.rows)
    numbered = panel.rows.with_row_index("row")
    found = numbered.join(frame, on=names, how="semi", nulls_equal=True)
    if found.is_empty():
        series = numbered.join(frame, on=list(roles.keys), how="semi", nulls_equal=True) if roles.keys else numbered
        known = series[names[-1]]
        times = f"its times run from {known.min()!s} to {known.max()!s}" if len(known) else "no such series"
        given = listed(f"{name}={item[name]}" for name in names)
        raise InputError("EXPLAIN-ITEM", f"{given} is not in the data", times, "name a row of the data or of the open future")
    row = found["row"].to_numpy().astype(np.int64)[:1]
    step = panel.steps[row]
    longest = np.where(step > panel.end, panel.end, np.maximum(step - model.horizon, 0))
    return AskedRows(panel, Asked(panel.series[row], step, longest.astype(np.int32)), row)


def _explain_member(fitted: FittedMember, model: Explained, wanted: AskedRows) -> tuple[float, dict[str, float]]:
    question = wanted.question(model.target, model.settings)
    if isinstance(fitted.member, DriversMember):
        return _explain_drivers(fitted.member, question)
    if not isinstance(fitted.member, BoostingMember):
        return explain_series(fitted, question)
    prediction = float(fitted.member.predict(question)[0])
    member, recipe = fitted.member, fitted.member.recipe
    features = wanted.features(recipe)
    names, contributions = member.contributions(features)
    row = contributions[0]
    base = float(features[2][0])
    start = float(untransform(np.array([base]), recipe.transform)[0])
    size = float(features[1][0, features[0].index(UNIT)]) if member.scale == "units" else max(abs(start), member.floor)
    quotient = (
        start / size if member.scale == "ratio" else 0.0
    )  # what the trees predict is then added to the start, or multiplies it
    grouped: dict[str, float] = {"what series have in common": float(row[-1]) - quotient}
    for name, value in zip(names, row[:-1], strict=True):
        words = _words(name, recipe)
        grouped[words] = grouped.get(words, 0.0) + float(value)
    if member.scale != "log":
        return start, {name: value * size for name, value in grouped.items()}
    change = prediction - start
    logarithm = sum(grouped.values())
    factor = change / logarithm if abs(logarithm) > 1e-12 else start
    return start, {name: value * factor for name, value in grouped.items()}


def _explain_drivers(member: DriversMember, question: Question) -> tuple[float, dict[str, float]]:
    """As for a booster on the scale of logarithms, from the level of the series with its growth on."""
    level, names, contributions, moved = member.parts(question)
    start, prediction = (
        float(untransform(value, member.recipe.transform)[0]) for value in (level, level + contributions.sum(axis=1) + moved)
    )
    grouped = {"what rows have in common": float(contributions[0, -1]), _RECENT: float(moved[0])}
    for name, value in zip(names, contributions[0, :-1], strict=True):
        words = _words(name, member.recipe)
        grouped[words] = grouped.get(words, 0.0) + float(value)
    total = sum(grouped.values())
    factor = (prediction - start) / total if abs(total) > 1e-12 else start
    return start, {name: value * factor for name, value in grouped.items()}


def _words(name: str, recipe: FeatureRecipe) -> str:
    if name in recipe.numbers or name in recipe.categories:
        return name
    plain = name.rstrip("0123456789").rstrip("+-")
    if plain in recipe.shifted:
        return f"{plain} on days around"
    name = name.removeprefix("own_")
    if name in _FROM_PAST or name.startswith(("mean_", "spread_", "before_")):
        return _RECENT
    return next((words for start, words in _PAST if name.startswith(start)), name)


def _value_text(name: str, wanted: AskedRows) -> str:
    rows = wanted.panel.rows
    return str(rows[name][int(wanted.row[0])]) if name in rows.columns else ""
