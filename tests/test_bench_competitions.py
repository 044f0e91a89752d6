"""The measures of the M competitions reproduce the figures their organisers published."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from sevenstep.spec.read import read_spec
from sevenstep.tasks.registry import grammars

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

import competitions

DATA = Path(__file__).parents[2] / "shared" / "data"
absent = pytest.mark.skipif(not DATA.is_dir(), reason="the real data sets are not beside the checkout")

Floats = NDArray[np.float64]


def part_of(values: dict[str, list[float]], competition: str = "m4", name: str = "quarterly") -> competitions.Part:
    horizon = competitions.PARTS[competition][name][0]
    rows = [{"unique_id": key, "t": at + 1, "y": value} for key, own in values.items() for at, value in enumerate(own)]
    frame = pl.DataFrame(rows)
    last = pl.col("t") > pl.col("t").max().over("unique_id") - horizon
    return competitions.Part(competition, name, frame.filter(~last), frame.filter(last), False)


def test_the_measures_are_those_of_the_organisers_formulas() -> None:
    past, truth, made = [np.array([1.0, 3.0, 2.0, 6.0])], np.array([[10.0, 20.0]]), np.array([[12.0, 18.0]])
    assert competitions.smape(truth, made)[0] == pytest.approx((200 * 2 / 22 + 200 * 2 / 38) / 2)
    assert competitions.mase(truth, made, past, 1)[0] == pytest.approx(2.0 / ((2 + 1 + 4) / 3))
    assert competitions.mase(truth, made, past, 2)[0] == pytest.approx(2.0 / ((1 + 3) / 2))
    assert competitions.owa(9.0, 1.0, 10.0, 2.0) == pytest.approx((0.9 + 0.5) / 2)


def test_naive2_carries_a_season_on_and_a_random_walk_not() -> None:
    season = np.tile([0.5, 1.5, 1.2, 0.8], 12)
    walk = 100 + np.cumsum(np.random.default_rng(1).standard_normal(48))
    found = competitions.naive2([100.0 * season, walk], 4, 8)
    np.testing.assert_allclose(found[0], 100.0 * season[:8], rtol=1e-9)
    np.testing.assert_allclose(found[1], walk[-1])


@pytest.mark.parametrize("name", ["weekly", "quarterly"])
def test_the_spec_of_a_part_can_be_read_and_asks_for_its_horizon(tmp_path: Path, name: str) -> None:
    part = part_of({"a": list(range(1, 80)), "b": list(range(2, 60))}, name=name)
    part.train.write_parquet(tmp_path / "rows.parquet")
    (tmp_path / "sevenstep.yaml").write_text(competitions.spec_text(part, "60s"), encoding="utf-8")
    spec = read_spec(tmp_path / "sevenstep.yaml", grammars(), [])
    assert spec.section.horizon == part.horizon
    names, past, future = part.arrays()
    assert (names, [len(own) for own in past], future.shape) == (
        ["a", "b"],
        [79 - part.horizon, 58 - part.horizon],
        (2, part.horizon),
    )


@absent
@pytest.mark.shared
def test_naive_on_m4_reproduces_the_published_table() -> None:
    part = competitions.read_part(DATA, "m4", "yearly")
    _, past, future = part.arrays()
    made = competitions.naive2(past, part.season, part.horizon)
    assert part.official
    assert competitions.smape(future, made).mean() == pytest.approx(16.342, abs=5e-4)
    assert competitions.mase(future, made, past, part.season).mean() == pytest.approx(3.974, abs=5e-4)


@absent
@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "theta", "forecast_pro", "naive2"),
    [("yearly", 16.97, 17.27, 17.88), ("quarterly", 8.96, 9.82, 9.95), ("other", 4.41, 4.60, 6.30)],
)
def test_published_forecasts_of_m3_have_their_published_errors(
    name: str, theta: float, forecast_pro: float, naive2: float
) -> None:
    part = competitions.read_part(DATA, "m3", name)
    names, past, future = part.arrays()
    published = pl.read_parquet(DATA / "m3" / "published_forecasts.parquet").filter(pl.col("unique_id").is_in(names))
    for method, expected in (("THETA", theta), ("ForecastPro", forecast_pro), ("NAIVE2", naive2)):
        own = published.filter(pl.col("method") == method).sort("unique_id", "t")
        made = own["yhat"].to_numpy().reshape(len(names), part.horizon)
        assert competitions.smape(future, made).mean() == pytest.approx(expected, abs=6e-3)
    # our Naive2 tests for a season as the M4 organisers do, so it may differ from that of M3 by little
    assert competitions.smape(future, competitions.naive2(past, part.season, part.horizon)).mean() == pytest.approx(
        naive2, rel=0.02
    )


def test_the_newest_horizon_stands_for_a_test_part_that_is_kept_aside(tmp_path: Path) -> None:
    folder = tmp_path / "m4"
    folder.mkdir()
    frame = pl.DataFrame({"unique_id": ["W1"] * 40, "t": range(1, 41), "y": [float(at) for at in range(40)]})
    frame.write_parquet(folder / "weekly_train.parquet")
    part = competitions.read_part(tmp_path, "m4", "weekly")
    assert not part.official
    assert part.train["t"].max() == 27
    assert part.test["t"].to_list() == list(range(28, 41))
