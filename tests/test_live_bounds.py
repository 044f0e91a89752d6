"""Bounds that live rows stretch or narrow until they hold what they promise."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sevenstep.live.bounds import FEWEST, PRIOR, stretch_of, stretched
from sevenstep.live.kept import keep_rows
from sevenstep.tasks.scoretable import BOUNDS

SCALES = {"lower_80": -1.2816, "upper_80": 1.2816, "lower_95": -1.96, "upper_95": 1.96}
"""Where the bounds of a standard normal error lie."""


def rows(days: int, spread: float, used: float = 1.0, version: int = 1) -> pl.DataFrame:
    """A hundred rows a day whose errors are ``spread`` times as wide as the bounds of the release say; ``used`` is the factor the
    bounds were made with.
    """
    chance = np.random.default_rng(5)
    count = 100 * days
    said = np.full(count, 1000.0)
    frame = {"time": [date(2026, 1, 1) + timedelta(place // 100) for place in range(count)], "target": ["y"] * count,
             "fold": np.full(count, version, np.int32), "prediction": said,
             "truth": said + 10.0 * spread * chance.standard_normal(count)}  # fmt: skip
    return pl.DataFrame(frame | {bound: said + 10.0 * used * SCALES[bound] for bound in BOUNDS})


def asked(tmp_path: Path, frame: pl.DataFrame, earlier: dict[int, dict[str, dict[str, float]]] | None = None) -> dict[str, float]:
    keep_rows(tmp_path, 1, frame, 1)
    return dict(stretch_of(tmp_path, 1, earlier or {}).get("y", {}))


def covered(frame: pl.DataFrame, level: int) -> float:
    inside = pl.col("truth").is_between(pl.col(f"lower_{level}"), pl.col(f"upper_{level}"))
    return float(frame.select(inside.mean())[0, 0])


@pytest.mark.parametrize("spread", [0.7, 1.0, 1.6])
def test_bounds_become_as_wide_as_the_errors_are(tmp_path: Path, spread: float) -> None:
    found = asked(tmp_path, rows(28, spread))
    weight = 28 / (28 + PRIOR)
    for bound in BOUNDS:
        assert found[bound] == pytest.approx(spread**weight, rel=0.08)


def test_stretched_bounds_hold_what_they_promise(tmp_path: Path) -> None:
    frame = rows(28, 1.6)
    assert covered(frame, 80) < 0.62
    wider = stretched(frame, {"y": asked(tmp_path, frame)})
    assert covered(wider, 80) == pytest.approx(0.80, abs=0.05)
    assert covered(wider, 95) == pytest.approx(0.95, abs=0.03)
    assert wider["prediction"].equals(frame["prediction"])


def test_bounds_that_were_stretched_already_are_seen_as_they_were_before(tmp_path: Path) -> None:
    plain = asked(tmp_path, rows(28, 1.6))
    factors = dict.fromkeys(BOUNDS, 1.5)
    again = asked(tmp_path, rows(28, 1.6, used=1.5, version=4), {4: {"y": factors}})
    assert again == pytest.approx(plain)


def test_a_few_days_change_nothing(tmp_path: Path) -> None:
    assert asked(tmp_path, rows(FEWEST - 1, 3.0)) == {}
    assert stretch_of(tmp_path / "none", 1, {}) == {}


def test_what_is_never_negative_stays_so_and_other_targets_as_they_are() -> None:
    frame = pl.DataFrame({"target": ["y", "x"], "prediction": [10.0, 10.0], "lower_80": [6.0, 6.0], "upper_80": [14.0, 14.0],
                          "lower_95": [1.0, 1.0], "upper_95": [19.0, 19.0]})  # fmt: skip
    moved = stretched(frame, {"y": dict.fromkeys(BOUNDS, 2.0)})
    assert moved.row(0) == ("y", 10.0, 2.0, 18.0, 0.0, 28.0)
    assert moved.row(1) == frame.row(1)
