"""Whatever a person gets wrong ends in one sentence that says what was given, the rule and the fix, or in a quarantine entry.

Every case goes through the command line, on a project of a few series and four months.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from small_projects import SPEC, START, Row, changed, project, rows, sevenstep, table

ROWS = rows()
FUTURE = [row for row in ROWS if row["sales"] == ""]


@pytest.fixture(autouse=True, scope="module")
def one_core() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVENSTEP_CORES", "1")
        yield


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a release to predict with."""
    folder = project(tmp_path_factory.mktemp("released") / "small")
    assert sevenstep("run", folder, "--quiet").code == 0
    return folder


def refused(*words: str | Path) -> str:
    """The one sentence a command ends with, checked for its shape; the exit code says that the input is at fault."""
    told = sevenstep(*words, "--json")
    assert told.code == 2, told
    assert "Traceback" not in told.err
    (error,) = json.loads(told.out)["errors"]
    assert error["code"].replace("-", "").isupper()
    for part in ("given", "rule", "fix"):
        assert error[part], f"no '{part}' in {error}"
        assert "\n" not in error[part]
    said = "; ".join((error["where"], error["given"], error["rule"], error["fix"]))
    text = sevenstep(*words)
    assert text.code == 2
    assert error["given"] in text.err
    assert error["code"] in text.err
    return said


def spec_with(old: str, new: str) -> str:
    assert old in SPEC
    return SPEC.replace(old, new)


def without_zone(row: Row, place: int) -> Row:
    return row | {"day": row["day"] + ("T00:00:00+09:00" if place % 2 else "T00:00:00")}


# The spec ---------------------------------------------------------------------------------------------------------------------

WRONG_SPECS = {
    "an unknown key": (SPEC + "horizont: 3\n", "sevenstep.yaml:9:1", "unknown key 'horizont'"),
    "an unknown key in a section": (spec_with("horizon: 7", "horizont: 7, horizon: 7"), "did you mean 'horizon'?", ""),
    "a goal in words": (spec_with("<= 0.25", "under 0.25"), "'under 0.25'", 'for example goal: "<= 0.12"'),
    "a goal in the wrong direction": (spec_with("<= 0.25", ">= 0.25"), "for wape lower is better", 'did you mean "<= 0.25"?'),
    "an unknown metric": (spec_with("wape", "wappe"), "unknown metric 'wappe'", "did you mean 'wape'?"),
    "an unknown baseline": (spec_with('25"', '25", baseline: yesterday'), "unknown baseline 'yesterday'", "seasonal_naive"),
    "an unknown task": (spec_with("task: forecast", "task: forcast"), "'forcast' is not built", "did you mean 'forecast'?"),
    "no target": (spec_with("target: sales\n", ""), "no 'target'", "for example target: sales"),
    "the target as the time": (spec_with("time: day", "time: sales"), "column 'sales' in 'time'", "it is the target"),
    "a key that stands twice": (SPEC + "name: again\n", "the key 'name' twice", "line 2"),
    "an open bracket": (spec_with("kpis: [", "kpis: [["), "sevenstep.yaml:8", "check the brackets"),
    "a frequency in words": (spec_with("1d", "daily"), "'daily'", "did you mean '1d'?"),
    "a country by its name": (spec_with("price]", "price], calendar: {country: Germany}"), "is 'Germany'", "ISO 3166"),
    "a budget without a unit": (spec_with("60s", "60"), "60", "for example 90s, 10min or 2h"),
    "code in a value": (spec_with("name: small", "name: !!python/name:os.system x"), "the tag", "no code"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_SPECS)
def test_a_wrong_spec_is_refused_at_its_place(case: str, tmp_path: Path) -> None:
    spec, *words = WRONG_SPECS[case]
    said = refused("run", project(tmp_path / "p", spec=spec))
    assert all(word in said for word in words), said


def test_all_faults_of_a_spec_are_told_at_once(tmp_path: Path) -> None:
    spec = spec_with("task: forecast", "task: forcast").replace("wape", "wappe").replace("60s", "60")
    told = sevenstep("run", project(tmp_path / "p", spec=spec), "--json")
    codes = [error["code"] for error in json.loads(told.out)["errors"]]
    assert (told.code, codes) == (2, ["SPEC-NO-TASK", "SPEC-KPI-METRIC", "SPEC-DURATION"])


def test_a_folder_without_a_spec_says_what_makes_one(tmp_path: Path) -> None:
    assert "make one with: sevenstep init" in refused("run", tmp_path)


def test_a_misspelt_spec_is_found_beside_it(tmp_path: Path) -> None:
    assert "did you mean" in refused("run", project(tmp_path / "p") / "sevenstp.yaml")


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("forecast.horizon", "a flag is key=value"),
        ("forecast.horizon=many", "it must be a whole number"),
        ("forecast.horizn=3", "did you mean 'horizon'?"),
    ],
)
def test_a_bad_flag_is_refused_like_the_key_it_sets(flag: str, said: str, tmp_path: Path) -> None:
    assert said in refused("run", project(tmp_path / "p"), "--set", flag)


# The data ---------------------------------------------------------------------------------------------------------------------

WRONG_DATA: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "another delimiter than said": (
        table(ROWS, ";"), spec_with("series: [shop]", "series: [shop], delimiter: '|'"), ("one column", "set delimiter: ';'")),
    "no such target": (table(ROWS), spec_with("target: sales", "target: sale"), ("'sale'", "did you mean 'sales'?")),
    "no such series column": (table(ROWS), spec_with("[shop]", "[shopp]"), ("'shopp'", "did you mean 'shop'?")),
    "no such time column": (table(ROWS), spec_with("time: day", "time: dai"), ("'dai'", "did you mean 'day'?")),
    "no such known-ahead column": (table(ROWS), spec_with("price]", "prize]"), ("'prize'", "did you mean 'price'?")),
    "the target known ahead": (table(ROWS), spec_with("price]", "sales]"), ("'sales'", "known_ahead", "target")),
    "an input without any value": (table([row | {"price": ""} for row in ROWS]), SPEC, ("'price'", "no value")),
    "an empty file": ("", SPEC, ("'sales.csv' is empty", "check how it was exported")),
    "a header without rows": (table(ROWS).splitlines()[0] + "\n", SPEC, ("a header and no rows",)),
    "a target without any value": (table([row | {"sales": ""} for row in ROWS]), SPEC, ("'sales' has no value in any row",)),
    "a time nobody can read": (table([row | {"day": "someday"} for row in ROWS]), SPEC, ("all 381 rows", "'day'")),
    "times with and without a zone": (
        table([without_zone(row, place) for place, row in enumerate(ROWS)]), SPEC, ("'day'", "set data.timezone")),
    "an unknown country": (table(ROWS), spec_with("price]", "price], calendar: {country: XX}"), ("'XX'", "ISO 3166")),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_DATA)
def test_data_that_do_not_fit_the_spec_are_refused(case: str, tmp_path: Path) -> None:
    data, spec, words = WRONG_DATA[case]
    said = refused("run", project(tmp_path / "p", data, spec))
    assert all(word in said for word in words), said


def test_a_missing_file_is_named_with_where_it_was_looked_for(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    (folder / "sales.csv").unlink()
    said = refused("run", folder)
    assert "there is no file 'sales.csv'" in said
    assert "relative to the spec" in said


def test_an_unknown_candidate_is_told_with_those_there_are(tmp_path: Path) -> None:
    said = refused("run", project(tmp_path / "p", design="design: {candidates: [seasonal_naiv]}\n"), "--quiet")
    assert "'seasonal_naiv' in design.candidates" in said
    assert "seasonal_naive" in said


def test_an_added_candidate_of_an_unknown_family_is_told_where_it_stands(tmp_path: Path) -> None:
    said = refused("run", project(tmp_path / "p", design="design: {extra: [{family: boosts, name: mine}]}\n"), "--quiet")
    assert "'boosts' in design.extra" in said


# Rows that are set aside or told of -------------------------------------------------------------------------------------------


def collected(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The quarantine, and the findings of the step that looks at the data."""
    assert sevenstep("run", folder, "--until", "collect", "--anyway", "--quiet").code in (0, 1)
    (chapter,) = json.loads(sevenstep("show", folder, "collect", "--json").out)
    notes = [item for block in chapter["blocks"] if block["block"] == "notes" for item in block["items"]]
    return pl.read_parquet(folder / ".sevenstep" / "quarantine.parquet").to_dicts(), notes


@pytest.mark.parametrize(
    ("data", "spec", "row", "reason"),
    [
        (changed(ROWS, 5, sales="many"), SPEC, 6, "the value of 'sales' cannot be read as number"),
        (changed(ROWS, 5, sales="inf"), SPEC, 6, "the value of 'sales' cannot be read as number"),
        (changed(ROWS, 5, day="someday"), SPEC, 6, "the value of 'day' cannot be read as date"),
        ([*ROWS, ROWS[3] | {"sales": 1}], SPEC, 382, "an earlier row has the same shop and day with other values"),
        (changed(ROWS, 5, sales=-3), spec_with("[shop]", "[shop], limits: {sales: {min: 0}}"), 6, "sales"),
    ],
    ids=["text among numbers", "an infinity", "an unreadable time", "a second row of a day", "a value below its limit"],
)
def test_a_bad_row_is_set_aside_with_its_reason(data: list[Row], spec: str, row: int | None, reason: str, tmp_path: Path) -> None:
    aside, notes = collected(project(tmp_path / "p", table(data), spec))
    assert [one["row"] for one in aside] == [row]
    assert reason in aside[0]["reason"]
    assert any("quarantine" in note["text"] or "set aside" in note["text"] for note in notes)


def test_the_quarantine_is_that_of_the_newest_run(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", table(changed(ROWS, 5, sales=-3)))
    limited = ("--set", "data.limits={sales: {min: 0}}")
    counts = []
    for flags in ((), limited, ()):
        assert sevenstep("run", folder, "--until", "collect", "--quiet", *flags).code == 0
        counts.append(len(pl.read_parquet(folder / ".sevenstep" / "quarantine.parquet")))
    assert counts == [0, 1, 0]


def irregular() -> list[Row]:
    """120 days of three years, other ones for each shop."""
    chance = random.Random(1)
    days = {shop: sorted(chance.sample(range(1000), 120)) for shop in "abc"}
    known = [row for row in ROWS if row["sales"] != ""]
    return [row | {"day": str(START + timedelta(days[row["shop"]].pop(0)))} for row in known]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (irregular(), "inside 3 of 3 series have no value"),
        (
            [row | {"day": f"{row['day']}T{place % 24:02}:00:00"} for place, row in enumerate(ROWS)],
            "times lie between two steps of 1d",
        ),
        (
            [row | {"day": f"{row['day']}T00:00:00+0{place % 2}:00"} for place, row in enumerate(ROWS)],
            "times lie between two steps",
        ),
        (changed(ROWS, 5, sales=-3), "1 of 360 values of 'sales' are negative"),
        ([row | {"promo": ""} if row["sales"] == "" else row for row in ROWS], "21 of 21 open rows have no value"),
        ([row if row["sales"] == "" else row | {"sales": 5} for row in ROWS], "3 series of sales never change"),
    ],
    ids=["irregular steps", "times off the grid", "mixed time zones", "negative sales", "no value ahead", "a constant target"],
)
def test_what_looks_wrong_is_told_with_its_figure(data: list[Row], said: str, tmp_path: Path) -> None:
    _, notes = collected(project(tmp_path / "p", table(data)))
    assert any(said in note["text"] for note in notes), [note["text"] for note in notes]


# What cannot be solved --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "flag", "remedy"),
    [
        (table(rows(days=12)), "seed=0", "history"),
        (table(ROWS), "forecast.horizon=400", "horizon"),
        (table([row if row["sales"] == "" else row | {"sales": 5} for row in ROWS]), "seed=0", "sales"),
    ],
    ids=["too short a history", "a horizon longer than the history", "a constant target"],
)
def test_what_cannot_be_solved_ends_with_code_1_and_the_remedy(data: str, flag: str, remedy: str, tmp_path: Path) -> None:
    told = sevenstep("run", project(tmp_path / "p", data), "--set", flag, "--quiet")
    assert told.code == 1
    assert "no_go" in told.out
    helps = [line for line in told.out.splitlines() if line.startswith("what would help: ")]
    assert any(remedy in line for line in helps), told.out


def test_a_single_series_is_enough(tmp_path: Path) -> None:
    told = sevenstep("run", project(tmp_path / "p", table(rows(("a",)))), "--quiet", "--json")
    assert json.loads(told.out)["status"] in ("done", "missed")


# The contract with later data -------------------------------------------------------------------------------------------------


def test_later_data_that_break_the_contract_are_refused(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    assert sevenstep("run", folder, "--until", "collect", "--quiet").code == 0
    kept = [name for name in ROWS[0] if name != "visitors"]
    (folder / "sales.csv").write_text(table(ROWS, columns=kept), encoding="utf-8")
    assert "contract.yaml: column 'visitors' is gone" in sevenstep("run", folder, "--quiet").err
    assert "column 'visitors' is gone" in refused("run", folder, "--quiet")


# Commands ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "--until", "prepair"), "'prepair'"),
        (("rum",), "did you mean 'run'?"),
        (("run", "--stor", "x"), "--stor"),
        (("show", "trian"), "'trian' is neither a step nor a spec"),
        (("init", "retial", "new"), "did you mean 'retail'?"),
        (("init", "retail"), "FOLDER"),
    ],
)
def test_a_misspelt_command_names_what_there_is(words: tuple[str, ...], said: str) -> None:
    assert said in refused(*words)


def test_a_template_is_not_written_over_files(released: Path) -> None:
    assert "holds files already" in refused("init", "retail", released)


@pytest.mark.parametrize("words", [("predict",), ("explain", "--series", "shop=a", "--date", "2024-01-09")])
def test_without_a_release_there_is_nothing_to_ask(words: tuple[str, ...], tmp_path: Path) -> None:
    said = refused(words[0], project(tmp_path / "p"), *words[1:])
    assert "run sevenstep run first" in said


WRONG_ROWS: dict[str, tuple[list[Row], tuple[str, ...], str]] = {
    "without an input that is known ahead": (FUTURE, ("shop", "day", "price"), "lack promo"),
    "without the series": (FUTURE, ("day", "promo", "price"), "'shop'"),
    "without the time": (FUTURE, ("shop", "promo", "price"), "'day'"),
    "with text for a number": ([row | {"price": "cheap"} for row in FUTURE], (), "'price'"),
    "with one text among the numbers": (changed(FUTURE, 2, price="cheap"), (), "1 could not be read, such as 'cheap'"),
    "with one time nobody can read": (changed(FUTURE, 2, day="someday"), (), "row 3 of 'asked.csv' cannot be used"),
    "whose inputs ahead are empty": ([row | {"promo": ""} for row in FUTURE], (), "lack promo"),
    "whose targets are known": (ROWS[:5], (), "every row given has its target already"),
}


@pytest.mark.parametrize("case", WRONG_ROWS)
def test_rows_that_cannot_be_predicted_are_refused(case: str, released: Path, tmp_path: Path) -> None:
    given, columns, said = WRONG_ROWS[case]
    asked = tmp_path / "asked.csv"
    asked.write_text(table(given, columns=columns), encoding="utf-8")
    assert said in refused("predict", released, "--input", asked)


@pytest.mark.parametrize(
    ("flag", "path", "said"),
    [
        ("--output", "forecasts.doc", "'.doc'"),
        ("--output", "forecasts", "predictions are written as .csv"),
        ("--output", "nowhere/forecasts.csv", "a folder that exists"),
        ("--input", "nowhere.csv", "check the path"),
    ],
)
def test_a_file_that_cannot_be_is_refused(flag: str, path: str, said: str, released: Path, tmp_path: Path) -> None:
    assert said in refused("predict", released, flag, tmp_path / path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--series", "shop=q", "--date", "2024-05-01"), "no such series"),
        (("--series", "shop=b", "--date", "2034-05-01"), "run from 2024-01-01 to 2024-05-06"),
        (("--series", "store=b", "--date", "2024-05-01"), "does not say shop"),
        (("--series", "b", "--date", "2024-05-01"), "KEY=VALUE"),
        (("--series", "shop=b"), "does not say day"),
        (
            ("--series", "shop=b", "--date", "tomorrow"),
            "day 'tomorrow' cannot be read as a time; a time is told as in the data; write for example 2024-05-06",
        ),
    ],
)
def test_an_item_nobody_knows_is_told_with_what_is_known(words: tuple[str, ...], said: str, released: Path) -> None:
    assert said in refused("explain", released, *words)
