"""Retraining: the same steps on grown data, both models judged on rows neither has learnt from, and a decision with evidence."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sevenstep import Project
from sevenstep.data.dataset import Dataset
from sevenstep.engine.store import Store
from sevenstep.errors import InputError
from sevenstep.live.collected import collected
from sevenstep.live.grown import grown
from sevenstep.live.ledger.decisions import broken_at, read_decisions
from sevenstep.live.ledger.tables import predictions
from sevenstep.live.observing import observe, observed
from sevenstep.live.operation import Operation
from sevenstep.live.pointers import pointed, promote
from sevenstep.live.refreshing import refresh
from sevenstep.live.releases import champion, releases
from sevenstep.live.retraining import Retrained, prune, retrain
from sevenstep.live.scoring import live_scores
from small_projects import BOOSTING, Row, project, rows, sevenstep, table

JUNE = datetime(2024, 6, 1, tzinfo=UTC)
KNOWN, MORE = 120, 30
EVERY = rows(days=KNOWN + MORE)
DAYS = sorted({row["day"] for row in EVERY})


def until(day: int) -> list[Row]:
    """The rows as they stood after so many days, a week of them open."""
    shown = [row for row in EVERY if row["day"] in DAYS[: day + 7]]
    return [row if row["day"] in DAYS[:day] else row | {"visitors": "", "sales": ""} for row in shown]


def since(factor: float, last: int = MORE) -> list[Row]:
    """What was sold in the days after, times a factor, and the open days that follow."""
    told = [row for row in EVERY if row["day"] in DAYS[KNOWN : KNOWN + last + 7]]
    return [row | ({"sales": row["sales"] * factor} if row["sales"] != "" else {}) for row in told]


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = project(tmp_path_factory.mktemp("sold") / "small", table(until(KNOWN)), design=BOOSTING)
    Project(folder).run(report=False)
    return folder


def opened(folder: Path, *overrides: str) -> Operation:
    found = Project(folder, overrides=overrides)
    return Operation.of(found.spec, found.store, lambda: found.task)


@pytest.fixture
def live(sold: Path, tmp_path: Path) -> Iterator[Operation]:
    operation = opened(Path(shutil.copytree(sold, tmp_path / "small")))
    yield operation
    operation.ledger.close()


def kinds(operation: Operation) -> list[str]:
    with operation.ledger.reading() as connection:
        assert broken_at(connection) is None
        return [one.kind for one in read_decisions(connection)]


def standing(found: Retrained, name: str) -> Any:
    return next(one for one in found.verdict.boards["sales"]["standings"] if one["candidate"] == name)


# What is learnt from ----------------------------------------------------------------------------------------------------------


def test_the_challenger_learns_from_all_but_the_newest_week(live: Operation) -> None:
    observe(live, since(1.0), "till", JUNE)
    with live.ledger.reading() as connection:
        data = grown(live, connection, JUNE)
    cut = date.fromisoformat(DAYS[KNOWN + MORE - 8])
    table_ = pl.read_parquet(data.spec.base / data.spec.data.tables()["source"].path[0])  # type: ignore[index]
    told = table_.filter(pl.col("sales").is_not_null())
    assert (told["day"].min(), told["day"].max()) == (date(2024, 1, 1), cut)
    assert table_.filter(pl.col("day") > cut)["visitors"].null_count() == len(table_.filter(pl.col("day") > cut))
    assert table_.select("shop", "day").is_unique().all()
    assert set(data.held["day"].to_list()) == {cut + timedelta(day) for day in range(1, 8)}
    assert data.held["sales"].null_count() == 0


def test_a_correction_takes_the_place_of_what_the_source_said(live: Operation) -> None:
    observe(live, since(1.0), "till", JUNE)
    observe(live, [{"shop": "b", "day": DAYS[5], "sales": 999.0}], "audit", JUNE)
    with live.ledger.reading() as connection:
        data = grown(live, connection, JUNE)
    table_ = pl.read_parquet(data.spec.base / data.spec.data.tables()["source"].path[0])  # type: ignore[index]
    row = table_.row(by_predicate=(pl.col("shop") == "b") & (pl.col("day") == date.fromisoformat(DAYS[5])), named=True)
    given = next(one for one in EVERY if one["shop"] == "b" and one["day"] == DAYS[5])
    assert row == {**given, "day": date.fromisoformat(DAYS[5]), "sales": 999.0}


def test_without_new_truth_there_is_nothing_to_retrain_on(live: Operation) -> None:
    observe(live, [{"shop": "b", "day": DAYS[5], "sales": 999.0}], "audit", JUNE)
    with pytest.raises(InputError, match="RETRAIN-NOTHING-NEW"):
        retrain(live, JUNE)
    assert [release.number for release in releases(live.store)] == [1]


HOURLY = """spec: 1
name: hours
task: forecast
data:
  sources:
    sales: {path: sales.csv}
    stores: {path: stores.csv, on: [shop]}
    weather: {path: weather.csv, on: {date: day}}
  time: {date: date, hour: hour}
  series: [shop]
target: sales
forecast: {horizon: 24}
kpis: [{id: accuracy, metric: wape, goal: "<= 0.25"}]
"""


def hours(first: int, last: int, open_: int) -> list[Row]:
    """Hourly sales of two shops, times in two columns; the last ``open_`` hours wait."""
    start = datetime(2024, 1, 1)
    moments = [start + timedelta(hours=hour) for hour in range(first, last)]
    waits = start + timedelta(hours=last - open_)
    return [{"shop": shop, "date": f"{moment:%d.%m.%Y}", "hour": moment.hour,
             "sales": 50 + moment.hour + moment.day % 3 if moment < waits else ""}
            for shop in "ab" for moment in moments]  # fmt: skip


def test_composed_times_and_joined_sources_come_back_and_are_learnt_from(tmp_path: Path) -> None:
    folder = project(tmp_path / "hours", table(hours(0, 264, 24)), HOURLY, "design: {candidates: [naive], folds: 2}\n")
    (folder / "stores.csv").write_text("shop,size\na,10\nb,20\n", encoding="utf-8")
    days = [{"day": date(2024, 1, 1) + timedelta(day), "rain": day % 5} for day in range(30)]
    (folder / "weather.csv").write_text(table(days), encoding="utf-8")
    Project(folder).run(report=False)
    live = opened(folder)
    given = [*hours(240, 408, 24), {"shop": "a", "date": "17.01.2024", "hour": 99, "sales": 1}]
    assert observe(live, given, "till", JUNE).aside["reason"].to_list() == ["its date and hour make no time"]
    with live.ledger.reading() as connection:
        found = observed(live, connection)
        data = grown(live, connection, JUNE)
    assert found.row(0, named=True) == {
        "shop": "a", "date": date(2024, 1, 11), "hour": 0, "sales": 52.0, "time": datetime(2024, 1, 11), "size": 10, "rain": 0,
    }  # fmt: skip
    main = pl.read_parquet(data.spec.base / data.spec.data.tables()["sales"].path[0])  # type: ignore[index]
    assert len(main) == 2 * 408
    assert main.drop("sales").null_count().row(0) == (0, 0, 0)
    assert data.held["time"].min() == datetime(2024, 1, 14)
    assert main["sales"].null_count() == 2 * 24 + len(data.held)
    live.ledger.close()


# The decision -----------------------------------------------------------------------------------------------------------------


def test_a_challenger_that_is_better_beyond_noise_serves_with_its_evidence(live: Operation) -> None:
    observe(live, since(1.4), "till", JUNE)
    found = retrain(live, JUNE)
    assert (found.outcome, found.challenger, found.champion, found.rows) == ("promoted", 2, 2, 21)
    assert champion(live.store).verified().number == 2
    assert kinds(live) == ["release", "retrain", "promote"]
    with live.ledger.reading() as connection:
        evidence = read_decisions(connection)[-1].evidence
    assert evidence["boards"]["sales"]["standings"][0]["against_best"] is None
    assert (evidence["release"], evidence["before"], evidence["held_rows"]) == (2, 1, 21)
    assert standing(found, "challenger")["estimate"]["value"] < 0.1 < standing(found, "champion")["estimate"]["value"]


def test_the_figures_are_those_of_both_models_on_the_held_rows(live: Operation) -> None:
    observe(live, since(1.4), "till", JUNE)
    with live.ledger.reading() as connection:
        data = grown(live, connection, JUNE)
    old = live.task.load_model(champion(live.store).model_folder)
    found = retrain(live, JUNE)
    new = live.task.load_model(champion(live.store).model_folder)
    for name, made in (("champion", old.refresh(data.known).outlook()), ("challenger", new.outlook())):
        both = made.join(data.held.select("shop", "day", truth="sales"), on=["shop", "day"])
        wape = np.abs(both["truth"] - both["prediction"]).sum() / both["truth"].sum()
        assert len(both) == 21
        assert standing(found, name)["estimate"]["value"] == pytest.approx(wape)


def test_what_cannot_be_told_apart_leaves_the_champion(live: Operation) -> None:
    observe(live, since(1.0), "till", JUNE)
    found = retrain(live, JUNE)
    assert (found.outcome, found.challenger, found.champion) == ("kept", 2, 1)
    assert champion(live.store).number == 1
    with live.ledger.reading() as connection:
        assert pointed(connection, "challenger") is None


def test_the_same_retraining_twice_decides_once(live: Operation) -> None:
    observe(live, since(1.0), "till", JUNE)
    first, again = retrain(live, JUNE), retrain(live, JUNE)
    assert (first.challenger, again.challenger) == (2, 2)
    assert kinds(live) == ["release", "retrain"]


def test_where_the_owner_approves_a_better_challenger_waits(live: Operation) -> None:
    operation = opened(live.spec.base, "operate.retrain.approve=owner")
    observe(operation, since(1.4), "till", JUNE)
    found = retrain(operation, JUNE)
    assert (found.outcome, found.champion) == ("proposed", 1)
    with operation.ledger.reading() as connection:
        assert pointed(connection, "challenger") == 2
    promote(operation, 2, "owner", JUNE)
    assert champion(operation.store).number == 2
    operation.ledger.close()


def test_a_challenger_is_made_with_the_flags_of_the_champion(live: Operation) -> None:
    with pytest.raises(InputError, match="was made with no --set"):
        retrain(live, JUNE, overrides=("seed=3",))


def test_the_given_data_stay_as_they_are_and_a_run_of_them_finds_all_in_the_store(live: Operation) -> None:
    observe(live, since(1.4), "till", JUNE)
    contract = (live.store / "contract.yaml").read_bytes()
    retrain(live, JUNE)
    assert (live.store / "contract.yaml").read_bytes() == contract
    run = Project(live.spec.base).run(report=False)
    assert all(step.cached for step in run.steps)
    assert (run.release, run.champion) == (1, 2)


def test_releases_that_nobody_can_go_back_to_are_removed(live: Operation) -> None:
    operation = opened(live.spec.base, "operate.retrain.keep=1")
    first = releases(operation.store)[0]
    for number in (2, 3, 4, 5):
        copy = Path(shutil.copytree(first.folder, first.folder.with_name(f"{number:04d}")))
        (copy / "manifest.json").write_text(json.dumps({**first.manifest, "number": number}), encoding="utf-8")
    promote(operation, 2, "owner", JUNE)
    promote(operation, 3, "owner", JUNE)
    assert prune(operation) == [1, 2, 4]
    assert [one.number for one in releases(operation.store)] == [3, 5]
    operation.ledger.close()


def test_the_commands_observe_and_retrain_say_what_became_of_it(live: Operation, tmp_path: Path) -> None:
    file, folder = tmp_path / "june.csv", live.spec.base
    file.write_text(table([*since(1.4), {**since(1.4)[0], "sales": "lots"}]), encoding="utf-8")
    told = sevenstep("observe", folder, "--input", file)
    assert told.out.splitlines()[0] == "112 rows: 111 new, 0 corrections, 0 unchanged, 1 set aside"
    assert "set aside: row 112, the value of 'sales' cannot be read as number" in told.out
    assert json.loads(sevenstep("observe", folder, "--input", file, "--json").out)["repeated"]
    told = sevenstep("retrain", folder, "--quiet")
    assert told.out.splitlines()[-1] == "release 2 serves"
    assert "the challenger is better by" in told.out


# Live scores ------------------------------------------------------------------------------------------------------------------


def test_every_version_is_scored_by_lead_when_its_truth_arrives(live: Operation) -> None:
    made = {}
    for day in range(KNOWN, KNOWN + 15, 5):
        now = datetime.fromisoformat(DAYS[day]).replace(tzinfo=UTC)
        observe(live, until(day), "till", now)
        version, _ = refresh(live, now)
        made[version.number] = pl.read_parquet(live.store / version.file)
    observe(live, until(KNOWN + MORE), "till", JUNE)
    first, last = date.fromisoformat(DAYS[KNOWN + 2]), date.fromisoformat(DAYS[KNOWN + 11])
    with live.ledger.reading() as connection:
        scores = live_scores(live, connection, first, last, JUNE)
        assert live_scores(live, connection, date(2030, 1, 1), date(2030, 1, 2), JUNE) is None
    assert scores is not None
    truth = pl.DataFrame([{"shop": row["shop"], "day": date.fromisoformat(row["day"]), "truth": row["sales"]} for row in EVERY
                          if row["sales"] != ""])  # fmt: skip
    expected = [
        (number, row["lead"], row["prediction"], row["truth"])
        for number, frame in made.items()
        for row in frame.join(truth, on=["shop", "day"]).filter(pl.col("day").is_between(first, last)).to_dicts()
    ]
    assert sorted(scores.frame.select("fold", "lead", "prediction", "truth").rows()) == sorted(expected)
    assert {1, 7} <= set(scores.frame["lead"].to_list())


def labelled(parts: int, chance: random.Random) -> list[Row]:
    made = [{"length": round(chance.uniform(1, 9), 2)} for _ in range(parts)]
    return [row | {"weight": round(3 * row["length"] + chance.gauss(0, 0.3), 3)} for row in made]


TABULAR = """spec: 1
name: parts
task: regression
data: {source: sales.csv}
target: weight
kpis: [{id: accuracy, metric: mae, goal: "<= 9"}]
"""


def served(operation: Operation, parts: Sequence[Row]) -> None:
    model = operation.task.load_model(champion(operation.store).model_folder)
    with operation.ledger.writing() as connection:
        for number, part in enumerate(parts):
            inputs = {"length": part["length"]}
            said = model.predict(pl.DataFrame([inputs])).row(0, named=True)
            details = {name: value for name, value in said.items() if name not in (*inputs, "prediction")}
            row = {"request": f"{number:032x}", "row": 0, "release": 1, "made": JUNE, "key": "", "time": "", "target": "weight"}
            row |= {"prediction": json.dumps(said["prediction"]), "details": json.dumps(details), "inputs": json.dumps(inputs)}
            connection.execute(predictions.insert().values(**row))


def test_a_table_is_scored_and_retrained_on_the_labels_of_what_was_served(tmp_path: Path) -> None:
    chance = random.Random(4)
    folder = project(tmp_path / "parts", table(labelled(80, chance)), TABULAR, "design: {folds: 2, candidates: [linear]}\n")
    Project(folder).run(report=False)
    live = opened(folder)
    parts = [row | {"weight": 5 * row["length"] + chance.gauss(0, 0.3)} for row in labelled(90, chance)]
    served(live, parts)
    labels = [{"prediction_id": f"{number:032x}-0", "weight": part["weight"]} for number, part in enumerate(parts)]
    observe(live, labels[:60], "scale", JUNE)
    observe(live, labels[60:], "scale", JUNE + timedelta(days=30))
    with live.ledger.reading() as connection:
        scores = live_scores(live, connection, JUNE, JUNE, JUNE + timedelta(days=60))
    assert scores is not None
    assert sorted(scores.frame["truth"].to_list()) == pytest.approx(sorted(part["weight"] for part in parts))
    found = retrain(live, JUNE + timedelta(days=31))
    assert (found.outcome, found.rows) == ("promoted", 30)
    data = Dataset.load(collected(live.store).artifact.folder("dataset"))
    assert len(data.items) == 80 + 60
    assert Store(live.store).verify() == []
    live.ledger.close()


@pytest.mark.slow
def test_nothing_is_lost_doubled_or_torn_by_ten_kills() -> None:
    script = Path(__file__).parent.parent / "bench" / "kill_live.py"
    ended = subprocess.run([sys.executable, str(script), "--times", "10"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
