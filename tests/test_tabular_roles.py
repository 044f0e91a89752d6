"""What each column of a table is for, told from the values."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from sevenstep.errors import InputError
from sevenstep.spec.brief import Brief, Seen
from sevenstep.spec.sources import Data
from sevenstep.tasks.tabular.encode.kinds import kind_of
from sevenstep.tasks.tabular.encode.reading import NumberForm, missing_codes, number_form
from sevenstep.tasks.tabular.problem import Problem
from sevenstep.tasks.tabular.roles import find_roles
from sevenstep.tasks.tabular.section import Classification, Regression

ROWS = 200


def table(**more: Any) -> pl.DataFrame:
    random = np.random.default_rng(0)
    columns: dict[str, Any] = {
        "weight": random.normal(10, 2, ROWS),
        "colour": random.choice(["red", "green", "blue"], ROWS),
        "result": np.where(np.arange(ROWS) % 4 == 0, "fail", "pass"),
    }
    return pl.DataFrame(columns | more)


def facts_of(items: pl.DataFrame, *, flags: tuple[str, ...] = (), data: Any = None, **section: Any) -> Any:
    written = Classification(**section)
    brief = Brief(
        {"data": Data(source="x.csv", **(data or {})), "targets": ("result",), "flags": flags},
        Seen(written, tuple(Classification.model_fields)),
    )
    return find_roles(items, brief, {}, classes=True)


def regression_facts(items: pl.DataFrame, target: str, **section: Any) -> Any:
    brief = Brief(
        {"data": Data(source="x.csv"), "targets": (target,), "flags": ()},
        Seen(Regression(**section), tuple(Regression.model_fields)),
    )
    return find_roles(items, brief, {}, classes=False)


def test_numbers_categories_times_and_text_are_told_apart() -> None:
    words = ["the left bearing ran hot again", "noise from the gear box at start", "no fault was found by the fitter"]
    items = table(
        made=[date(2024, 1, 1) + timedelta(days=day) for day in range(ROWS)],
        note=[f"{words[row % 3]} in shift {row}" for row in range(ROWS)],
        picture=[b"\x89PNG"] * ROWS,
        checked=[row % 2 == 0 for row in range(ROWS)],
    )
    roles, facts = facts_of(items)
    assert facts["kinds"]["value"] == {
        "weight": "number", "colour": "category", "made": "time", "note": "text", "picture": "picture", "checked": "category",
    }  # fmt: skip
    assert roles.targets == ("result",)
    assert roles.known_ahead == tuple(facts["kinds"]["value"])


def test_the_facts_make_a_problem_that_the_other_rooms_read() -> None:
    _, facts = facts_of(table(), costs={"false_alarm": 1, "miss": 20})
    values = {name: fact["value"] for name, fact in facts.items()}
    problem = Problem("result", tuple(values["classes"]), values["kinds"], values["split"], tuple(values["miss"]))
    assert problem.classes == ("pass", "fail")
    assert problem.miss == (1.0, 20.0)
    assert problem.codes(table()).tolist()[:5] == [1, 0, 0, 0, 1]


def test_columns_that_name_or_count_the_row_are_left_out_with_the_reason() -> None:
    items = table(serial=[f"SN-{row:05d}" for row in range(ROWS)], number=np.arange(ROWS) + 7, line=["A"] * ROWS)
    _, facts = facts_of(items)
    assert set(facts["left_out"]["value"]) == {"serial", "number", "line"}
    assert "names the row" in facts["left_out"]["value"]["serial"]
    assert "counts the rows" in facts["left_out"]["value"]["number"]
    assert "one value" in facts["left_out"]["value"]["line"]


def test_unique_measurements_are_no_counter() -> None:
    wide = np.random.default_rng(1).choice(10_000_000, ROWS, replace=False)
    assert kind_of(pl.Series(wide)).kind == "number"
    assert kind_of(pl.Series(np.random.default_rng(1).normal(size=ROWS))).kind == "number"


def test_lists_and_structures_are_left_out_with_a_note() -> None:
    items = table(boxes=[[1, 2]] * ROWS, size=[{"w": 1}] * ROWS)
    _, facts = facts_of(items)
    assert all("lists or structures" in facts["left_out"]["value"][name] for name in ("boxes", "size"))


def test_no_input_left_is_told_with_why() -> None:
    items = table(serial=[f"SN-{row:05d}" for row in range(ROWS)]).drop("weight", "colour")
    with pytest.raises(InputError, match="'serial' names the row") as told:
        facts_of(items)
    assert told.value.code == "TABULAR-NO-INPUT"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["12 kg", "3.5 kg", "7kg", "100 KG"], [12.0, 3.5, 7.0, 100.0]),
        (["1,5 mm", "2,25 mm", "10 mm"], [1.5, 2.25, 10.0]),
        (["1.234,5", "0,5", "2,25"], [1234.5, 0.5, 2.25]),
        (["1,234.5 EUR", "2,000.0 EUR", "5 EUR"], [1234.5, 2000.0, 5.0]),
        (["45 %", "n/a", "7 %"], [45.0, None, 7.0]),
    ],
)
def test_numbers_written_as_text_are_read(texts: list[str], expected: list[float | None]) -> None:
    form = number_form(pl.Series(texts))
    assert form is not None
    made = form.read(pl.Series(texts))
    np.testing.assert_array_equal(made, np.array(expected, np.float64))


def test_a_single_row_is_read_as_its_column_was() -> None:
    form = number_form(pl.Series(["1,5 mm", "2,25 mm"]))
    assert form is not None
    assert form.read(pl.Series(["1,234 mm"]))[0] == 1.234


def test_several_units_in_a_column_are_no_number() -> None:
    assert number_form(pl.Series(["5 kg", "300 g", "2 kg"])) is None


def test_codes_with_leading_zeros_are_no_number() -> None:
    assert number_form(pl.Series(["007", "012", "113"])) is None


def test_a_number_in_another_unit_than_learnt_is_missing_rather_than_wrong() -> None:
    assert np.isnan(NumberForm("kg").read(pl.Series(["300 g"]))[0])


def test_a_far_repeated_code_of_nines_means_missing() -> None:
    random = np.random.default_rng(0)
    days = np.concatenate([random.integers(0, 28, 300), np.full(700, 999)]).astype(float)
    celsius = np.concatenate([random.normal(20, 5, 980), np.full(20, -99.0)])
    counts = np.concatenate([random.integers(0, 200, 950), np.full(50, -1)]).astype(float)
    assert missing_codes(days) == (999.0,)
    assert missing_codes(celsius) == (-99.0,)
    assert missing_codes(counts) == (-1.0,)


def test_a_code_is_not_told_without_strong_evidence() -> None:
    random = np.random.default_rng(0)
    hours = np.minimum(random.integers(1, 130, 1000), 99).astype(float)
    rare = np.concatenate([random.integers(0, 28, 1000), [999.0]]).astype(float)
    scale = random.integers(-1, 2, 1000).astype(float)
    normal = random.normal(0, 1, 1000)
    for values in (hours, rare, scale, normal, np.array([]), np.array([np.nan])):
        assert missing_codes(values) == ()


def test_codes_and_units_are_recorded_as_facts() -> None:
    days = np.where(np.arange(ROWS) % 3 == 0, np.arange(ROWS) % 28, 999)
    _, facts = facts_of(table(days=days, force=[f"{row % 50} kN" for row in range(ROWS)]))
    assert facts["codes"]["value"] == {"days": [999.0]}
    assert facts["units"]["value"] == {"force": "kn"}


def test_the_rarer_of_two_classes_is_positive_and_stands_last() -> None:
    _, facts = facts_of(table())
    assert facts["classes"]["value"] == ["pass", "fail"]
    assert "rarer" in facts["classes"]["reason"]


@pytest.mark.parametrize(
    ("values", "positive", "classes"),
    [
        ([0, 1], 0, ["1", "0"]),
        ([-1, 1], "1", ["-1", "1"]),
        ([True, False], True, ["false", "true"]),
        (["yes", "no"], "yes", ["no", "yes"]),
    ],
)
def test_the_positive_class_of_the_spec_stands_last_however_it_is_written(values: Any, positive: Any, classes: list[str]) -> None:
    _, facts = facts_of(table(result=[values[row % 2] for row in range(ROWS)]), positive=positive)
    assert facts["classes"]["value"] == classes


def test_a_positive_class_no_row_has_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'fail'") as told:
        facts_of(table(), positive="fial")
    assert told.value.code == "TABULAR-NO-CLASS"


def test_a_positive_class_of_three_is_refused() -> None:
    with pytest.raises(InputError) as told:
        facts_of(table(result=[f"c{row % 3}" for row in range(ROWS)]), positive="c1")
    assert told.value.code == "TABULAR-POSITIVE"


def test_one_class_alone_is_told() -> None:
    with pytest.raises(InputError, match="'pass' in all 200 rows") as told:
        facts_of(table(result=["pass"] * ROWS))
    assert told.value.code == "TABULAR-ONE-CLASS"


def test_a_number_taken_for_a_class_points_to_regression() -> None:
    with pytest.raises(InputError, match="task: regression") as told:
        facts_of(table(result=np.arange(ROWS) * 1.5))
    assert told.value.code == "TABULAR-CLASSES"


def test_flag_classes_keep_their_order() -> None:
    items = table(result=[("scratch", "dent", "bump")[row % 3] for row in range(ROWS)])
    _, facts = facts_of(items, flags=("scratch", "dent", "stain", "bump"))
    assert facts["classes"]["value"] == ["scratch", "dent", "bump"]


def test_costs_of_many_classes_are_in_their_order_and_1_where_not_given() -> None:
    items = table(result=[f"c{row % 3}" for row in range(ROWS)])
    _, facts = facts_of(items, costs={"miss": {"c2": 5}})
    assert facts["miss"]["value"] == [1.0, 1.0, 5.0]
    assert facts["priced"]["value"] is True
    with pytest.raises(InputError, match="c9"):
        facts_of(items, costs={"miss": {"c9": 5}})
    with pytest.raises(InputError) as told:
        facts_of(items, costs={"false_alarm": 2, "miss": 5})
    assert told.value.code == "TABULAR-COSTS"


def test_without_costs_all_errors_cost_the_same() -> None:
    _, facts = facts_of(table())
    assert (facts["miss"]["value"], facts["priced"]["value"]) == ([1.0, 1.0], False)


def test_the_split_follows_groups_then_time_then_classes() -> None:
    times = [datetime(2024, 1, 1) + timedelta(hours=row) for row in range(ROWS)]
    items = table(lot=[f"L{row // 10}" for row in range(ROWS)], at=times)
    assert facts_of(items)[1]["split"]["value"] == "stratified"
    assert facts_of(items, data={"time": "at"})[1]["split"]["value"] == "time"
    roles, facts = facts_of(items, data={"time": "at", "groups": ["lot"]})
    assert facts["split"]["value"] == "groups"
    assert roles.keys == ("lot",)
    assert "lot" in facts["left_out"]["value"]
    assert facts_of(items, data={"time": "at"}, split="random")[1]["split"] == {"value": "random", "reason": "spec"}
    assert regression_facts(items, "weight")[1]["split"]["value"] == "random"


@pytest.mark.parametrize("split", ["groups", "time"])
def test_a_split_without_its_column_is_refused(split: str) -> None:
    with pytest.raises(InputError, match=f"classification.split is {split}") as told:
        facts_of(table(), split=split)
    assert told.value.code == "TABULAR-SPLIT"


def test_a_constant_number_is_told() -> None:
    with pytest.raises(InputError, match="is 5 in all 200 rows") as told:
        regression_facts(table(price=[5.0] * ROWS), "price")
    assert told.value.code == "TABULAR-CONSTANT"


def test_words_as_a_number_are_told() -> None:
    with pytest.raises(InputError, match="holds texts, such as") as told:
        regression_facts(table(), "colour")
    assert told.value.code == "TABULAR-NO-NUMBER"


def test_logarithms_are_learnt_where_values_spread_over_orders_of_magnitude() -> None:
    random = np.random.default_rng(0)
    wide, plain = np.exp(random.normal(5, 2, ROWS)), random.normal(50, 5, ROWS)
    assert regression_facts(table(y=wide), "y")[1]["log"]["value"] is True
    assert "skewness" in regression_facts(table(y=wide), "y")[1]["log"]["reason"]
    assert regression_facts(table(y=plain), "y")[1]["log"]["value"] is False
    assert regression_facts(table(y=wide), "y", log=False)[1]["log"] == {"value": False, "reason": "spec"}
    with pytest.raises(InputError, match="below 0 have no logarithm"):
        regression_facts(table(y=plain - 60), "y", log=True)


def test_rows_that_wait_for_a_prediction_say_nothing_about_the_problem() -> None:
    items = table()
    waiting = items.with_columns(pl.when(pl.arange(0, ROWS) % 4 == 0).then(None).otherwise(pl.col("result")).alias("result"))
    with pytest.raises(InputError, match="'pass' in all 150 rows"):
        facts_of(waiting)
