"""The explorer's chart and its data: history and prediction of one series at a time, packed as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from sevenstep.chapter import Explorer
from sevenstep.errors import InternalError
from sevenstep.report.charts.line import hover_layers
from sevenstep.report.charts.parts import Spec, axis_title, moment, time_format
from sevenstep.report.formats import plain
from sevenstep.report.words import Words

__all__ = ["explorer_chart", "explorer_data", "explorer_rows"]

_HEIGHT = 340
_DIGITS = 5
_COLUMNS = ("actual", "prediction", "lower_80", "upper_80", "lower_95", "upper_95")


def explorer_chart(explorer: Explorer, words: Words) -> Spec:
    """The chart of whichever series the page puts into its data sets ``series`` and ``origin``."""
    x: Spec = {"field": "x", "type": "temporal", "scale": {"type": "utc"}}
    x["axis"] = {"title": plain(explorer.x_label) or words.say("time")}
    if explorer.x_type == "time":
        x["axis"]["format"] = time_format(_all_times(explorer), words)
    if explorer.x_type == "number":
        x |= {"type": "quantitative", "scale": {"zero": False, "nice": False}}
    y: Spec = {"field": "middle", "type": "quantitative", "scale": {"zero": False, "nice": True}}
    y["axis"] = {"grid": True, "title": axis_title(explorer.y_label, explorer.unit) or words.say("value"), "format": "~s"}
    bands = [_band(x, y, level) for level in ("95", "80")]
    courses = [_course(x, y, "actual"), _course(x, y, "prediction")]
    return {"height": _HEIGHT, "data": {"name": "series"}, "layer": [*bands, *courses, *_origin(x), *hover_layers(x, y)]}


def _all_times(explorer: Explorer) -> list[str]:
    """First and last time of each series: all that matters for how an axis writes them."""
    return [plain(column["time"][place]) for column in explorer.series.values() if column["time"] for place in (0, -1)]


def _band(x: Spec, y: Spec, level: str) -> Spec:
    encoding = {"x": x, "y": {**y, "field": f"lower_{level}"}, "y2": {"field": f"upper_{level}"}}
    return {"mark": {"type": "area", "style": f"band-{level}"}, "encoding": encoding}


def _course(x: Spec, y: Spec, field: str) -> Spec:
    return {"mark": {"type": "line", "style": field}, "encoding": {"x": x, "y": {**y, "field": field}}}


def _origin(x: Spec) -> list[Spec]:
    data = {"name": "origin"}
    text = {"x": x, "y": {"value": 0}, "text": {"field": "label"}}
    return [
        {"data": data, "mark": {"type": "rule", "style": "origin"}, "encoding": {"x": x}},
        {"data": data, "name": "halo_origin", "mark": {"type": "text", "style": "origin-label"}, "encoding": text},
    ]


def explorer_data(explorer: Explorer) -> dict[str, Any]:
    """Options and their columns as compact JSON: times shared between series are kept once, figures to five digits.

    Raises `InternalError` when an option names no series or the columns of a series differ in length.
    """
    times: dict[tuple[Any, ...], int] = {}
    packed = [_packed(explorer, option["id"], times) for option in explorer.options]
    options = [[plain(option["label"]), plain(option.get("group", ""))] for option in explorer.options]
    return {"options": options, "times": [list(column) for column in times], "series": packed, "x_type": explorer.x_type}


def explorer_rows(explorer: Explorer, name: str, words: Words) -> dict[str, list[dict[str, Any]]]:
    """The data sets ``series`` and ``origin`` of one series, for a still picture of it."""
    series = _checked(explorer.series, name)
    rows = [{"x": moment(time, explorer.x_type)} for time in series["time"]]
    for field in _COLUMNS:
        for row, value in zip(rows, series.get(field, ()), strict=False):
            row |= {} if value is None else {field: value}
    for row in rows:
        row["middle"] = row.get("actual", row.get("prediction"))
    origin = explorer.origin.get(name)
    shown = [] if origin is None else [{"x": moment(origin, explorer.x_type), "label": words.say("origin")}]
    return {"series": rows, "origin": shown}


def _packed(explorer: Explorer, name: str, times: dict[tuple[Any, ...], int]) -> list[Any]:
    series = _checked(explorer.series, name)
    column = tuple(moment(time, explorer.x_type) for time in series["time"])
    place = times.setdefault(column, len(times))
    origin = explorer.origin.get(name)
    shown = None if origin is None else moment(origin, explorer.x_type)
    return [place, shown, *(_column(series.get(field, ())) for field in _COLUMNS)]


def _checked(series: Mapping[str, Mapping[str, Sequence[Any]]], name: str) -> Mapping[str, Sequence[Any]]:
    if name not in series:
        raise InternalError(
            "REPORT-SERIES", f"option '{name}' has no series", "every option needs one", "leave both out or add both"
        )
    lengths = {len(column) for column in series[name].values()}
    if len(lengths) != 1:
        raise InternalError("REPORT-LENGTH", f"columns of series '{name}' differ in length", "they must agree", "pad with None")
    return series[name]


def _column(values: Sequence[Any]) -> list[float | int | None] | None:
    """Five significant digits each; None for a column without any value."""
    short = [_short(value) for value in values]
    return short if any(value is not None for value in short) else None


def _short(value: Any) -> float | int | None:
    if value is None or not isfinite(value):
        return None
    rounded = float(f"{value:.{_DIGITS}g}")
    return int(rounded) if rounded == int(rounded) else rounded
