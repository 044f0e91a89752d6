"""`sevenstep monitor` on a project in operation: what is looked at, what alarms, and that each day is scored once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from sevenstep import Project
from sevenstep.live import kept, scoring
from sevenstep.live.channels import LOG
from sevenstep.live.check import Check
from sevenstep.live.ledger.tables import live_scores
from sevenstep.live.monitor import scored
from sevenstep.live.monitor.released import Released
from sevenstep.live.monitor.watch import Watch, monitor
from sevenstep.live.observing import observe
from sevenstep.live.operation import Operation
from sevenstep.live.refreshing import read_version, read_versions, refresh
from sevenstep.live.releases import champion
from sevenstep.live.standing import Standing
from small_projects import SPEC, START, Row, project, rows, sevenstep, table

KNOWN, AHEAD = 120, 60
SHOPS = "abcdef"
LIVE = SPEC.replace("series: [shop]", "series: [shop], segments: [shop, zone]").replace('"<= 0.25"', '"<= 0.10"')
WORLD = [row | {"zone": "north" if row["shop"] in "abc" else "south"} for row in rows(tuple(SHOPS), days=KNOWN + AHEAD, ahead=0)]

Change = Callable[[Row, int], Row | None]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a release, its plan of inputs reaching weeks ahead."""
    known = [row if _day(row) < KNOWN else row | {"visitors": "", "sales": ""} for row in WORLD]
    design = "design: {candidates: [seasonal_naive], folds: 4}\n"
    folder = project(tmp_path_factory.mktemp("watched") / "small", table(known), LIVE, design)
    Project(folder).run(report=False)
    return folder


@pytest.fixture
def live(released: Path, tmp_path: Path) -> Iterator[Operation]:
    found = Project(Path(shutil.copytree(released, tmp_path / "small")))
    operation = Operation.of(found.spec, found.store, lambda: found.task)
    yield operation
    operation.ledger.close()


def _day(row: Row) -> int:
    return (date.fromisoformat(row["day"]) - START).days


def at(day: int, hour: int) -> datetime:
    """An hour of a day, counted from the first one after release."""
    return datetime.combine(START + timedelta(KNOWN + day), time(hour), tzinfo=UTC)


def lived(operation: Operation, days: range, change: Change = lambda row, day: row, last: Standing | None = None) -> Standing:
    """Refresh in the night and observe in the evening of each day."""
    for day in days:
        _, last = refresh(operation, at(day, 3), last)
        came = (change(dict(row), day) for row in WORLD if _day(row) == KNOWN + day)
        observe(operation, [row for row in came if row is not None], f"till {day}", at(day, 20))
    assert last is not None
    return last


def times(factor: float, since: int, shop: str = SHOPS) -> Change:
    """From a day on, the sales of some shops are multiplied."""
    return lambda row, day: row | {"sales": row["sales"] * factor} if day >= since and row["shop"] in shop else row


def alarming(watch: Watch) -> list[tuple[str, str]]:
    return [(check.kind, check.subject) for check in watch.checks if check.alarm]


def of_kind(watch: Watch, kind: str) -> Sequence[Check]:
    return [check for check in watch.checks if check.kind == kind]


def test_sound_weeks_measure_the_kpi_as_numpy_does_and_raise_no_alarm(live: Operation) -> None:
    last = lived(live, range(14))
    watch = monitor(live, at(13, 21), last)
    assert watch.alarms == []
    (kpi,) = watch.kpis
    assert (kpi.state.state, kpi.state.n, kpi.since, kpi.until) == ("met", 42, "2024-05-07", "2024-05-13")
    assert kpi.state.value == pytest.approx(_wape(live, since="2024-05-07"))
    parts = {part.name: part for part in kpi.slices}
    assert {"shop a", "zone south", "lead 1", "lead 7"} <= set(parts)
    assert parts["zone south"].n == 21
    with live.ledger.reading() as connection:
        kept = connection.execute(sa.select(live_scores).where(live_scores.c.slice == "")).mappings().one()
    assert (kept["value"], kept["n"], kept["state"]) == (kpi.state.value, 42, "met")


def _wape(operation: Operation, since: str) -> float:
    """From the files of the forecasts themselves: made seven days before, beside what was sold."""
    with operation.ledger.reading() as connection:
        versions = read_versions(connection)
    frames = [read_version(operation.store, version).collect() for version in versions]
    made = pl.concat(frames).filter((pl.col("lead") == 7) & (pl.col("day") >= date.fromisoformat(since)))
    actual = {(row["shop"], row["day"]): row["sales"] for row in WORLD}
    known = [
        (actual[shop, str(day)], prediction)
        for shop, day, prediction in made.select("shop", "day", "prediction").iter_rows()
        if day < START + timedelta(KNOWN + 14)
    ]
    return sum(abs(truth - prediction) for truth, prediction in known) / sum(truth for truth, _ in known)


def test_a_shop_that_sells_1_4_times_as_much_is_named_within_a_week_and_the_alarm_ends_when_it_is_over(live: Operation) -> None:
    last, told = lived(live, range(10)), []
    for day in range(10, 25):
        last = lived(live, range(day, day + 1), times(1.4, 10, "b"), last)
        watch = monitor(live, at(day, 21), last)
        told.append((day - 9, alarming(watch), len(watch.new), [alarm.state for alarm in watch.alarms], len(watch.ended)))
    first = next(one for one in told if one[2])
    assert first[0] <= 7
    assert first[1][0] == ("shift", "shop b")
    assert {subject for _, found, *_ in told for kind, subject in found if kind == "shift"} == {"shop b"}
    assert sum(new for _, _, new, _, _ in told if new) == len((live.store / LOG).read_text(encoding="utf-8").splitlines())
    assert sum(ended for *_, ended in told) >= 1
    assert told[-1][3] == []


def wild(row: Row, day: int) -> Row:
    """Sales that go up and down from day to day, most of all those of shop d."""
    size = 2.4 if row["shop"] == "d" else 1.5
    return row | {"sales": row["sales"] * (size if day % 2 else 1 / size)}


def test_the_alarm_of_a_kpi_names_the_worst_segment_and_only_what_got_worse_since_release(live: Operation) -> None:
    last = lived(live, range(6))
    last = lived(live, range(6, 14), wild, last)
    watch = monitor(live, at(13, 21), last)
    (check,) = of_kind(watch, "kpi")
    assert check.alarm
    assert check.p is not None and check.p < 0.0015
    assert check.cause.startswith("shop d above all: ")
    assert "its goal ≤ 10.0 %" in check.text
    assert watch.kpis[0].state.state == "missed"
    assert any(alarm.kind == "kpi" and alarm.kpi == "accuracy" for alarm in watch.open)


def test_looking_twice_at_the_same_day_scores_nothing_twice_and_changes_no_alarm(
    live: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = lived(live, range(12), times(3, 8, "b"))
    asked: list[tuple[Any, Any]] = []

    def counting(operation: Operation, connection: sa.Connection, since: Any, until: Any, *rest: Any) -> Any:
        asked.append((since, until))
        return scoring.live_scores(operation, connection, since, until, *rest)

    monkeypatch.setattr(scored, "live_scores", counting)
    first = monitor(live, at(11, 21), last)
    second = monitor(live, at(11, 22), last)
    assert asked == [(START + timedelta(KNOWN), START + timedelta(KNOWN + 11))]
    assert (len(first.new), second.new) == (len(first.alarms), [])
    assert [alarm.times for alarm in second.alarms] == [1] * len(first.alarms)
    last = lived(live, range(12, 13), times(3, 8, "b"), last)
    monitor(live, at(12, 21), last)
    assert asked[1:] == [(START + timedelta(KNOWN + 12),) * 2]


def test_a_correction_scores_its_day_again(live: Operation) -> None:
    last = lived(live, range(9))
    before = monitor(live, at(8, 21), last).kpis[0].state.value
    observe(live, [{"shop": "a", "day": str(START + timedelta(KNOWN + 8)), "sales": 900.0}], "correction", at(8, 22))
    after = monitor(live, at(8, 23)).kpis[0].state.value
    assert before is not None and after is not None and after > before


def test_what_is_kept_is_made_again_when_it_is_lost(live: Operation) -> None:
    last = lived(live, range(10))
    first = monitor(live, at(9, 21), last)
    for name in (kept.FOLDER, "references"):
        shutil.rmtree(live.store / name)
    again = monitor(live, at(9, 22), last)
    assert [one.to_json() for one in again.kpis] == [one.to_json() for one in first.kpis]
    (live.store / kept.FOLDER / "0001.parquet").write_bytes(b"torn")
    (live.store / "references" / "0001.npz").write_bytes(b"torn")
    assert [one.to_json() for one in monitor(live, at(9, 23), last).kpis] == [one.to_json() for one in first.kpis]


def test_nothing_published_later_is_seen(live: Operation) -> None:
    last = lived(live, range(6))
    early = monitor(live, at(5, 21), last).to_json()
    again = live.store / kept.FOLDER
    shutil.rmtree(again)
    lived(live, range(6, 9), times(3, 6), last)
    late = monitor(live, at(5, 22))
    assert late.kpis[0].to_json() == early["kpis"][0]


def test_an_input_that_moved_is_named(live: Operation) -> None:
    last = lived(live, range(4))
    last = lived(live, range(4, 14), lambda row, day: row | {"price": row["price"] * 10}, last)
    watch = monitor(live, at(13, 21), last)
    assert [check.subject for check in of_kind(watch, "drift") if check.alarm] == ["price"]
    assert "price" in next(check.cause for check in of_kind(watch, "drift") if check.alarm)


def test_a_series_that_stops_reporting_is_told_and_one_that_reports_every_third_day_is_not(live: Operation) -> None:
    last = lived(live, range(5))
    last = lived(live, range(5, 14), lambda row, day: None if row["shop"] == "c" else row, last)
    found = [check for check in of_kind(monitor(live, at(13, 21), last), "silent") if check.alarm]
    assert [check.subject for check in found] == ["shop c"]
    assert "has not reported for 9 steps" in found[0].text


def test_a_feed_that_stops_is_told_by_its_own_rhythm(live: Operation) -> None:
    last = lived(live, range(12))
    assert not any(check.alarm for check in of_kind(monitor(live, at(12, 20), last), "silent"))
    found = [check for check in of_kind(monitor(live, at(16, 20), last), "silent") if check.alarm]
    assert [check.subject for check in found] == ["arrivals"]


def test_rows_that_break_the_contract_are_told_when_they_arrive(live: Operation) -> None:
    last = lived(live, range(3))
    rows_ = [row | {"sales": "many"} if row["shop"] in "ab" else row for row in WORLD if _day(row) == KNOWN + 3]
    observe(live, rows_, "till", at(3, 20))
    found = [check for check in of_kind(monitor(live, at(3, 21), last), "contract") if check.alarm]
    assert found
    assert all(check.value is not None and check.value > 0.01 for check in found)


def test_a_release_is_watched_from_its_first_day_on_at_the_leads_there_are(live: Operation) -> None:
    last = lived(live, range(3))
    watch = monitor(live, at(2, 21), last)
    assert watch.kpis[0].state.n == 18
    with live.ledger.reading() as connection:
        rows_ = scored.scored(live, connection, Released.of(live, champion(live.store)), at(2, 22))
    watched = rows_.filter(pl.col(scored.AHEAD) == 7)
    assert watched.select("time", "lead").unique().sort("time")["lead"].to_list() == [1, 2, 3]


def test_the_command_tells_the_table_and_the_alarms_and_ends_with_1_while_one_is_open(live: Operation) -> None:
    lived(live, range(14), times(3, 9, "b"))
    folder = live.spec.base
    told = sevenstep("monitor", folder)
    assert told.code == 1
    assert told.out.splitlines()[0].split() == ["KPI", "live", "rows", "goal", "state", "at", "release"]
    assert "new: alarm 1 (kpi:accuracy)" in told.out
    assert "likely cause: shop b since" in told.out
    parsed = json.loads(sevenstep("monitor", folder, "--json").out)
    assert parsed["new"] == []
    assert {type(check["alarm"]) for check in parsed["checks"]} == {bool}
    assert {check["kind"] for check in parsed["checks"]} >= {
        "kpi",
        "coverage",
        "shift",
        "drift",
        "predictions",
        "contract",
        "silent",
    }
    numbers = [alarm["number"] for alarm in parsed["alarms"]]
    for number in numbers:
        assert sevenstep("alarms", "acknowledge", str(number), folder).code == 0
    assert sevenstep("monitor", folder).code == 0
    assert json.loads(sevenstep("alarms", "list", folder, "--json").out)["alarms"][0]["state"] == "acknowledged"
    assert sevenstep("alarms", "snooze", str(numbers[0]), folder, "--for", "2d").code == 0
    assert "resolved" in sevenstep("alarms", "resolve", str(numbers[0]), folder).out
    assert sevenstep("alarms", "resolve", str(numbers[0]), folder).code == 2
    kinds = [one["kind"] for one in json.loads(sevenstep("decisions", folder, "--json").out)["decisions"]]
    assert kinds.count("alarm") == len(numbers) + 2
