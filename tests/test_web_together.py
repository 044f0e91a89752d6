"""Rows of several requests predicted at once: each gets what it would have got alone, to the last digit and warning."""

from __future__ import annotations

import asyncio
import statistics
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from sevenstep.errors import InputError, InputWarning
from sevenstep.tasks.tabular.calibrate import bounded
from sevenstep.tasks.tabular.model import TabularModel
from sevenstep.web import batching
from sevenstep.web.batching import Batcher
from sevenstep.web.readers import Readers, Row
from sevenstep.web.served import Made
from tabular_data import data_of, parts
from test_tabular_model import model_of


@cache
def model(classes: int) -> TabularModel:
    return model_of(data_of(parts(400, classes, waiting=5), classes), classes)


def odd_rows(classes: int) -> pl.DataFrame:
    """Rows as in training, with some that hold what was never there."""
    rows = parts(40, classes, seed=7).drop("y")
    number = pl.int_range(pl.len())
    size = pl.when(number % 7 == 0).then(pl.col("size") * 1000).when(number % 11 == 0).then(None).otherwise("size").alias("size")
    return rows.with_columns(size, pl.when(number % 5 == 0).then(pl.lit("Z")).otherwise("line").alias("line"))


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("counts", [[1] * 40, [40], [1, 7, 2, 30], [5] * 8])
def test_predicting_together_is_predicting_one_after_the_other(classes: int, counts: list[int]) -> None:
    rows = odd_rows(classes)
    made, doubts = model(classes).predict_together(rows, counts)
    start = 0
    for count, told in zip(counts, doubts, strict=True):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", InputWarning)
            alone = model(classes).predict(rows[start : start + count])
        part = made[start : start + count]
        for name, kind in part.schema.items():
            if kind == pl.Float64:
                np.testing.assert_allclose(part[name].to_numpy(), alone[name].to_numpy(), rtol=1e-12)
            else:
                assert part[name].equals(alone[name])
        assert list(told) == [str(warning.message) for warning in caught]
        start += count
    assert any(doubts)


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_what_is_served_is_what_the_score_table_of_the_same_predictions_says(classes: int) -> None:
    rows = odd_rows(classes)
    raw = model(classes).raw(rows)
    made = model(classes).predict_together(rows, [40])[0]
    table = model(classes).calibrated(raw).frame
    if classes == 0:
        assert made.equals(table.select(made.columns))
        assert set(made.columns) == set(bounded(raw[:, -1], model(0).calibration))
        return
    shown = made.select(pl.col("^probability_.*$")).to_numpy()
    expected = table["prediction"].to_numpy().reshape(40, -1)
    np.testing.assert_array_equal(shown[:, -1:] if classes == 2 else shown, expected)


class Slow:
    """What is served, counting how often it is asked; a row may be poisoned."""

    together: Any = True
    pace = 0.0

    def __init__(self) -> None:
        self.batches: list[int] = []

    def predict(self, requests: list[list[Row]]) -> list[Made]:
        self.batches.append(len(requests))
        if any(row.get("poison") for rows in requests for row in rows):
            raise ValueError("poisoned")
        return [Made([{"twice": 2 * row["x"]} for row in rows]) for rows in requests]


def test_one_bad_request_fails_alone_and_records_come_before_answers() -> None:
    async def story() -> tuple[list[Any], list[bytes], list[int]]:
        kept: list[bytes] = []
        with ThreadPoolExecutor(1) as thread:
            served: Any = Slow()
            batcher = Batcher(thread, kept.append, lambda size: None)
            bodies: list[list[Row]] = [[{"x": number, "poison": number == 3}] for number in range(8)]
            asked = (batcher.predict(served, rows, lambda made: repr(made.rows).encode()) for rows in bodies)
            answers = await asyncio.gather(*asked, return_exceptions=True)
        return list(answers), kept, served.batches

    answers, kept, batches = asyncio.run(story())
    assert isinstance(answers[3], ValueError)
    assert [answer.rows[0]["twice"] for place, answer in enumerate(answers) if place != 3] == [0, 2, 4, 8, 10, 12, 14]
    assert b"".join(kept) == b"".join(repr(answer.rows).encode() for place, answer in enumerate(answers) if place != 3)
    assert batches == [8] + [1] * 8


def test_callers_that_take_turns_in_groups_are_brought_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prediction takes 5 ms, a caller 2 ms to ask again: two groups would never meet, one waiting while the other is served."""
    monkeypatch.setattr(batching, "_PATIENCE", 0.05)
    monkeypatch.setattr(batching, "_SHORT", 0.0)  # in the thread, so that the others arrive meanwhile

    class Slower(Slow):
        def predict(self, requests: list[list[Row]]) -> list[Made]:
            time.sleep(0.005)
            return super().predict(requests)

    async def caller(batcher: Batcher, served: Any, late: float) -> None:
        await asyncio.sleep(late)
        for _ in range(60):
            await batcher.predict(served, [{"x": 1}], lambda made: b"")
            await asyncio.sleep(0.002)

    async def story() -> list[int]:
        served = Slower()
        with ThreadPoolExecutor(1) as thread:
            batcher = Batcher(thread, lambda records: None, lambda size: None)
            await asyncio.gather(*(caller(batcher, served, 0.003 * (number >= 4)) for number in range(8)))
        return served.batches

    batches = asyncio.run(story())
    assert max(batches[:8]) < 8  # they begin in groups
    assert statistics.median(batches[30:60]) == 8


@pytest.mark.parametrize(
    ("kind", "value", "held"),
    [
        ("Float64", 3, 3.0),
        ("Int64", 3.0, 3),
        ("String", "x", "x"),
        ("Boolean", True, True),
        ("Date", "2026-05-31", "2026-05-31"),
        ("Date", "2026-05-31T00:00:00", "2026-05-31"),
        ("Datetime(time_unit='us', time_zone=None)", "2026-05-31T14:00:00", "2026-05-31 14:00:00"),
        ("Datetime(time_unit='us', time_zone=None)", "2026-05-31T14:00:00Z", "2026-05-31 23:00:00"),
        ("Binary", "aGVsbG8=", b"hello"),
    ],
)
def test_values_are_read_as_their_column_holds_them(kind: str, value: Any, held: Any) -> None:
    readers = Readers({"field": kind}, "Asia/Seoul")
    made = readers.frame(readers.rows([{"field": value}, {"field": None, "other": [1]}]))["field"].to_list()
    assert (str(made[0]) if isinstance(held, str) else made[0]) == held
    assert made[1] is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("Float64", "3"), ("Float64", False), ("Int64", 3.5), ("Int64", 2**63), ("Int64", 1e300), ("String", 3), ("Boolean", 1),
        ("Date", "2026-05-31T01:00:00"), ("Date", "31.5.2026"), ("Date", 20260531), ("Datetime(us)", "soon"), ("Binary", "%"),
        ("Binary", 3), ("Float64", [1.0]), ("String", {}),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_an_error_with_its_place(kind: str, value: Any) -> None:
    with pytest.raises(InputError, match="row 2, field field") as error:
        Readers({"field": kind}).rows([{"field": None}, {"field": value}])
    assert error.value.code == "ROW-TYPE"
