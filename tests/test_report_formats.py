"""Values print the same way everywhere: with the digits that mean something, lined up, and never as a false zero."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sevenstep.chapter import Format
from sevenstep.report.about import goal_bound
from sevenstep.report.formats import cells, format_interval, format_time, format_value, plain
from sevenstep.report.tiles import tile
from sevenstep.report.words import words_for

ENGLISH, KOREAN = words_for("en"), words_for("ko")


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (1_234_567, "integer", "1,234,567"),
        (0.0823, "percent", "8.2 %"),
        (0.00004, "percent", "0.004 %"),
        (0.0, "percent", "0.0 %"),
        (-0.043, "percent", "−4.3 %"),
        (12_345.678, "money", "12,346"),
        (1.4, "money", "1.40"),
        (0.84, "seconds", "0.84 s"),
        (125, "seconds", "2 min 05 s"),
        (3_599.7, "seconds", "1 h 00 min"),
        (0.0823, "number", "0.0823"),
        (12, "number", "12"),
        (1_234.5, "number", "1,234"),
        (None, "number", "–"),
        (math.nan, "money", "–"),
        ("missed", "state", "Missed"),
        ("2015-08-01T06:00:00", "time", "2015-08-01 06:00"),
        ([0.0823, 0.0791, 0.0856], "interval", "0.082 (0.079–0.086)"),
    ],
)
def test_a_value_prints_by_its_format(value: Any, kind: Format, text: str) -> None:
    assert format_value(value, kind, ENGLISH) == text


def test_states_and_spans_speak_the_language_of_the_report() -> None:
    assert format_value("missed", "state", KOREAN) == "미달"
    assert format_value(125, "seconds", KOREAN) == "2 분 05 초"


def test_an_interval_shows_as_many_digits_as_its_width_supports() -> None:
    assert format_interval(0.263, 0.256, 0.271) == "0.263 (0.256–0.271)"
    assert format_interval(1234.0, 1180.0, 1290.0) == "1,234 (1,180–1,290)"
    assert format_interval(-0.021, -0.05, 0.008) == "−0.021 (−0.050, 0.008)"
    assert format_interval(0.5) == "0.50"


def test_numbers_of_a_column_line_up_at_the_point() -> None:
    printed = [cell.text for cell in cells([0.5, 12.25, 3.0, None], "number", ENGLISH)]
    assert printed == ["0.50", "12.25", "3.00", "–"]


def test_a_small_number_in_a_column_of_large_ones_is_not_printed_as_zero() -> None:
    assert [cell.text for cell in cells([1200.5, 3400.25, 0.0031], "number", ENGLISH)] == ["1,200", "3,400", "0.0031"]


def test_cells_sort_by_value_and_not_by_text() -> None:
    printed = cells([[0.2, 0.1, 0.3], None], "interval", ENGLISH)
    assert (printed[0].sort, printed[0].detail, printed[1].kind) == ("0.2", "(0.10–0.30)", "number missing")


@pytest.mark.parametrize(
    ("given", "shown"),
    [("2015-07-31", "2015-07-31"), ("2015-07-31 00:00:00", "2015-07-31"), ("2015-07-31T13:05:00Z", "2015-07-31 13:05")],
)
def test_a_time_is_shown_without_what_says_nothing(given: str, shown: str) -> None:
    assert format_time(given) == shown


def test_control_characters_become_spaces() -> None:
    assert plain("a\x1b[31mb\nc\u2028d") == "a [31mb c d"


@pytest.mark.parametrize(
    ("text", "bound"),
    [("<= 0.085", ("<=", 0.085)), ("≥ 95 %", (">=", 0.95)), ("< 1,200", ("<", 1200.0)), ("as good as it gets", None)],
)
def test_a_goal_is_read_with_its_sign(text: str, bound: tuple[str, float] | None) -> None:
    assert goal_bound(text) == bound


def test_a_tile_places_value_interval_and_goal_on_one_scale() -> None:
    shown = tile(
        {"id": "accuracy", "goal": "<= 0.08", "value": 0.1, "low": 0.09, "high": 0.12, "state": "missed", "n": 40}, ENGLISH
    )
    assert (shown.value, shown.interval, shown.goal, shown.n) == ("0.10", "0.09–0.12", "goal ≤ 0.08", "n = 40")
    assert shown.scale is not None
    assert shown.scale.goal < shown.scale.low < shown.scale.value < shown.scale.high
    assert (shown.scale.good_from, shown.scale.good_to) == (0.0, shown.scale.goal)
    spread = (shown.scale.high - shown.scale.goal) / (0.12 - 0.08)
    assert (shown.scale.value - shown.scale.goal) / (0.1 - 0.08) == pytest.approx(spread, rel=0.01)


def test_a_kpi_without_a_value_is_not_measured_whatever_state_it_claims_not_to_have() -> None:
    shown = tile({"id": "crowd", "goal": ">= 0.9", "value": None, "state": ""}, ENGLISH)
    assert (shown.value, shown.state_word, shown.scale) == ("–", "Not measured", None)
