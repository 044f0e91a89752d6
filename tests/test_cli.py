"""What each command prints, how it ends, and what it leaves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from sevenstep.cli.main import COMMANDS
from sevenstep.engine.journal import journal_paths, read_journal
from small_projects import BOOSTING, SPEC, Told, project, rows, sevenstep, table

STEPS = ("define", "collect", "prepare", "design", "train", "tune", "operate")
BOUNDS = ("lower_95", "lower_80", "prediction", "upper_80", "upper_95")


@pytest.fixture(autouse=True, scope="module")
def one_core() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVENSTEP_CORES", "1")
        yield


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Told]:
    """A project that was run once, with what the run printed."""
    folder = project(tmp_path_factory.mktemp("cli") / "small", design=BOOSTING)
    return folder, sevenstep("run", folder, "--quiet")


@pytest.fixture(scope="module")
def ran(first: tuple[Path, Told]) -> Path:
    return first[0]


@pytest.fixture
def copy(ran: Path, tmp_path: Path) -> Path:
    """The same project with its store, to be changed."""
    return Path(shutil.copytree(ran, tmp_path / "small"))


def cached(told: Told) -> dict[str, bool]:
    """Which steps of ``run --json`` came from the store."""
    return {step["name"]: step["cached"] for step in json.loads(told.out)["steps"]}


# Help -------------------------------------------------------------------------------------------------------------------------


def test_the_help_lists_every_command_with_what_it_does() -> None:
    told = sevenstep("--help")
    assert told.code == 0
    assert all(f"  {name} " in told.out for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_speaks_json(command: str) -> None:
    told = sevenstep(command, "--help")
    assert told.code == 0
    assert told.out.startswith(f"Usage: sevenstep {command} ")
    within = told.out.partition("Commands:")[2].splitlines()
    names = [line.split()[0] for line in within if line.startswith("  ") and not line.startswith("   ")]
    assert all("--json" in sevenstep(command, *name, "--help").out for name in ([[name] for name in names] or [[]]))


def test_the_version_is_that_of_the_package() -> None:
    assert sevenstep("--version").out == "sevenstep, version 0.1.0\n"


# Run --------------------------------------------------------------------------------------------------------------------------


def test_a_run_prints_one_line_for_each_of_seven_steps_then_what_to_do_next(first: tuple[Path, Told]) -> None:
    folder, told = first
    lines = told.out.splitlines()
    assert told.code == 0
    assert [line.split()[0] for line in lines[:7]] == list("1234567")
    assert all(step in line for step, line in zip(STEPS, lines[:7], strict=True))
    assert "accuracy wape" in lines[0]
    assert "381 rows, 3 series" in lines[1]
    assert "sevenstep predict" in lines[7]
    assert lines[8:] == [f"report: {folder / '.sevenstep' / 'report.html'}"]


def test_a_second_run_takes_everything_from_the_store_and_says_the_same(first: tuple[Path, Told]) -> None:
    folder, told = first
    again = sevenstep("run", folder, "--json")
    assert cached(again) == dict.fromkeys(STEPS, True)
    headlines = [step["headline"] for step in json.loads(again.out)["steps"]]
    assert all(headline in line for headline, line in zip(headlines, told.out.splitlines()[:7], strict=True))


def test_a_spec_is_named_by_its_file_or_its_folder_or_is_the_one_here(ran: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ran)
    hashes = {
        json.loads(sevenstep("run", *words, "--json").out)["report_hash"]
        for words in ((ran,), (ran / "sevenstep.yaml",), (".",), ())
    }
    assert len(hashes) == 1


def test_the_store_lies_where_it_is_wanted(tmp_path: Path) -> None:
    folder = project(tmp_path / "small")
    assert sevenstep("run", folder, "--until", "collect", "--quiet", "--store", tmp_path / "results").code == 0
    assert (tmp_path / "results" / "contract.yaml").is_file()
    assert not (folder / ".sevenstep").exists()


def test_a_longer_horizon_runs_again_only_what_depends_on_it(copy: Path) -> None:
    again = cached(sevenstep("run", copy, "--until", "design", "--json", "--set", "forecast.horizon=14"))
    assert again == {"define": False, "collect": True, "prepare": True, "design": False}


def test_another_goal_fits_no_model_again(copy: Path) -> None:
    again = cached(sevenstep("run", copy, "--json", "--set", 'kpis=[{id: accuracy, metric: wape, goal: "<= 0.3"}]'))
    assert again["collect"]
    assert again["prepare"]
    assert not [event for event in newest_events(copy) if event["event"] == "job_ended"]


def test_a_run_stops_after_the_step_it_is_told(copy: Path) -> None:
    assert list(cached(sevenstep("run", copy, "--until", "prepare", "--json"))) == ["define", "collect", "prepare"]


def test_an_added_candidate_is_the_only_one_fitted(copy: Path) -> None:
    extra = "  extra: [{family: boosting, name: shallow, parameters: {rounds: 20, leaves: 7}}]\n"
    (copy / "sevenstep.yaml").write_text(SPEC + BOOSTING + extra, encoding="utf-8")
    assert sevenstep("run", copy, "--until", "train", "--quiet").code == 0
    fits = [event["job"] for event in newest_events(copy) if event["event"] == "job_ended"]
    assert len(fits) == 2
    assert all(fit.startswith("shallow of sales") for fit in fits)


def newest_events(folder: Path) -> list[dict[str, str]]:
    return read_journal(journal_paths(folder / ".sevenstep")[-1])


def test_a_missed_kpi_ends_with_code_1_and_says_which(copy: Path) -> None:
    flag = 'kpis=[{id: accuracy, metric: wape, goal: "<= 0.001"}]'
    told = sevenstep("run", copy, "--quiet", "--anyway", "--set", flag)
    assert told.code == 1
    assert "accuracy" in told.out
    assert "a KPI is missed" in told.out
    assert json.loads(sevenstep("run", copy, "--json", "--anyway", "--set", flag).out)["status"] == "missed"


def test_a_failure_of_ours_ends_with_code_3_and_no_other(monkeypatch: pytest.MonkeyPatch, ran: Path) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("wires\ncrossed")

    monkeypatch.setattr("sevenstep.project.run_then", broken)
    told = sevenstep("run", ran, "--quiet")
    assert told.code == 3
    assert told.err.splitlines()[-1].startswith("RuntimeError: wires crossed; this is a failure of sevenstep;")


# Show, plan, schema -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", STEPS)
def test_a_step_shows_its_chapter_as_text_and_as_json(step: str, ran: Path) -> None:
    told = sevenstep("show", ran, step)
    (chapter,) = json.loads(sevenstep("show", ran, step, "--json").out)
    assert told.code == 0
    assert chapter["step"] == step
    first_words = " ".join(chapter["answer"].split()[:4])
    assert first_words in " ".join(told.out.split())


def test_without_a_step_every_answer_is_shown(ran: Path) -> None:
    assert [chapter["step"] for chapter in json.loads(sevenstep("show", ran, "--json").out)] == list(STEPS)


def test_the_plan_tells_every_value_with_its_origin_and_every_candidate_with_its_cost(ran: Path) -> None:
    told = json.loads(sevenstep("plan", ran, "--json", "--set", "seed=0").out)
    values = {item["key"]: (item["value"], item["origin"]) for item in told["values"]}
    assert values["forecast.horizon"] == (7, "file")
    assert values["seed"] == (0, "flag")
    assert values["forecast.season"] == (7, "data")
    assert any(origin == "default" for _, origin in values.values())
    assert {candidate["family"] for candidate in told["plan"]["candidates"]} == {"naive", "boosting"}
    assert all(candidate["cost"] >= 0 for candidate in told["plan"]["candidates"])
    text = sevenstep("plan", ran).out
    assert "forecast.horizon" in text
    assert "boosting_log" in text
    told_values = dict(line.split(maxsplit=1) for line in text.splitlines() if "." in line.split(" ")[0])
    assert told_values["forecast.known_ahead"].startswith("promo, price ")
    assert told_values["data.timezone"].startswith("none ")
    assert "None" not in text
    assert "[" not in text.partition("candidates")[0]


def test_the_schema_accepts_the_spec_and_names_its_keys() -> None:
    told = json.loads(sevenstep("schema", "--json").out)
    assert told == json.loads(sevenstep("schema").out)
    assert {"task", "data", "kpis", "forecast"} <= set(told["properties"])


def test_init_lists_what_it_wrote(tmp_path: Path) -> None:
    told = json.loads(sevenstep("init", "retail", tmp_path / "orders", "--json").out)
    assert told["files"][0].endswith("sevenstep.yaml")
    assert all(Path(file).is_file() for file in told["files"])


# Predict and explain ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl", "xlsx"])
def test_predictions_are_written_with_keys_time_target_and_bounds(ending: str, ran: Path, tmp_path: Path) -> None:
    output = tmp_path / f"forecasts.{ending}"
    told = json.loads(sevenstep("predict", ran, "--output", output, "--json").out)
    read = {"csv": pl.read_csv, "parquet": pl.read_parquet, "jsonl": pl.read_ndjson, "xlsx": pl.read_excel}
    frame = read[ending](output)
    assert told == {"rows": 21, "output": str(output), "release": 1}
    assert frame.columns == ["shop", "day", "target", "prediction", "lower_80", "upper_80", "lower_95", "upper_95"]
    assert len(frame) == 21
    rising = [pl.col(low) <= pl.col(high) for low, high in pairwise(BOUNDS)]
    assert frame.select(pl.all_horizontal(rising).all()).item()
    assert [path.name for path in tmp_path.iterdir()] == [output.name]


def test_rows_of_a_file_are_predicted_as_the_same_rows_of_the_data(ran: Path, tmp_path: Path) -> None:
    asked = tmp_path / "asked.csv"
    asked.write_text(table([row for row in rows() if row["sales"] == ""]), encoding="utf-8")
    of_file = sevenstep("predict", ran, "--input", asked).out
    assert of_file == sevenstep("predict", ran).out
    assert len(of_file.splitlines()) == 22


def test_another_plan_gives_another_prediction(ran: Path, tmp_path: Path) -> None:
    predicted = {}
    for promo in (0, 1):
        asked = tmp_path / f"promo-{promo}.csv"
        asked.write_text(table([row | {"promo": promo} for row in rows() if row["sales"] == ""]), encoding="utf-8")
        predicted[promo] = pl.DataFrame(json.loads(sevenstep("predict", ran, "--input", asked, "--json").out))["prediction"].sum()
    assert predicted[1] > 1.2 * predicted[0]


@pytest.mark.parametrize("day", ["2024/05/01", "20240501", "2024-05-01 00:00", "1 May 2024", " 2024-05-01T00:00:00 "])
def test_a_date_to_explain_is_read_in_any_usual_form(day: str, ran: Path) -> None:
    (told,) = json.loads(sevenstep("explain", ran, "--series", "shop=b", "--date", day, "--json").out)
    assert told["item"] == {"shop": "b", "day": "2024-05-01"}


def test_a_date_that_may_be_two_is_explained_with_a_word_of_how_it_was_read(ran: Path) -> None:
    told = sevenstep("explain", ran, "--series", "shop=b", "--date", "04/05/2024")
    assert told.out.startswith("sales, shop b, day 2024-05-04")
    assert told.err == "warning: day '04/05/2024': day/month and month/day both fit; read as day/month\n"


@pytest.mark.parametrize("day", ["2024-05-01", "2024-04-20"])
def test_the_parts_of_an_explanation_add_up_to_the_prediction(day: str, ran: Path) -> None:
    (told,) = json.loads(sevenstep("explain", ran, "--series", "shop=b", "--date", day, "--json").out)
    assert told["item"] == {"shop": "b", "day": day}
    assert told["start"] + sum(amount for _, _, amount in told["parts"]) == pytest.approx(told["prediction"], abs=1e-6)


def test_an_explanation_of_an_open_day_is_that_of_its_prediction(ran: Path) -> None:
    (told,) = json.loads(sevenstep("explain", ran, "--series", "shop=b", "--date", "2024-05-01", "--json").out)
    predicted = pl.DataFrame(json.loads(sevenstep("predict", ran, "--json").out))
    row = predicted.filter(pl.col("shop") == "b", pl.col("day") == "2024-05-01")
    assert told["prediction"] == pytest.approx(row["prediction"].item(), rel=1e-6)
