"""Each form of figure becomes a chart that draws: marks where the values are, intervals, and the goal as a labelled line."""

from __future__ import annotations

from typing import Any

import pytest
import vl_convert

from sevenstep.chapter import Explorer, Figure
from sevenstep.report.charts import draw
from sevenstep.report.charts.explorer import explorer_data
from sevenstep.report.charts.parts import moment
from sevenstep.report.charts.theme import chart_theme
from sevenstep.report.colours import DARK, LIGHT
from sevenstep.report.words import words_for

ENGLISH = words_for("en")
FIGURES = {
    "line": Figure(
        "f", "line", [{"x": n, "y": n * 2.0, "low": n, "high": n * 3, "group": "a"} for n in range(5)], x_type="number"
    ),
    "bars": Figure("f", "bars", [{"x": "a", "y": 3.0, "low": 2.0, "high": 4.0}, {"x": "b", "y": 5.0, "low": 4.0, "high": 6.0}]),
    "dots": Figure("f", "dots", [{"y": "a", "x": 3.0, "low": 2.0, "high": 4.0}, {"y": "b", "x": 5.0, "low": 4.0, "high": 6.0}]),
    "histogram": Figure("f", "histogram", [{"x0": 0, "x1": 1, "y": 4}, {"x0": 1, "x1": 3, "y": 9}]),
    "heatmap": Figure("f", "heatmap", [{"x": "a", "y": "b", "value": -0.5}, {"x": "c", "y": "b", "value": 1.0}]),
    "scatter": Figure("f", "scatter", [{"x": 1.0, "y": 2.0, "group": "a"}, {"x": 2.0, "y": 3.0, "group": "b"}], x_type="number"),
    "thread": Figure("f", "thread", [{"stage": "train", "kpi": "k", "value": 0.3, "low": 0.2, "high": 0.4, "state": "missed"}]),
}


def drawn(figure: Figure, colours: Any = LIGHT) -> dict[str, Any]:
    (panel,) = draw(figure, ENGLISH)
    return vl_convert.vegalite_to_scenegraph(panel.spec | {"width": 400}, config=chart_theme(colours))["scenegraph"]


def marks(node: Any, kind: str) -> list[dict[str, Any]]:
    """All items of marks of ``kind`` in a scene graph, outside of axes and legends."""
    if isinstance(node, list):
        return [item for each in node for item in marks(each, kind)]
    if str(node.get("role", "")).startswith(("axis", "legend")):
        return []
    own = node.get("items", []) if node.get("marktype") == kind else []
    return own + marks([item for item in node.get("items", []) if isinstance(item, dict)], kind)


def texts(node: Any) -> list[str]:
    if isinstance(node, list):
        return [text for each in node for text in texts(each)]
    own = [item["text"] for item in node.get("items", []) if node.get("marktype") == "text" and "text" in item]
    return [str(text) for text in own] + texts([item for item in node.get("items", []) if isinstance(item, dict)])


@pytest.mark.parametrize("form", FIGURES)
@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_every_form_draws_in_both_themes(form: str, colours: Any) -> None:
    scene = drawn(FIGURES[form], colours)
    found = sum(len(marks(scene, kind)) for kind in ("symbol", "rect", "line", "rule"))
    assert found >= len(FIGURES[form].rows)


@pytest.mark.parametrize("form", ["line", "bars", "dots", "scatter", "thread"])
def test_the_goal_is_a_line_with_its_label(form: str) -> None:
    figure = FIGURES[form]
    without, with_goal = drawn(figure), drawn(Figure(**{**vars(figure), "goal": 2.5, "goal_label": "goal <= 2.5"}))
    assert "goal ≤ 2.5" in texts(with_goal)
    assert len(marks(with_goal, "rule")) == len(marks(without, "rule")) + 1


def test_a_goal_without_a_label_is_printed_in_the_format_of_the_figure() -> None:
    figure = Figure("f", "dots", [{"y": "a", "x": 0.2, "low": 0.1, "high": 0.3}], format="percent", goal=0.25)
    assert "goal 25.0 %" in texts(drawn(figure))


def test_intervals_reach_from_low_to_high_on_the_scale_of_the_values() -> None:
    scene = drawn(FIGURES["dots"])
    points = {round(item["x"], 3) for item in marks(scene, "symbol")}
    rules = [sorted((item["x"], item["x2"])) for item in marks(scene, "rule")]
    (low_a, high_a), (low_b, high_b) = sorted(rules)
    pixels = (high_b - low_a) / (6.0 - 2.0)
    assert high_a - low_a == pytest.approx(2 * pixels)
    assert low_b - low_a == pytest.approx(2 * pixels)
    assert points == {round(low_a + pixels, 3), round(low_b + pixels, 3)}


def test_bars_start_at_zero_and_grow_with_the_value() -> None:
    low, high = sorted(item["height"] for item in marks(drawn(FIGURES["bars"]), "rect"))
    assert high / low == pytest.approx(5 / 3)


def test_an_axis_carries_its_unit() -> None:
    figure = Figure("f", "dots", [{"y": "a", "x": 1.0}], x_label="Sales", unit="EUR")
    assert "Sales (EUR)" in texts(drawn(figure))


def test_groups_differ_by_dash_and_shape_as_well_as_by_colour() -> None:
    rows = [{"x": n, "y": n + place, "group": group} for place, group in enumerate("abc") for n in range(4)]
    scene = drawn(Figure("f", "line", rows, x_type="number"))
    dashes = {tuple(line[0]["strokeDash"]) for line in _lines(scene)}
    shapes = {item["shape"] for item in marks(scene, "symbol") if item.get("opacity", 1) == 1}
    assert (len(dashes), len(shapes)) == (3, 3)


def _lines(node: Any) -> list[list[dict[str, Any]]]:
    if isinstance(node, list):
        return [line for each in node for line in _lines(each)]
    if node.get("marktype") == "line":
        return [node["items"]]
    return _lines([item for item in node.get("items", []) if isinstance(item, dict)])


def test_a_thread_draws_one_panel_per_kpi_each_against_its_own_goal() -> None:
    rows = [
        {
            "stage": "train",
            "kpi": kpi,
            "value": goal,
            "low": None,
            "high": None,
            "state": "met",
            "goal": goal,
            "goal_label": f"goal {goal}",
        }
        for kpi, goal in (("a", 0.1), ("b", 0.9))
    ]
    panels = draw(Figure("f", "thread", rows), ENGLISH)
    assert [panel.title for panel in panels] == ["a", "b"]
    for panel, label in zip(panels, ("goal 0.1", "goal 0.9"), strict=True):
        scene = vl_convert.vegalite_to_scenegraph(panel.spec | {"width": 300}, config=chart_theme(LIGHT))["scenegraph"]
        assert label in texts(scene)


def test_a_stage_that_was_not_measured_is_drawn_hollow() -> None:
    rows = [
        {"stage": "tune", "kpi": "a", "value": 0.1, "low": None, "high": None, "state": "met"},
        {"stage": "operate", "kpi": "a", "value": None, "low": None, "high": None, "state": "not_measured"},
    ]
    measured, missing = marks(drawn(Figure("f", "thread", rows)), "symbol")
    assert "fill" in measured and missing.get("fill") in (None, "transparent")


def test_times_without_a_zone_are_taken_as_universal_time() -> None:
    assert moment("2015-07-31", "time") == "2015-07-31"
    assert moment("2015-07-31 13:00:00", "time") == "2015-07-31T13:00:00Z"
    assert moment("2015-07-31T13:00:00+09:00", "time") == "2015-07-31T13:00:00+09:00"


def test_an_explorer_is_packed_with_five_digits_and_each_time_axis_once() -> None:
    column = {"time": ["2015-01-01", "2015-01-02"], "actual": [123456.789, None], "prediction": [None, float("nan")]}
    options = [{"id": name, "label": name} for name in "ab"]
    packed = explorer_data(Explorer("e", options, {"a": column, "b": column}, {"a": "2015-01-01"}))
    assert packed["times"] == [["2015-01-01", "2015-01-02"]]
    assert packed["series"][0] == [0, "2015-01-01", [123460, None], None, None, None, None, None]
    assert packed["series"][1][:2] == [0, None]
