"""A control chart is drawn as people know it: steps for limits, zones, marks at what signals, phases, two linked panels."""

from __future__ import annotations

from typing import Any

import pytest
import vl_convert

from sevenstep.chapter import Figure
from sevenstep.errors import InternalError
from sevenstep.report.charts import draw
from sevenstep.report.charts.theme import chart_theme
from sevenstep.report.colours import DARK, LIGHT
from sevenstep.report.tables import figure_table
from sevenstep.report.words import words_for

ENGLISH = words_for("en")
POINTS = 20


def rows(group: str, centre: float, reach: float, **more: Any) -> list[dict[str, Any]]:
    """Points that go up and down by half their limits, which follow the size of the subgroup; phase 2 from the eleventh on."""
    return [
        {
            "group": group, "x": f"2026-01-{place + 1:02d}T06:00:00", "y": centre + reach * (0.5 if place % 2 else -0.5),
            "centre": centre, "low": max(centre - reach * (1 + place % 3), 0.0), "high": centre + reach * (1 + place % 3),
            "phase": 1 if place < 10 else 2,
        } | more
        for place in range(POINTS)
    ]  # fmt: skip


def chart(*groups: list[dict[str, Any]], **more: Any) -> Figure:
    return Figure(
        "Control chart of coat", "control", [row for group in groups for row in group], "started", "coat", "time", **more
    )


def pair() -> Figure:
    main, spread = rows("X-bar", 50.0, 3.0, sigma=1.0), rows("S", 2.0, 0.5)
    main[4] |= {"signal": "1", "rule": "Western Electric 1: a point beyond 3 sigma", "left_out": True}
    main[15] |= {"signal": "4", "rule": "Western Electric 4: 8 points in a row"}
    main[16] |= {"signal": "4", "rule": "Western Electric 4: 8 points in a row"}
    return chart(main, spread, unit="µm")


def scene(figure: Figure, width: int = 600, colours: Any = LIGHT) -> dict[str, Any]:
    (panel,) = draw(figure, ENGLISH)
    return vl_convert.vegalite_to_scenegraph(panel.spec | {"width": width}, config=chart_theme(colours))["scenegraph"]


def items(node: Any, kind: str) -> list[list[dict[str, Any]]]:
    """The items of each mark of ``kind``, axes left out."""
    if isinstance(node, list):
        return [found for each in node for found in items(each, kind)]
    if str(node.get("role", "")).startswith(("axis", "legend")):
        return []
    own = [node["items"]] if node.get("marktype") == kind and node.get("items") else []
    return own + items([item for item in node.get("items", []) if isinstance(item, dict)], kind)


def texts(node: Any) -> list[str]:
    return [str(item["text"]) for mark in items(node, "text") for item in mark]


def diamonds(node: Any) -> list[dict[str, Any]]:
    return [item for mark in items(node, "symbol") for item in mark if item.get("shape") == "diamond"]


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("width", [260, 1000])
def test_it_draws_in_both_themes_narrow_and_wide(width: int, colours: Any) -> None:
    drawn = scene(pair(), width, colours)
    assert {"UCL 56.0", "CL 50.0", "LCL 44.0"} <= set(texts(drawn)), "limits of the newest point"
    assert len(diamonds(drawn)) == 3


def test_points_that_signal_are_marked_once_for_each_stretch_and_those_left_out_are_hollow() -> None:
    drawn = scene(pair())
    assert sorted(text for text in texts(drawn) if text.isdigit()) == ["1", "4"]
    filled = [item for item in diamonds(drawn) if item.get("fill") not in (None, "transparent")]
    assert len(filled) == 2


def test_the_tooltip_names_the_rule_and_both_panels() -> None:
    (panel,) = draw(pair(), ENGLISH)
    row = panel.spec["data"]["values"][4]
    when, main, spread, rule = row["tip"].split("\n")
    assert when == "2026-01-05 06:00"
    assert main.startswith("48.5") and spread.startswith("1.75")
    assert rule == "X-bar: Western Electric 1: a point beyond 3 sigma; limits were found without it"
    assert panel.spec["usermeta"]["tips"] == ["started", "X-bar", "S", "Rule that fired"]


def test_both_panels_share_their_points_and_lie_above_one_another() -> None:
    """One hair line serves both because a point has the same place in each."""
    lines = [mark for mark in items(scene(pair()), "line") if len(mark) == POINTS]
    courses = [mark for mark in lines if mark[0].get("strokeDash") is None and len({item["y"] for item in mark}) == 2]
    main, spread = courses
    assert [item["x"] for item in main] == [item["x"] for item in spread]
    assert max(item["y"] for item in main) < min(item["y"] for item in spread)


def test_limits_that_vary_are_steps_of_their_own_height() -> None:
    lines = [mark for mark in items(scene(pair()), "line") if len({round(item["y"], 3) for item in mark}) == 3]
    assert len(lines) == 4, "upper and lower of both panels"
    assert all(mark[0]["interpolate"] == "step" for mark in lines)


def test_zones_are_drawn_only_where_run_rules_count_in_them() -> None:
    assert len(items(scene(pair()), "area")) == 3 + 1
    assert len(items(scene(chart(rows("S", 2.0, 0.5))), "area")) == 1


def test_the_border_of_the_phases_lies_between_the_last_point_of_one_and_the_first_of_the_other() -> None:
    drawn = scene(pair())
    (border,) = [mark[0] for mark in items(drawn, "rule") if len(mark) == 1]
    course = next(mark for mark in items(drawn, "line") if len(mark) == POINTS)
    assert course[9]["x"] < border["x"] < course[10]["x"]
    assert {"phase 1", "phase 2"} <= set(texts(drawn))
    only = chart([row | {"phase": 2} for row in rows("p", 0.1, 0.02)], format="percent")
    assert "phase 2" not in texts(scene(only))


def test_points_of_the_same_moment_keep_a_place_each() -> None:
    same = [row | {"x": "2026-01-05"} for row in rows("p", 0.1, 0.02)]
    (panel,) = draw(chart(same), ENGLISH)
    assert len({row["at"] for row in panel.spec["data"]["values"]}) == POINTS


def test_a_point_without_a_value_leaves_a_gap_and_no_fault() -> None:
    spread = rows("moving range", 2.0, 0.5)
    spread[0] = {name: spread[0][name] for name in ("group", "x", "phase")}
    assert scene(chart(rows("individuals", 50.0, 3.0), spread))


def test_panels_that_differ_in_their_points_are_refused() -> None:
    with pytest.raises(InternalError, match="differ in their points"):
        draw(chart(rows("X-bar", 50.0, 3.0), rows("S", 2.0, 0.5)[1:]), ENGLISH)


def test_the_table_behind_has_limits_phase_and_rule() -> None:
    table = figure_table(pair(), ENGLISH)
    assert [head.label for head in table.heads] == [
        "Chart", "started", "coat", "Centre line", "Lower limit", "Upper limit", "Phase", "Rule that fired",
    ]  # fmt: skip
    assert len(table.rows) == 2 * POINTS
    assert "Western Electric 1" in table.rows[4][-1].text
