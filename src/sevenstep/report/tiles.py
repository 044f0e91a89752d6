"""KPI tiles: value, interval, goal and state of each KPI, with a small scale that shows them against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sevenstep.report.about import goal_bound, pretty_goal
from sevenstep.report.formats import format_interval, format_value, plain
from sevenstep.report.words import Words

__all__ = ["Scale", "Tile", "tile"]

_STATES = ("met", "missed", "not_measured")


@dataclass(frozen=True)
class Scale:
    """Places on a line of 0 to 100: value, ends of the interval, goal, and the stretch on which the goal is met."""

    value: float
    low: float
    high: float
    goal: float
    good_from: float
    good_to: float


@dataclass(frozen=True)
class Tile:
    """One KPI as shown at the top of the report."""

    id: str
    metric: str
    value: str
    interval: str
    goal: str
    n: str
    state: str
    state_word: str
    scale: Scale | None


def tile(kpi: Mapping[str, Any], words: Words) -> Tile:
    """The tile of a KPI given as in `ReportAbout.kpis`."""
    state = kpi.get("state") or "not_measured"
    state = state if state in _STATES else "not_measured"
    goal = pretty_goal(plain(kpi.get("goal", "")))
    count = kpi.get("n")
    value, interval = _texts(kpi, words)
    return Tile(
        id=plain(kpi["id"]),
        metric=_metric(kpi),
        value=value,
        interval=interval,
        goal=words.say("goal", goal=goal) if goal else "",
        n=words.say("items", n=f"{count:,}") if isinstance(count, int) else "",
        state=state,
        state_word=words.known("state", state),
        scale=_scale(kpi),
    )


def _metric(kpi: Mapping[str, Any]) -> str:
    parts = [plain(kpi[key]) for key in ("metric", "target") if kpi.get(key)]
    return " · ".join(parts)


def _texts(kpi: Mapping[str, Any], words: Words) -> tuple[str, str]:
    value, low, high = kpi.get("value"), kpi.get("low"), kpi.get("high")
    if value is None:
        return "–", ""
    kind, unit = kpi.get("format", "number"), plain(kpi.get("unit", ""))
    if kind not in ("number", "interval", "percent"):
        texts = [format_value(part, kind, words) for part in (value, low, high)]
        return f"{texts[0]} {unit}".strip(), "" if low is None else f"{texts[1]} – {texts[2]}"
    text, _, bounds = format_interval(value, low, high, percent=kind == "percent").partition(" (")
    sign = " %" if kind == "percent" and bounds else ""
    return f"{text} {unit}".strip(), bounds.removesuffix(")") + sign


def _scale(kpi: Mapping[str, Any]) -> Scale | None:
    bound = goal_bound(str(kpi.get("goal", "")))
    value = kpi.get("value")
    if bound is None or value is None:
        return None
    sign, goal = bound
    low = value if kpi.get("low") is None else kpi["low"]
    high = value if kpi.get("high") is None else kpi["high"]
    least, most = min(low, value, goal), max(high, value, goal)
    spread = (most - least) or abs(goal) or 1.0
    start, width = least - 0.35 * spread, 1.7 * spread
    places = [round(100 * (place - start) / width, 1) for place in (value, low, high, goal)]
    good = (0.0, places[3]) if sign.startswith("<") else (places[3], 100.0)
    return Scale(*places, *good)
