"""The preprocessing recipe: what each fit will do inside its own fold, every choice with the figure that speaks for it.

``targets`` maps to the fields of a feature recipe one to one; ``shown`` says the same in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sevenstep.tasks.forecast.explore.findings import TargetFindings
from sevenstep.tasks.forecast.explore.inputs import Inputs
from sevenstep.tasks.forecast.explore.spread import spread_slope
from sevenstep.tasks.forecast.panel import Settings
from sevenstep.wording import percent, roughly

__all__ = ["make_recipe"]

INSIDE, NONE = "inside the fold", "no parameters"
MULTIPLIES = 0.5  # slope of log spread on log level from which effects multiply rather than add


def make_recipe(found: Sequence[TargetFindings], inputs: Inputs, settings: Settings) -> dict[str, Any]:
    """The recipe of all targets: ``{"targets": {target: fields}, "shown": [{target, what, how, why, fitted}]}``."""
    targets = {item.target: _fields(item, inputs, settings) for item in found}
    shown = [{"target": item.target, **entry} for item in found for entry in _shown(item, inputs, settings, targets[item.target])]
    return {"targets": targets, "shown": shown}


def _fields(found: TargetFindings, inputs: Inputs, settings: Settings) -> dict[str, Any]:
    kept = {name: list(levels) for name, levels in inputs.categories.items() if name not in found.left_out}
    return {
        "transform": "log1p" if _takes_log(found) else "asinh",
        "seasons": list(found.view.seasons),
        "year": found.year_steps[0],
        "events": [effect.column for effect, _ in found.chosen if effect.column not in found.left_out],
        "numbers": [name for name in inputs.numbers if name not in found.left_out],
        "categories": kept,
        "shifted": found.shifted(),
        "groups": list(inputs.groups),
        "closures": settings.gaps == "closed",
        "calendar": found.calendar.to_json() if found.calendar else {},
    }


def _takes_log(found: TargetFindings) -> bool:
    slope = spread_slope(found.view)
    return bool(found.view.raw.min() >= 0) and (slope is None or slope >= MULTIPLIES)


def _entry(what: str, how: str, why: str, fitted: str) -> dict[str, str]:
    return {"what": what, "how": how, "why": why, "fitted": fitted}


def _shown(found: TargetFindings, inputs: Inputs, settings: Settings, fields: dict[str, Any]) -> Iterator[dict[str, str]]:
    yield _transform(found, fields["transform"])
    for fact in found.view.weighed:
        how = "means at each phase, recent values counting more" if fact.used else "not used"
        yield _entry(f"season of {fact.season}", how, fact.reason, INSIDE)
    steps, reason = found.year_steps
    if settings.year:
        yield _entry("the same time last year", f"compared {steps} steps back" if steps else "not used", reason, INSIDE)
    for effect, gain in found.chosen:
        why = f"its states explain {roughly(gain)} of what level and season leave, {roughly(effect.share_explained)} by itself"
        yield _entry(effect.column, "averages of their own for each state and phase", why, INSIDE)
    yield from _inputs(inputs, fields)
    yield from _neighbours(found, fields)
    if found.calendar:
        place = found.calendar.country or "no country"
        why = (
            f"{len(found.holidays)} holidays and days beside them measured"
            if found.holidays
            else "day, week and month are known ahead"
        )
        yield _entry("calendar", f"place in week, month and year; holidays of {place}", why, NONE)
    yield from _left_out(found, inputs)
    yield _outliers(found)
    yield _missing(found, settings)


def _transform(found: TargetFindings, name: str) -> dict[str, str]:
    slope = spread_slope(found.view)
    spread = f"; spread grows with the level to the power {slope:.2f}" if slope is not None else ""
    lowest = float(found.view.raw.min())
    return _entry("scale of the target", name, f"smallest value {lowest:g}{spread}", NONE)


def _inputs(inputs: Inputs, fields: dict[str, Any]) -> Iterator[dict[str, str]]:
    if fields["numbers"]:
        yield _entry("numbers", ", ".join(fields["numbers"]), "taken as they are: trees need no scaling", NONE)
    if fields["categories"]:
        names = ", ".join(f"{name} ({len(levels)})" for name, levels in fields["categories"].items())
        yield _entry("categories", names, "codes in the order of their text; unknown levels count as missing", NONE)
    if fields["groups"]:
        why = "results are shown by them; the trees may split on those that are inputs"
        yield _entry("segments", ", ".join(fields["groups"]), why, NONE)


def _neighbours(found: TargetFindings, fields: dict[str, Any]) -> Iterator[dict[str, str]]:
    for column in fields["shifted"]:
        facts = [fact for fact in found.neighbours if fact["column"] == column and fact["low"] * fact["high"] > 0]
        why = "; ".join(f"{fact['side']} it {100 * fact['relative']:+.1f} % ({fact['n']:,} rows)" for fact in facts)
        yield _entry(f"{column} of neighbouring steps", "the state of the steps before and after", why, NONE)


def _left_out(found: TargetFindings, inputs: Inputs) -> Iterator[dict[str, str]]:
    for column, reason in {**inputs.dropped, **found.left_out}.items():
        yield _entry(column, "left out", reason, NONE)


def _outliers(found: TargetFindings) -> dict[str, str]:
    why = f"{found.outliers.count:,} values ({percent(found.outliers.share)}) lie far from their like; none is proven wrong"
    return _entry("outliers", "kept; the scale of the target and recent means limit their pull", why, NONE)


def _missing(found: TargetFindings, settings: Settings) -> dict[str, str]:
    meaning = {
        "closed": ("neither learnt from nor predicted", "a missing step is a planned closure"),
        "zero": ("learnt from and judged as 0", "a step without a row had no demand"),
        "missing": ("left missing: means use what is there, trees have a branch for it", "a missing step was not recorded"),
    }
    how, why = meaning[settings.gaps]
    return _entry("missing values", how, f"{why}; {percent(found.history['filled'])} of the steps have a value", INSIDE)
