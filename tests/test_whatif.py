"""What-if: the changed forecast is that of rows with the other value, and what history cannot tell is warned of."""

from __future__ import annotations

import asyncio
import csv
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from served_projects import served, settings_of
from sevenstep import Project
from small_projects import BOOSTING, RULES_ONLY, SPEC, START, project, rows, sevenstep, table

DAYS = 120


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    quiet = [row | {"promo": 0} if row["shop"] == "c" else row for row in rows()]
    given = [row | {"twin": row["promo"], "odd": 5} for row in quiet]
    spec = SPEC.replace("known_ahead: [promo, price]", "known_ahead: [promo, price, twin, odd]")
    folder = project(tmp_path_factory.mktemp("whatif") / "p", table(given), spec, BOOSTING)
    told = sevenstep("run", folder, "--quiet")
    assert told.code in (0, 1), told.err
    return folder


def test_the_changed_forecast_is_that_of_rows_with_the_other_value(released: Path, tmp_path: Path) -> None:
    own = Project(released)
    found = own.whatif({"price": 1.5}, {"shop": "a"})
    asked = tmp_path / "rows.csv"
    plan = [row for row in csv.DictReader((released / "sales.csv").open()) if row["shop"] == "a" and row["sales"] == ""]
    with asked.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["shop", "day", "promo", "price", "twin", "odd"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows([row | {"price": 1.5} for row in plan])
    wanted = own.predict(asked)
    assert found.rows["prediction_changed"].to_list() == pytest.approx(wanted["prediction"].to_list())
    before = own.predict()
    unchanged = before.filter(before["shop"] == "a")["prediction"].to_list()
    assert found.rows["prediction"].to_list() == pytest.approx(unchanged)


def test_totals_are_sums_and_only_the_rows_meant_are_told(released: Path) -> None:
    first, last = START + timedelta(DAYS + 1), START + timedelta(DAYS + 3)
    found = Project(released).whatif({"price": 1.2}, {"shop": "b"}, str(first), str(last))
    assert found.rows["day"].to_list() == [first, first + timedelta(1), last]
    total = found.totals.row(0, named=True)
    assert total["rows"] == 3
    assert total["difference"] == pytest.approx(sum(found.rows["prediction_changed"]) - sum(found.rows["prediction"]))


def test_values_never_seen_or_never_with_a_series_and_inputs_that_move_together_are_warned_of(released: Path) -> None:
    own = Project(released)
    never = own.whatif({"promo": 7}).warnings
    assert any("was never 7" in text for text in never)
    with_c = own.whatif({"promo": 1}, {"shop": "c"}).warnings
    assert any("'promo' was never 1 where 'shop' is c" in text for text in with_c)
    tied = own.whatif({"promo": 1}, {"shop": "a"}).warnings
    assert any("'promo' always moved with" in text and "twin" in text for text in tied)
    free = own.whatif({"price": 1.5}, {"shop": "a"}).warnings
    assert not any("always moved" in text or "never" in text for text in free)


def test_an_input_that_no_part_of_the_model_reads_is_warned_of(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", design=RULES_ONLY)
    assert sevenstep("run", folder, "--quiet").code in (0, 1)
    found = Project(folder).whatif({"price": 1.1})
    assert any("no part of the model reads 'price'" in text for text in found.warnings)
    assert found.rows["difference"].abs().max() == 0


def test_the_command_tells_rows_totals_and_warnings(released: Path) -> None:
    told = sevenstep("whatif", released, "--set", "price=1.5", "--series", "shop=a", "--json")
    assert told.code == 0, told.err
    answer = json.loads(told.out)
    assert len(answer["rows"]) == 7 and answer["totals"][0]["rows"] == 7
    text = sevenstep("whatif", released, "--set", "promo=7")
    assert text.code == 0 and "warning: 'promo' was never 7" in text.err and "sales of 21 rows:" in text.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--set", "visitors=3"], "WHATIF-INPUT"),
        (["--set", "price"], "WHATIF-PAIR"),
        ([], "WHATIF-NOTHING"),
        (["--set", "price=1", "--series", "shop=zz"], "WHATIF-NO-ROWS"),
        (["--set", "price=1", "--series", "colour=red"], "WHATIF-SERIES"),
        (["--set", "price=1", "--from", "soon"], "WHATIF-TIME"),
    ],
)
def test_faults_are_told_in_one_sentence(released: Path, words: list[str], code: str) -> None:
    told = sevenstep("whatif", released, *words)
    assert told.code == 2 and f"[{code}]" in told.err


def asked(folder: Path, body: Any, **limits: Any) -> Any:
    """What a server of the project answers, with its status."""

    async def story() -> Any:
        async with served(settings_of(folder, **limits)) as (client, _):
            answer = await client.post("/v1/whatif", json=body)
            return answer.status_code, answer.json()

    return asyncio.run(story())


def test_the_server_answers_as_the_command_does(released: Path) -> None:
    first, last = START + timedelta(DAYS + 1), START + timedelta(DAYS + 3)
    status, told = asked(released, {"set": {"promo": 1}, "series": {"shop": "c"}, "from": str(first), "to": str(last)})
    own = Project(released).whatif({"promo": 1}, {"shop": "c"}, str(first), str(last))
    assert (status, told["release"]) == (200, 1)
    assert [row["day"] for row in told["rows"]] == [str(first), str(first + timedelta(1)), str(last)]
    assert [row["prediction_changed"] for row in told["rows"]] == pytest.approx(own.rows["prediction_changed"].to_list())
    assert told["totals"][0]["difference"] == pytest.approx(own.totals["difference"][0])
    assert told["warnings"] == list(own.warnings)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "BODY-SHAPE"),
        ({"set": {}}, "WHATIF-NOTHING"),
        ({"set": [1]}, "BODY-SHAPE"),
        ({"set": {"price": None}}, "BODY-SHAPE"),
        ({"set": {"price": 1}, "series": "a"}, "BODY-SHAPE"),
        ({"set": {"price": 1}, "from": [1]}, "BODY-SHAPE"),
        ({"set": {"price": "dear"}}, "PREDICT-TYPE"),
        ({"set": {"visitors": 3}}, "WHATIF-INPUT"),
        ({"set": {"price": 1}, "series": {"shop": "zz"}}, "WHATIF-NO-ROWS"),
        ({"set": {"price": 1}, "from": "soon"}, "WHATIF-TIME"),
        ({"set": {"price": 1}}, "WHATIF-MOST"),
    ],
)
def test_the_server_tells_what_is_wrong_with_a_question(released: Path, body: Any, code: str) -> None:
    status, told = asked(released, body, rows=20)
    assert (status, told["errors"][0]["code"]) == (422, code)
