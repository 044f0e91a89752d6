"""What each column of a forecast is for, and what whole-number times say about the season."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from sevenstep.spec.brief import Brief, Seen
from sevenstep.spec.model import Data
from sevenstep.tasks.forecast.roles import find_roles
from sevenstep.tasks.forecast.season import detect_season
from sevenstep.tasks.forecast.section import Forecast


def brief_of(time: str, *, series: list[str], **section: Any) -> Brief:
    data = Data.model_validate({"source": "a.csv", "time": time, "series": series})
    return Brief({"targets": ("y",), "data": data}, Seen(Forecast(horizon=4, **section), tuple(Forecast.model_fields)))


def days(count: int = 12) -> pl.DataFrame:
    start = date(2024, 1, 1)
    frames = [
        pl.DataFrame(
            {
                "shop": [shop] * count,
                "day": [start + timedelta(step) for step in range(count)],
                "y": [float(step) for step in range(count - 2)] + [None, None],
                "size": [size] * count,
                "opened": [None if shop == "b" else "1990"] * count,
                "offer": ["bread" if step % 5 == 2 else None for step in range(count)],
            }
        )
        for shop, size in (("a", 3), ("b", 5))
    ]
    return pl.concat(frames, how="vertical_relaxed")


def test_a_column_filled_on_some_days_of_a_series_is_not_static() -> None:
    roles, _ = find_roles(days(), brief_of("day", series=["shop"]), {})
    assert (roles.static, roles.observed) == (("size", "opened"), ("offer",))


def test_an_attribute_that_open_rows_lack_stays_static() -> None:
    items = days().with_columns(size=pl.when(pl.col("y").is_not_null()).then("size"))
    assert "size" in find_roles(items, brief_of("day", series=["shop"]), {})[0].static


# The season of whole-number times


def counted(season: int, *, series: int = 6, length: int = 0, noise: float = 0.5, seed: int = 1) -> pl.DataFrame:
    """Series over 1, 2, 3 ... with a pattern of a season, a wandering level and noise."""
    rng = np.random.default_rng(seed)
    length = length or max(8 * season, 60)
    pattern = rng.normal(0, 1, season)
    frames = []
    for one in range(series):
        level = 50 + np.cumsum(rng.normal(0, 0.3, length))
        y = level + 3 * pattern[np.arange(length) % season] + rng.normal(0, noise, length)
        frames.append(pl.DataFrame({"id": [one] * length, "t": np.arange(1, length + 1), "y": y}))
    return pl.concat(frames)


@pytest.mark.parametrize("season", [4, 7, 12, 24, 52])
def test_the_season_of_a_counter_is_read_off_the_values(season: int) -> None:
    _, facts = find_roles(counted(season), brief_of("t", series=["id"]), {})
    assert facts["season"]["value"] == season
    assert f"changes {season} steps apart are alike" in facts["season"]["reason"]


def test_of_hours_of_a_day_within_a_week_the_day_is_the_season() -> None:
    t = np.arange(168 * 5)
    y = 10 + 3 * np.sin(2 * np.pi * t / 24) + 2 * ((t // 24) % 7 >= 5) + np.random.default_rng(0).normal(0, 0.3, len(t))
    assert detect_season(pl.DataFrame({"t": t, "y": y}), "t", (), "y", 1)[0] == 24


@pytest.mark.parametrize("seed", range(12))
def test_walks_and_noise_have_no_season(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for y in (rng.normal(0, 1, 240), np.cumsum(rng.normal(0, 1, 240)), np.convolve(rng.normal(0, 1, 260), np.ones(9), "valid")):
        frame = pl.DataFrame({"t": np.arange(len(y)), "y": y})
        value, reason = detect_season(frame, "t", (), "y", 1)
        assert value == 1 and reason.startswith("no season of 4, 7, 12")


@pytest.mark.parametrize("common", [0.0, 0.5, 0.95])
def test_many_series_of_noise_have_no_season_however_alike_they_are(common: float) -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        shared, own = rng.normal(0, 1, 120), rng.normal(0, 1, (40, 120))
        y = common * shared + (1 - common) * own
        frame = pl.DataFrame({"id": np.repeat(np.arange(40), 120), "t": np.tile(np.arange(120), 40), "y": y.ravel()})
        assert detect_season(frame, "t", ("id",), "y", 1)[0] == 1


def test_many_short_series_together_show_a_season_that_one_alone_does_not() -> None:
    frame = counted(4, series=200, length=40, noise=4.0)
    assert detect_season(frame.filter(pl.col("id") == 3), "t", (), "y", 1)[0] == 1
    assert detect_season(frame, "t", ("id",), "y", 1)[0] == 4


def test_a_season_needs_three_rounds_to_be_seen_and_steps_may_be_missing() -> None:
    whole = counted(24, length=24 * 6, series=3)
    holes = whole.filter(pl.Series(np.random.default_rng(2).random(len(whole)) > 0.1))
    assert detect_season(holes, "t", ("id",), "y", 1)[0] == 24
    assert detect_season(whole.filter(pl.col("t") <= 60), "t", ("id",), "y", 1)[0] == 1


def test_a_season_that_is_stated_is_taken() -> None:
    _, facts = find_roles(counted(12), brief_of("t", series=["id"], season=3), {})
    assert facts["season"] == {"value": 3, "reason": "spec"}


def test_a_calendar_says_its_own_season() -> None:
    _, facts = find_roles(days(), brief_of("day", series=["shop"]), {})
    assert facts["season"] == {"value": 7, "reason": "usual for steps of 1d"}
