"""Observations: taken in effectively once, whatever the order, and read back as the champion's data set has them."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sevenstep import Project
from sevenstep.errors import InputError
from sevenstep.live.ledger.tables import arrivals, aside, item_key, observations, predictions
from sevenstep.live.observing import newest, observe, observed
from sevenstep.live.operation import Operation
from sevenstep.live.recording import Arrival
from small_projects import project, rows, table

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
TABULAR = """spec: 1
name: parts
task: regression
data: {source: sales.csv}
target: weight
kpis: [{id: accuracy, metric: mae, goal: "<= 9"}]
budget: {time: 20s}
"""


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a release."""
    folder = project(tmp_path_factory.mktemp("sold") / "small")
    Project(folder).run(report=False)
    return folder


@pytest.fixture
def live(sold: Path, tmp_path: Path) -> Iterator[Operation]:
    """The project in operation, with a ledger of its own."""
    folder = Path(shutil.copytree(sold, tmp_path / "small"))
    operation = opened(folder)
    yield operation
    operation.ledger.close()


def opened(folder: Path) -> Operation:
    found = Project(folder)
    return Operation.of(found.spec, found.store, lambda: found.task)


def sale(shop: str, day: str, sales: Any, **more: Any) -> dict[str, Any]:
    return {"shop": shop, "day": day, "sales": sales, **more}


def current(operation: Operation, after: int = 0) -> pl.DataFrame:
    with operation.ledger.reading() as connection:
        return observed(operation, connection, after)


def figures(arrival: Arrival) -> tuple[int, int, int, int, int]:
    return arrival.new, arrival.corrections, arrival.unchanged, arrival.late, arrival.set_aside


def counted(operation: Operation, table: sa.Table) -> int:
    with operation.ledger.reading() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)


# What comes in ----------------------------------------------------------------------------------------------------------------


def test_actuals_of_a_file_come_back_in_the_types_of_the_data_set(live: Operation, tmp_path: Path) -> None:
    file = tmp_path / "actuals.csv"
    file.write_text('day;shop;sales\n30.04.2024;b;"1.234,5"\n30.04.2024;a;77\n', encoding="utf-8")
    assert figures(observe(live, file, "till", NOON)) == (2, 0, 0, 0, 0)
    found = current(live)
    assert found.schema == pl.read_parquet_schema(next(live.store.glob("objects/*/*/*/items.parquet")))
    assert found.rows() == [
        ("a", date(2024, 4, 30), None, None, None, 77.0), ("b", date(2024, 4, 30), None, None, None, 1234.5),
    ]  # fmt: skip


def test_the_same_content_twice_is_told_and_changes_nothing(live: Operation, tmp_path: Path) -> None:
    for name in ("monday.csv", "again.csv"):
        (tmp_path / name).write_text(table([sale("a", "2024-04-30", 5)]), encoding="utf-8")
    first, again = (observe(live, tmp_path / name, "till", NOON) for name in ("monday.csv", "again.csv"))
    assert (first.repeated, again.repeated) == (False, True)
    assert again.number == first.number
    assert counted(live, observations) == counted(live, arrivals) == 1


def test_a_row_like_the_current_one_is_unchanged_and_another_corrects_it(live: Operation) -> None:
    observe(live, [sale("a", "2024-04-30", 5)], "till", NOON)
    assert figures(observe(live, [sale("a", "2024-04-30", 5.0), sale("b", "2024-04-30", 1)], "till", NOON)) == (1, 0, 1, 0, 0)
    assert figures(observe(live, [sale("a", "2024-04-30", 6)], "till", NOON)) == (0, 1, 0, 0, 0)
    with live.ledger.reading() as connection:
        kept = connection.execute(sa.select(observations).order_by(observations.c.id)).mappings().all()
    assert [(row["id"], row["corrects"], row["current"]) for row in kept] == [(1, None, False), (2, None, True), (3, 1, True)]
    assert kept[0]["key"] == item_key({"shop": "a"})
    assert kept[0]["time"] == "2024-04-30"
    assert current(live)["sales"].to_list() == [6.0, 1.0]


def test_the_newest_published_value_counts_in_whatever_order_it_comes(live: Operation) -> None:
    late = sale("a", "2024-04-30", 1, published="2024-05-01T08:00")
    newer = sale("a", "2024-04-30", 2, published="2024-05-02T08:00+02:00")
    assert figures(observe(live, [newer], "till", NOON)) == (1, 0, 0, 0, 0)
    assert figures(observe(live, [late], "till", NOON)) == (0, 0, 0, 1, 0)
    assert current(live)["sales"].to_list() == [2.0]
    with live.ledger.reading() as connection:
        published = connection.scalars(sa.select(observations.c.published).order_by(observations.c.id)).all()
        then = datetime(2024, 5, 1, 12, tzinfo=UTC)
        assert observed(live, connection, published_by=then)["sales"].to_list() == [1.0]
        assert (newest(connection), newest(connection, then)) == (2, 2)
    assert published == [datetime(2024, 5, 2, 6, tzinfo=UTC), datetime(2024, 5, 1, 8, tzinfo=UTC)]


def test_of_two_values_published_at_once_the_later_arrival_counts(live: Operation) -> None:
    for value in (1, 2):
        observe(live, [sale("a", "2024-04-30", value, published="2024-05-01")], "till", NOON)
    assert current(live)["sales"].to_list() == [2.0]


def test_a_cell_that_says_nothing_leaves_what_was_known(live: Operation) -> None:
    observe(live, [sale("a", "2024-04-30", 5, visitors=30)], "till", NOON)
    assert figures(observe(live, [sale("a", "2024-04-30", 6)], "till", NOON + timedelta(hours=1))) == (0, 1, 0, 0, 0)
    assert figures(observe(live, [sale("a", "2024-04-30", 6, visitors=None)], "door", NOON)) == (0, 0, 1, 0, 0)
    assert current(live).select("sales", "visitors").rows() == [(6.0, 30)]


def test_only_what_came_after_a_number_is_asked_for(live: Operation) -> None:
    observe(live, [sale("a", "2024-04-30", 5, visitors=9), sale("b", "2024-04-30", 5)], "till", NOON)
    with live.ledger.reading() as connection:
        number = newest(connection)
    observe(live, [sale("a", "2024-04-30", 7)], "till", NOON)
    assert current(live, number).select("shop", "sales", "visitors").rows() == [("a", 7.0, 9)]
    assert current(live, number + 1).is_empty()


def test_a_time_of_publication_after_the_arrival_is_told(live: Operation) -> None:
    told = observe(live, [sale("a", "2024-04-30", 5, published="2024-06-09")], "till", NOON)
    assert [finding.code for finding in told.findings if finding.part == "timely"] == ["OBSERVE-AHEAD"]
    with live.ledger.reading() as connection:
        assert connection.scalar(sa.select(observations.c.published)) == NOON


# What cannot be used ----------------------------------------------------------------------------------------------------------


def test_rows_that_cannot_be_used_are_returned_and_kept_with_the_reason(live: Operation) -> None:
    given = [sale("a", "2024-04-30", "many"), sale("a", "soon", 1), sale("", "2024-04-30", 1), sale("b", "2024-04-30", 1)]
    told = observe(live, given, "till", NOON)
    assert figures(told) == (1, 0, 0, 0, 3)
    assert told.rows == 4
    assert told.aside.select("row", "column").rows() == [(1, "sales"), (2, "day"), (3, "shop")]
    with live.ledger.reading() as connection:
        kept = connection.execute(sa.select(aside.c.row, aside.c.reason, aside.c["values"]).order_by(aside.c.row)).all()
    assert [(row, reason) for row, reason, _ in kept] == told.aside.select("row", "reason").rows()
    assert json.loads(kept[0][2])["sales"] == "many"


def test_the_contract_is_held_against_every_arrival_and_a_mended_one_lets_rows_in(live: Operation) -> None:
    contract = live.store / "contract.yaml"
    strict = contract.read_text(encoding="utf-8").replace("sales: {type: number,", "sales: {type: number, limits: [0, 100],")
    contract.write_text(strict, encoding="utf-8")
    given = [sale("a", "2024-04-30", 700, promo=9), sale("b", "2024-04-30", 50, promo=1)]
    told = observe(live, given, "till", NOON)
    assert figures(told) == (1, 0, 0, 0, 1)
    assert {"CONTRACT-LIMITS", "CONTRACT-VALUES"} <= {finding.code for finding in told.findings}
    assert told.aside["code"].to_list() == ["CONTRACT-LIMITS"]
    assert observe(live, given, "till", NOON + timedelta(days=1)).repeated
    contract.write_text(strict.replace("[0, 100]", "[0, 1000]"), encoding="utf-8")
    mended = observe(live, given, "till", NOON + timedelta(days=2))
    assert (mended.number, figures(mended)) == (told.number, (2, 0, 0, 0, 0))
    assert current(live)["sales"].to_list() == [700.0, 50.0]
    assert counted(live, aside) == 0


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ([{"shop": "a", "days": "2024-04-30", "sales": 1}], "OBSERVE-NO-COLUMN", "did you mean 'days'?"),
        ([], "OBSERVE-NO-ROWS", "nothing arrived"),
        (Path("nowhere.csv"), "OBSERVE-NO-FILE", "nowhere.csv is not there"),
    ],
)
def test_what_is_no_observation_is_one_sentence(live: Operation, given: Any, code: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        observe(live, given, "till", NOON)
    assert error.value.code == code
    assert said in error.value.sentence()
    assert counted(live, arrivals) == 0


# Any order --------------------------------------------------------------------------------------------------------------------

CELL = st.one_of(st.none(), st.integers(0, 3))


@st.composite
def published_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows of a few items, no two of one item published at the same time."""
    made = []
    for item in range(draw(st.integers(1, 3))):
        hours = draw(st.lists(st.integers(0, 40), min_size=1, max_size=5, unique=True))
        for hour in hours:
            moment = (datetime(2024, 5, 1, tzinfo=UTC) + timedelta(hours=hour)).isoformat()
            made.append(sale("abc"[item], "2024-04-30", draw(CELL), visitors=draw(CELL), published=moment))
    return made


def slow_twin(given: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What is known, by going through all rows in the order they were published."""
    known: dict[str, dict[str, Any]] = {}
    for row in sorted(given, key=lambda one: one["published"]):
        own = known.setdefault(row["shop"], {"sales": None, "visitors": None})
        own |= {name: row[name] for name in ("sales", "visitors") if row[name] is not None}
    return known


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_rows=published_rows(), chance=st.randoms(use_true_random=False))
def test_any_split_order_and_repetition_ends_in_the_same_state(
    live: Operation, given_rows: list[dict[str, Any]], chance: random.Random
) -> None:
    with live.ledger.writing() as connection:
        for one in (observations, aside, arrivals):
            connection.execute(one.delete())
    sent = given_rows + chance.choices(given_rows, k=chance.randrange(4))
    chance.shuffle(sent)
    while sent:
        size = chance.randint(1, len(sent))
        observe(live, sent[:size], "till", NOON)
        sent = sent[size:]
    found = {row["shop"]: {"sales": row["sales"], "visitors": row["visitors"]} for row in current(live).to_dicts()}
    assert found == slow_twin(given_rows)


# Labels of served predictions -------------------------------------------------------------------------------------------------


def test_the_truth_of_a_served_prediction_stands_beside_its_inputs(tmp_path: Path) -> None:
    chance = random.Random(1)
    parts = [{"length": round(chance.uniform(1, 9), 2), "kind": chance.choice("xy")} for _ in range(80)]
    told = [part | {"weight": round(3 * part["length"] + chance.gauss(0, 0.1), 3)} for part in parts]
    folder = project(tmp_path / "parts", table(told), TABULAR, "design: {folds: 2, candidates: [linear]}\n")
    Project(folder).run(report=False)
    live = opened(folder)
    with live.ledger.writing() as connection:
        served = {"request": "f" * 32, "release": 1, "made": NOON, "key": "", "time": "", "target": "weight", "prediction": "9.1"}
        inputs = json.dumps({"length": 3.5, "kind": "x"})
        connection.execute(predictions.insert().values(**served, row=0, details="{}", inputs=inputs))
    labels = [{"prediction_id": f"{'f' * 32}-{row}", "weight": 10.5} for row in (0, 1)]
    arrival = observe(live, labels, "scale", NOON)
    assert figures(arrival) == (1, 0, 0, 0, 1)
    assert arrival.aside["reason"].to_list() == ["no prediction of this id was served"]
    assert current(live).to_dicts() == [{"length": 3.5, "kind": "x", "weight": 10.5}]
    named = [{"part": 7, "length": 2, "kind": "y", "weight": 6}]
    assert figures(observe(live, named, "scale", NOON, ["part"])) == (1, 0, 0, 0, 0)
    with pytest.raises(InputError, match="OBSERVE-NO-ID"):
        observe(live, [{"length": 2, "weight": 6}], "scale", NOON)
    live.ledger.close()


# Several at once, and killed ---------------------------------------------------------------------------------------------------

SEND = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from sevenstep import Project
from sevenstep.live.observing import observe
from sevenstep.live.operation import Operation
project = Project(sys.argv[1])
operation = Operation.of(project.spec, project.store, lambda: project.task)
operation.task
print("ready", flush=True)
for file in sys.argv[2:]:
    observe(operation, Path(file), "till", datetime(2024, 6, 1, tzinfo=UTC))
"""


def sending(folder: Path, *files: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", SEND, str(folder), *map(str, files)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert started.stdout is not None
    assert started.stdout.readline() == b"ready\n"
    return started


def days_of(count: int, moment: str) -> list[dict[str, Any]]:
    return [sale(f"s{shop}", str(date(2024, 5, 1) + timedelta(day)), shop + day, published=moment)
            for shop in range(count) for day in range(10)]  # fmt: skip


def test_two_writers_at_once_end_in_the_right_state(live: Operation, tmp_path: Path) -> None:
    files = []
    for number in range(4):
        files.append(tmp_path / f"{number}.csv")
        own = [row | {"sales": number} for row in days_of(10, f"2024-05-20T{number:02d}:00")]
        files[-1].write_text(table(own), encoding="utf-8")
    folder = live.spec.base
    both = [sending(folder, *files), sending(folder, *reversed(files))]
    assert [one.wait(60) for one in both] == [0, 0]
    assert current(live)["sales"].to_list() == [3.0] * 100
    assert counted(live, arrivals) == 4
    with live.ledger.reading() as connection:
        whole = connection.scalar(sa.select(sa.func.count()).where(observations.c.current))
    assert whole == 100


def test_a_kill_midway_leaves_nothing_of_the_file_and_sending_it_again_completes_it(live: Operation, tmp_path: Path) -> None:
    file = tmp_path / "many.csv"
    file.write_text(table(days_of(500, "2024-05-20")), encoding="utf-8")
    chance = random.Random(2)
    for _ in range(2):
        writer = sending(live.spec.base, file)
        time.sleep(chance.uniform(0, 0.25))
        writer.send_signal(signal.SIGKILL)
        writer.wait(60)
        assert counted(live, observations) in (0, 5000)
        assert counted(live, observations) == 5000 * counted(live, arrivals)
    assert sending(live.spec.base, file).wait(60) == 0
    assert counted(live, observations) == 5000
    assert len(current(live)) == 5000


def test_the_rows_of_the_project_are_taken_as_corrections_of_themselves(live: Operation, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    file.write_text(table(rows()), encoding="utf-8")
    assert figures(observe(live, file, "export", NOON)) == (381, 0, 0, 0, 0)
    dataset = pl.read_parquet(next(live.store.glob("objects/*/*/*/items.parquet")))
    assert current(live).equals(dataset)
