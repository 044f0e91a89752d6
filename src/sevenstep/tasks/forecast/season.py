"""The season of series over plain counters, read off their values: whole numbers do not say whether they are hours or weeks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.forecast.clock import Clock

__all__ = ["SEASONS", "detect_season"]

Floats = NDArray[np.float64]

SEASONS = (4, 7, 12, 24, 52, 168)
"""Quarters of a year, days of a week, months, hours of a day, weeks of a year, hours of a week."""

MOST_SERIES, LEAST_CYCLES = 200, 3
MANY = 10  # series from which their scatter can be told
ERRORS = 3.0  # standard errors a correlation must lie above 0, six lags being tried
LEAST = 0.1  # and its least size
AS_GOOD = 0.5  # a season that divides the strongest one, and has this share of its correlation, is the main season


def detect_season(known: pl.DataFrame, time: str, keys: Sequence[str], target: str, frequency: int) -> tuple[int, str]:
    """The season in steps, 1 where none stands out, and the reason in words.

    Looks at the correlation of the changes from step to step with those a season before, in the mean over a sample of series. A
    season counts where that lies `ERRORS` standard errors above 0 (Bartlett's formula for one series; many that move together are
    no more proof than one) and above its neighbours on both sides: what merely moves slowly is alike at any short distance.

    Args:
        known: rows with whole-number times, in which ``target`` is known.
    """
    changes = [np.diff(values) for values in _sample(known, time, keys, target, frequency)]
    found: dict[int, tuple[float, float]] = {}
    for season in SEASONS:
        stands = _stands_out([own for own in changes if len(own) >= LEAST_CYCLES * season], season, len(changes))
        found |= {season: stands} if stands else {}
    if not found:
        return 1, f"no season of {', '.join(map(str, SEASONS))} steps stands out from chance in the changes of the values"
    strongest = max(found, key=lambda season: found[season][0])
    main = min(season for season in found if strongest % season == 0 and found[season][0] >= AS_GOOD * found[strongest][0])
    size, chance = found[main]
    return main, f"changes {main} steps apart are alike: correlation {size:.2f}, by chance hardly over {chance:.2f}"


def _sample(known: pl.DataFrame, time: str, keys: Sequence[str], target: str, frequency: int) -> list[Floats]:
    """Some series, every so many-th, on their grids; missing steps are NaN."""
    clock = Clock.of(known[time], frequency)
    series = pl.struct(keys).rank("dense") if keys else pl.lit(1)
    rows = known.select(
        series.alias("series"), clock.steps(pl.col(time)).alias("step"), pl.col(target).cast(pl.Float64, strict=False).alias("y")
    )
    every = max(1, -(-rows["series"].n_unique() // MOST_SERIES))
    rows = rows.drop_nulls().filter(pl.col("series") % every == 0).unique(["series", "step"]).sort("series", "step")
    return [_gridded(own["step"].to_numpy(), own["y"].to_numpy()) for own in rows.partition_by("series")]


def _gridded(step: NDArray[np.int32], values: Floats) -> Floats:
    grid = np.full(int(step[-1] - step[0]) + 1, np.nan)
    grid[step - step[0]] = values
    return grid


def _stands_out(changes: Sequence[Floats], season: int, series: int) -> tuple[float, float] | None:
    """Mean correlation at a season and what chance hardly exceeds; None where it does not stand out.

    At least half of the series must be long enough.
    """
    if not changes or 2 * len(changes) < series:
        return None
    found = [_correlations(own, season + 1) for own in changes]
    varied = np.array([own for own in found if np.isfinite(own).all()]).reshape(-1, season + 2)
    if not len(varied):
        return None
    mean = varied.mean(axis=0)
    n = float(np.median([np.isfinite(own).sum() for own in changes]))
    chance = ERRORS * _error(varied[:, season], float(np.sqrt((1.0 + 2.0 * np.sum(mean[1:season] ** 2)) / n)))
    peak = mean[season] > max(mean[season - 1], mean[season + 1])
    size = float(mean[season])
    return (size, chance) if peak and size >= max(chance, LEAST) else None


def _error(correlations: Floats, single: float) -> float:
    """Standard error of the mean of the series' correlations, ``single`` being that of one of them.

    What series have in common does not cancel in their mean: it is what their correlations scatter less than they would alone.
    The scatter is taken at its lower end (two standard errors of a variance), lest chance pass for independence.
    """
    if len(correlations) < MANY:
        return single
    scatter = float(correlations.var(ddof=1))
    least = scatter * (1.0 - 2.0 * np.sqrt(2.0 / (len(correlations) - 1)))
    return float(np.sqrt(max(single**2 - least, 0.0) + scatter / len(correlations)))


def _correlations(values: Floats, lags: int) -> Floats:
    """Autocorrelations at lags 0 to ``lags`` over the pairs of known values."""
    known = np.isfinite(values)
    away = np.where(known, values - values[known].mean() if known.any() else 0.0, 0.0)
    whole = float((away**2).sum()) / max(int(known.sum()), 1)
    result = np.full(lags + 1, np.nan)
    for lag in range(lags + 1) if whole > 0 else ():
        pairs = int((known[lag:] & known[: len(known) - lag]).sum())
        result[lag] = float((away[lag:] * away[: len(away) - lag]).sum()) / max(pairs, 1) / whole
    return result
