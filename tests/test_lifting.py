"""Forecasts follow a segment that moved, at once and no other; without a move they stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

from sevenstep.live.check import SHARES
from sevenstep.live.lifting import DAYS, lifts_of
from sevenstep.live.monitor.released import Released
from sevenstep.project import Project
from sevenstep.spec.model import Spec
from sevenstep.spec.read import read_spec
from sevenstep.tasks.forecast.model import ForecastModel
from sevenstep.tasks.lifts import Lift, lifted
from sevenstep.tasks.registry import grammars
from sevenstep.tasks.scoretable import BOUNDS
from small_projects import BOOSTING, START, project, rows, table

SHOPS, TOWNS = 96, 8
FIRST = date(2026, 1, 1)


class _Judged:
    """What is read of a release: the scores it was judged by, and its segments."""

    def __init__(self, scores: pl.DataFrame) -> None:
        self.scores, self.segments = scores, ["town"]

    def of_target(self, target: str) -> pl.DataFrame:
        return self.scores.filter(pl.col("target") == target)


def days(seed: int, count: int, factor: float = 1.0) -> pl.DataFrame:
    """Forecasts of all shops beside their truth; what happens in a town on a day happens to all its shops."""
    chance = np.random.default_rng(seed)
    shop, day = (one.ravel() for one in np.meshgrid(np.arange(SHOPS), np.arange(count), indexing="ij"))
    town = shop % TOWNS
    log = 0.02 * chance.standard_normal((TOWNS, count))[town, day] + 0.15 * chance.standard_normal(SHOPS * count)
    said = 100.0 + shop
    return pl.DataFrame(
        {"target": "sales", "shop": shop, "town": town.astype(str), "time": [FIRST + timedelta(int(one)) for one in day],
         "fold": 0, "prediction": said, "truth": said * np.exp(log) * np.where(town == 3, factor, 1.0)}
    )  # fmt: skip


def released(seed: int = 0) -> Released:
    folds = [days(seed + fold, 42).with_columns(pl.lit(fold).alias("fold")) for fold in range(5)]
    return _Judged(pl.concat(folds))  # type: ignore[return-value]  # as much of a release as is read


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Spec:
    folder = project(tmp_path_factory.mktemp("spec") / "small", table(rows(days=60, ahead=7)), design=BOOSTING)
    return read_spec(folder / "sevenstep.yaml", grammars())


@pytest.mark.parametrize("factor", [1.4, 0.7])
def test_the_segment_that_moved_is_lifted_by_as_much(spec: Spec, factor: float) -> None:
    for seed in range(10):
        found = lifts_of(spec, released(100 * seed), days(100 * seed + 50, DAYS, factor), ())
        assert [(one.column, one.value) for one in found] == [("town", "3")]
        assert found[0].factor == pytest.approx(factor, rel=0.06)


def test_sound_days_are_left_alone_but_for_the_stated_share(spec: Spec) -> None:
    looks = 200
    releases = [released(1000 + 10 * place) for place in range(5)]
    found = sum(bool(lifts_of(spec, releases[seed % 5], days(5000 + seed, DAYS), ())) for seed in range(looks))
    assert found <= stats.binom.ppf(0.99, looks, spec.operate.alarms.false_alarms * SHARES["shift"])


def test_a_segment_that_was_lifted_is_lifted_as_long_as_it_is_away(spec: Spec) -> None:
    """What is left of a departure once the model has learnt most of it would not be found among all segments."""
    before = [Lift("sales", "town", "3", 1.3, "2026-01-01")]
    away, back = days(52, DAYS, 1.05), days(54, DAYS, 1.0)
    assert lifts_of(spec, released(), away, ()) == []
    assert [one.factor for one in lifts_of(spec, released(), away, before)] == [pytest.approx(1.05, abs=0.03)]
    assert lifts_of(spec, released(), back, before) == []


def test_forecasts_and_bounds_of_the_segment_are_multiplied_and_no_others() -> None:
    frame = pl.DataFrame({"shop": [1, 2, 3], "target": ["sales", "sales", "visits"], "prediction": [10.0, 20.0, 30.0]})
    frame = frame.with_columns(pl.col("prediction").alias(bound) for bound in BOUNDS)
    segments = pl.DataFrame({"shop": [1, 2, 3], "town": ["a", "b", "a"]})
    made = lifted(frame, [Lift("sales", "town", "a", 1.5, ""), Lift("sales", "", "", 2.0, "")], segments)
    for name in ("prediction", *BOUNDS):
        assert made[name].to_list() == [30.0, 40.0, 30.0]
    assert lifted(frame, [], segments).equals(frame)


def test_known_days_are_forecast_as_they_would_have_been_the_day_before(tmp_path: Path) -> None:
    """Slow twin: for each day a model that knows nothing from that day on."""
    folder = project(tmp_path / "small", table(rows(days=80, ahead=21)), design=BOOSTING)
    made = Project(folder).run(anyway=True, report=False)
    model = ForecastModel.load(made.step("tune").folder("model"))
    last = START + timedelta(79)
    told = [pl.DataFrame({"shop": list("abc"), "day": [last + timedelta(ahead)] * 3, "sales": [90.0 + ahead, 200.0, 10.0]})
            for ahead in range(1, 6)]  # fmt: skip
    asked = _known(model, told).outlook(known=4)
    known = asked.filter(pl.col("truth").is_not_null())
    twins = [_known(model, told[:ahead]).outlook([1]) for ahead in range(1, 5)]
    columns = [name for name in twins[0].columns if name in known.columns]
    order = ["shop", "day"]
    assert_frame_equal(known.select(columns).sort(order), pl.concat(twins).select(columns).sort(order))
    assert known.sort(order)["truth"].to_list()[:4] == [92.0, 93.0, 94.0, 95.0]
    assert_frame_equal(asked.filter(pl.col("truth").is_null()).select(columns), _known(model, told).outlook().select(columns))


def _known(model: ForecastModel, told: Sequence[pl.DataFrame]) -> ForecastModel:
    for one in told:
        model = model.refresh(one)
    return model
