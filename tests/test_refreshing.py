"""Refresh: newer actuals move the origin, every version is kept, and nothing published later is ever used."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from polars.testing import assert_frame_equal

from sevenstep.engine.store import Store
from sevenstep.live.cadence.calendar import STALE, reckon_if_due
from sevenstep.live.due import newest_day, retrain_due, retrain_if_due, weekly_losses
from sevenstep.live.ledger.tables import item_key, observations, pointers, versions
from sevenstep.live.observing import observe
from sevenstep.live.operation import Operation
from sevenstep.live.pointers import promote, settle
from sevenstep.live.refitting import Recipe, refitted
from sevenstep.live.refreshing import FOLDER, read_version, read_versions, refresh
from sevenstep.live.rehearsal.diary import Diary
from sevenstep.live.rehearsal.lived import Lived, Rules, live_through
from sevenstep.live.rehearsal.rehearse import leaks
from sevenstep.live.rehearsal.weekly import Fits, Weekly, alongside, live_weekly
from sevenstep.live.rehearsal.world import World, published
from sevenstep.live.releases import champion, release_relearnt
from sevenstep.project import Project, Run
from small_projects import BOOSTING, SPEC, START, project, rows, table

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAYS, AHEAD = 100, 21
LAST = START + timedelta(DAYS - 1)
"""Newest day the project knows when it is run; the three weeks after it are open."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    folder = project(tmp_path_factory.mktemp("made") / "small", table(rows(days=DAYS, ahead=AHEAD)), design=BOOSTING)
    return folder, Project(folder).run(anyway=True, report=False)


@pytest.fixture
def operation(made: tuple[Path, Run], tmp_path: Path) -> Iterator[Operation]:
    shutil.copytree(made[0] / ".sevenstep", tmp_path / "store")
    with Project(made[0], tmp_path / "store").operating() as opened:
        yield opened


def actuals(day: date, sales: float = 100.0) -> list[dict[str, Any]]:
    return [{"shop": shop, "day": str(day), "sales": sales} for shop in "abc"]


def rows_of(operation: Operation, number: int) -> pl.DataFrame:
    with operation.ledger.reading() as connection:
        found = next(one for one in read_versions(connection) if one.number == number)
    return read_version(operation.store, found).collect()


def test_a_refresh_predicts_every_open_day_up_to_the_horizon(operation: Operation) -> None:
    version, _ = refresh(operation, NOW)
    assert (version.number, version.release, version.rows) == (1, 1, 3 * 7)
    assert (version.origin, version.first, version.last) == (str(LAST), str(LAST + timedelta(1)), str(LAST + timedelta(7)))
    assert rows_of(operation, 1)["lead"].unique().sort().to_list() == list(range(1, 8))


def test_actuals_move_the_origin_and_the_version_before_stays_as_it_was(operation: Operation) -> None:
    refresh(operation, NOW)
    before = rows_of(operation, 1)
    observe(operation, actuals(LAST + timedelta(1)), "till", NOW)
    version, _ = refresh(operation, NOW + timedelta(hours=1))
    assert (version.number, version.origin, version.last) == (2, str(LAST + timedelta(1)), str(LAST + timedelta(8)))
    assert_frame_equal(rows_of(operation, 1), before)


def test_where_nothing_is_new_no_version_is_made(operation: Operation) -> None:
    first, known = refresh(operation, NOW)
    assert refresh(operation, NOW + timedelta(hours=1), known)[0] == first
    assert refresh(operation, NOW + timedelta(hours=2))[0] == first


def test_a_process_that_stays_predicts_what_a_new_one_would(operation: Operation, made: tuple[Path, Run], tmp_path: Path) -> None:
    known = None
    for ahead in (1, 2, 3):
        observe(operation, actuals(LAST + timedelta(ahead), 90.0 + ahead), "till", NOW + timedelta(days=ahead))
        if ahead == 3:
            shutil.copytree(operation.store, tmp_path / "other")
        version, known = refresh(operation, NOW + timedelta(days=ahead), known)
    with Project(made[0], tmp_path / "other").operating() as other:
        again, _ = refresh(other, NOW + timedelta(days=3))
        assert (again.number, again.lifts) == (version.number, version.lifts)
        assert_frame_equal(rows_of(operation, version.number), rows_of(other, version.number))


def test_a_correction_changes_what_is_predicted(operation: Operation) -> None:
    observe(operation, actuals(LAST + timedelta(1), 100.0), "till", NOW)
    first, known = refresh(operation, NOW)
    observe(operation, actuals(LAST + timedelta(1), 300.0), "till, corrected", NOW + timedelta(hours=1))
    second, _ = refresh(operation, NOW + timedelta(hours=1), known)
    assert second.number == first.number + 1
    assert rows_of(operation, 2)["prediction"].sum() > rows_of(operation, 1)["prediction"].sum()


def plant(operation: Operation, published_at: datetime) -> None:
    """An observation in the ledger that was published when it says, whoever put it there."""
    day = str(LAST + timedelta(2))
    row = {
        "arrival": 1, "key": item_key({"shop": "a"}), "time": day, "columns": f'{{"shop": "a", "day": "{day}", "sales": "9999"}}',
        "published": published_at, "confirmed": published_at, "content": "f" * 64, "current": True,
    }  # fmt: skip
    with operation.ledger.writing() as connection:
        connection.execute(observations.insert().values(**row))


def test_what_is_published_later_is_not_used(operation: Operation) -> None:
    observe(operation, actuals(LAST + timedelta(1)), "till", NOW)
    plant(operation, NOW + timedelta(days=3))
    version, known = refresh(operation, NOW + timedelta(hours=1))
    assert version.origin == str(LAST + timedelta(1)) and leaks(operation) == 0
    later, _ = refresh(operation, NOW + timedelta(days=4), known)
    assert later.origin == str(LAST + timedelta(2)) and leaks(operation) == 0


def test_the_audit_finds_a_version_that_knew_what_was_published_later(operation: Operation) -> None:
    observe(operation, actuals(LAST + timedelta(1)), "till", NOW)
    plant(operation, NOW + timedelta(days=3))
    refresh(operation, NOW + timedelta(days=4))
    with operation.ledger.writing() as connection:
        connection.execute(versions.update().values(made=NOW + timedelta(hours=1)))
    assert leaks(operation) == 1


def test_a_file_whose_version_never_reached_the_ledger_harms_nothing(operation: Operation) -> None:
    refresh(operation, NOW)
    with operation.ledger.writing() as connection:
        connection.execute(versions.delete())
    version, _ = refresh(operation, NOW)
    assert version.number == 1 and len(list((operation.store / FOLDER).glob("*.parquet"))) == 1


def test_a_version_knows_what_was_believed_at_a_time(operation: Operation) -> None:
    refresh(operation, NOW)
    observe(operation, actuals(LAST + timedelta(1)), "till", NOW + timedelta(days=1))
    refresh(operation, NOW + timedelta(days=1))
    with operation.ledger.reading() as connection:
        assert [one.number for one in read_versions(connection, until=NOW + timedelta(hours=2))] == [1]
        assert [one.number for one in read_versions(connection)] == [1, 2]
        assert connection.scalar(sa.select(sa.func.count()).select_from(versions)) == 2


def test_forecasts_are_judged_as_any_scores_are(operation: Operation) -> None:
    _, known = refresh(operation, NOW)
    made = rows_of(operation, 1)
    truth = made.with_columns((pl.col("prediction") * 1.1).alias("truth"))
    table_ = known.model.judge(truth).frame
    assert len(table_) == len(made)
    assert table_["lead"].to_list() == made["lead"].to_list()
    error = (table_["prediction"] - table_["truth"]).abs().sum() / table_["truth"].abs().sum()
    assert error == pytest.approx(0.1 / 1.1)


def recipe_of(operation: Operation) -> Recipe:
    return Recipe.of(Store(operation.store).open(str(champion(operation.store).manifest["model"])))


def world_of(made: tuple[Path, Run], sales: float = 100.0) -> World:
    """The data of the project with actuals on every open day."""
    world = World.of(made[1].step("collect"))
    return world.changed(lambda items: items.with_columns(pl.col("sales").fill_null(sales)))


def lived(operation: Operation, world: World, days: int, told: Callable[[Any], None] = lambda moment: None) -> Lived:
    moments = world.moments(LAST, LAST + timedelta(days))
    rules = Rules(range(1, 8), [0.1, 0.1, 0.1, 0.1], timedelta(days=7))
    diary = Diary(operation.store.parent / f"days of {operation.store.name}")
    return live_through(
        operation, world, fits_of(operation, world), moments, rules, lambda operation, now, known: [], diary, told
    )


def fits_of(operation: Operation, world: World) -> Fits:
    return Fits(operation.task, recipe_of(operation), world, operation.spec.seed)


def lived_weekly(operation: Operation, world: World, days: int, folder: Path, stop: Event | None = None) -> Weekly:
    moments, load = world.moments(LAST, LAST + timedelta(days)), operation.task.load_model
    model = load(champion(operation.store).model_folder)
    return live_weekly(model, load, world, fits_of(operation, world), moments, (1, 7), Diary(folder), stop or Event())


def test_members_learnt_anew_from_the_same_data_predict_the_same(made: tuple[Path, Run], operation: Operation) -> None:
    world = World.of(made[1].step("collect"))
    model = operation.task.load_model(champion(operation.store).model_folder)
    again = refitted(operation.task, recipe_of(operation), model, world.data, operation.spec.seed)
    assert_frame_equal(again.outlook(), model.outlook())


def test_a_release_that_learnt_anew_serves_and_says_from_what(made: tuple[Path, Run], operation: Operation) -> None:
    base = champion(operation.store)
    model = operation.task.load_model(base.model_folder)
    found = release_relearnt(operation.store, base, model, str(LAST))
    assert found.number == 2 and found.manifest["relearnt"] == {"from": 1, "until": str(LAST)}
    assert found.verified().manifest["input_schema"] == base.manifest["input_schema"]
    assert champion(operation.store).number == 1


def test_days_lived_through_refresh_and_learn_anew_when_it_is_time(made: tuple[Path, Run], operation: Operation) -> None:
    found = lived(operation, world_of(made), 9)
    assert len(found.made) == found.checks == 9
    assert [refit["moment"] for refit in found.refits] == [str(LAST + timedelta(8))]
    assert champion(operation.store).number == 2 and leaks(operation) == 0
    assert published(LAST) < published(LAST + timedelta(1))


class _Stopped(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("last", [3, 7, 8, 9])
def test_a_life_that_was_stopped_goes_on_where_it_was(made: tuple[Path, Run], tmp_path: Path, last: int) -> None:
    """A week ends, and all is learnt anew, with the eighth day; the twin was never stopped."""
    world, whole = world_of(made), []

    def stop(moment: date) -> None:
        if moment == LAST + timedelta(last):
            raise _Stopped

    for name in ("stopped", "twin"):
        shutil.copytree(made[0] / ".sevenstep", tmp_path / name)
        if name == "stopped":
            with Project(made[0], tmp_path / name).operating() as opened, pytest.raises(_Stopped):
                lived(opened, world, 10, stop)
        days: list[date] = []
        with Project(made[0], tmp_path / name).operating() as opened:
            whole.append(lived(opened, world, 10, days.append))
            assert champion(opened.store).number == 2
        assert len(days) == (10 - last if name == "stopped" else 10)
    stopped, twin = whole
    for one, other in zip(stopped.made, twin.made, strict=True):
        assert_frame_equal(one, other)
    assert (stopped.refits, stopped.tests, stopped.checks) == (twin.refits, twin.tests, twin.checks)


@pytest.mark.parametrize("last", [0, 3, 7, 9])
def test_the_project_that_learns_every_week_goes_on_where_it_was_stopped(
    made: tuple[Path, Run], operation: Operation, tmp_path: Path, last: int
) -> None:
    world = world_of(made)
    lived_weekly(operation, world, last, tmp_path / "stopped")
    stopped, twin = (lived_weekly(operation, world, 10, tmp_path / name) for name in ("stopped", "twin"))
    assert stopped.refits == twin.refits == 1
    for one, other in zip(stopped.rows, twin.rows, strict=True):
        assert_frame_equal(one, other)


def test_the_project_that_learns_every_week_forecasts_what_its_members_learnt_on_that_day_say(
    made: tuple[Path, Run], operation: Operation, tmp_path: Path
) -> None:
    world, model = world_of(made), operation.task.load_model(champion(operation.store).model_folder)
    found = lived_weekly(operation, world, 8, tmp_path / "days")
    learnt = refitted(operation.task, recipe_of(operation), model, world.data.known_at(LAST + timedelta(8)), operation.spec.seed)
    assert_frame_equal(found.rows[7], learnt.outlook((1, 7)))


def test_two_lives_that_learn_on_one_day_share_the_fit(made: tuple[Path, Run], operation: Operation) -> None:
    world, model = world_of(made), operation.task.load_model(champion(operation.store).model_folder)
    fits, found = fits_of(operation, world), []
    threads = [threading.Thread(target=lambda: found.append(fits.model(LAST + timedelta(3), model))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0].members is found[1].members


def test_what_runs_alongside_is_told_to_stop_when_the_rest_has_failed() -> None:
    seen: list[bool] = []

    def work(stop: Event) -> Weekly:
        seen.append(stop.wait(30))
        return Weekly([], 0)

    with pytest.raises(_Stopped), alongside(work):
        raise _Stopped
    assert seen == [True]


def test_a_life_stopped_between_a_release_and_its_note_learns_once(made: tuple[Path, Run], tmp_path: Path) -> None:
    shutil.copytree(made[0] / ".sevenstep", tmp_path / "store")
    with Project(made[0], tmp_path / "store").operating() as opened:
        lived(opened, world_of(made), 8)
        diary = Diary(tmp_path / "days of store")
        diary.write({**diary.state(), "days": 7, "looked": True, "losses": [0.01, 0.01, 0.01, 0.9], "refits": [], "tests": []})
        again = lived(opened, world_of(made), 8)
        assert [refit["release"] for refit in again.refits] == [2] and champion(opened.store).number == 2


def test_no_day_lived_through_knows_of_the_days_after_it(made: tuple[Path, Run], tmp_path: Path) -> None:
    """Poison: all actuals after the fourth day are others, and nothing made until then changes."""

    def poisoned(items: pl.DataFrame) -> pl.DataFrame:
        later = pl.col("day") > LAST + timedelta(4)
        return items.with_columns(pl.when(later).then(99_999.0).otherwise(pl.col("sales").fill_null(100.0)).alias("sales"))

    outcomes: list[Sequence[pl.DataFrame]] = []
    for name, world in (("clean", world_of(made)), ("poisoned", World.of(made[1].step("collect")).changed(poisoned))):
        shutil.copytree(made[0] / ".sevenstep", tmp_path / name)
        with Project(made[0], tmp_path / name).operating() as opened:
            outcomes.append(lived(opened, world, 6).made)
    for day in range(4):
        assert_frame_equal(outcomes[0][day], outcomes[1][day])
    assert not outcomes[0][5].equals(outcomes[1][5])


def test_the_loss_of_each_week_is_that_of_its_forecasts_at_short_leads(operation: Operation) -> None:
    known, made = None, []
    for ahead in range(15):
        day = LAST + timedelta(ahead)
        if ahead:
            observe(operation, actuals(day, 80.0 + ahead), "till", datetime(day.year, day.month, day.day, 20, tzinfo=UTC))
        version, known = refresh(operation, datetime(day.year, day.month, day.day, 21, tzinfo=UTC), known)
        made.append(read_version(operation.store, version).collect())
    last = LAST + timedelta(14)
    with operation.ledger.reading() as connection:
        found = weekly_losses(operation, connection, datetime(last.year, last.month, last.day, 22, tzinfo=UTC))
        assert weekly_losses(operation, connection, NOW) == pytest.approx(found), (
            "old data called live are judged up to their newest day"
        )
        assert newest_day(operation, connection, NOW) == last
    newest = pl.concat(made).filter(pl.col("day").is_between(last - timedelta(6), last))
    truth = newest.with_columns((80.0 + (pl.col("day") - pl.lit(LAST)).dt.total_days()).alias("truth"))
    assert found[-1] == pytest.approx((truth["prediction"] - truth["truth"]).abs().sum() / truth["truth"].sum())
    assert f"by actuals up to {last}" in retrain_due(operation, NOW).text


def test_learning_anew_is_due_when_the_champion_has_served_for_long(operation: Operation) -> None:
    settle(operation)
    with operation.ledger.reading() as connection:
        since = connection.scalar(sa.select(pointers.c.since))
    assert not retrain_due(operation, since + timedelta(days=27)).now
    assert retrain_due(operation, since + timedelta(days=29)).now
    assert "nothing later was observed" in retrain_if_due(operation, since + timedelta(days=29))
    assert retrain_if_due(operation, since + timedelta(days=1)).startswith("not due")


def test_a_calendar_is_reckoned_once_for_the_members_that_serve(operation: Operation) -> None:
    assert "calendar of release 1: every" in reckon_if_due(operation, NOW)
    assert reckon_if_due(operation, NOW + timedelta(days=1)) == "the calendar of release 1 stands"
    base = champion(operation.store)
    again = release_relearnt(operation.store, base, operation.task.load_model(base.model_folder), str(LAST))
    promote(operation, again.number, "rule", NOW, {})
    assert reckon_if_due(operation, NOW + timedelta(days=2)) == "the calendar of release 1 stands"
    assert "calendar of release 2" in reckon_if_due(operation, NOW + STALE)


def test_a_version_of_a_town_that_moved_is_lifted_and_says_so(tmp_path: Path) -> None:
    """One of four towns sells 1.4 times as much from a day on: its forecasts follow within days, the others stay as they are."""
    given = [{"town": "ABCD"[int(row["shop"][1:]) % 4], **row} for row in rows([f"s{place}" for place in range(16)], 207, 21)]
    spec = SPEC.replace("series: [shop]}", "series: [shop], segments: [town]}")
    first = str(START + timedelta(200))
    known_then = [row if row["day"] < first else row | {"visitors": "", "sales": ""} for row in given]
    folder = project(tmp_path / "towns", table(known_then), spec, BOOSTING.replace("folds: 2", "folds: 6"))
    Project(folder).run(anyway=True, report=False)
    known = None
    with Project(folder).operating() as opened:
        for ahead in range(7):
            day = str(START + timedelta(200 + ahead))
            sold = [row | {"sales": row["sales"] * (1.4 if row["town"] == "D" else 1.0)} for row in given if row["day"] == day]
            told = [{name: row[name] for name in ("shop", "day", "sales")} for row in sold]
            observe(opened, told, "till", NOW + timedelta(days=ahead))
            version, known = refresh(opened, NOW + timedelta(days=ahead), known)
        plain, made = known.model.outlook(), rows_of(opened, version.number)
    assert [(one.column, one.value) for one in version.lifts] == [("town", "D")]
    assert made.columns == plain.columns
    ratio = (
        plain.select("shop", (made["prediction"] / plain["prediction"]).alias("ratio"))
        .group_by("shop")
        .agg(pl.col("ratio").mean())
    )
    for shop, found in ratio.iter_rows():
        assert found == pytest.approx(version.lifts[0].factor if int(shop[1:]) % 4 == 3 else 1.0)
    assert version.lifts[0].factor == pytest.approx(1.4, rel=0.06)
