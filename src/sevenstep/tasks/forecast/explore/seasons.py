"""Which seasons are worth using: strong enough to matter, and seen often enough to be learnt."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.forecast.explore.strength import season_strength
from sevenstep.tasks.forecast.panel import Settings
from sevenstep.wording import roughly

__all__ = ["SeasonFact", "weigh_seasons", "year_reason"]

STRONG, STRONG_SERIES, SHARE_OF_SERIES = 0.05, 0.3, 0.1
LEAST_CYCLES = 2.0
DAYS_OF_WEEK = 7
HOURS = 24


@dataclass(frozen=True)
class SeasonFact:
    """Strength of one season over the series that are long enough, and whether it is used.

    ``low`` and ``high`` are quartiles over series; all three are None where no series is long enough.
    """

    season: int
    strength: float | None
    low: float | None
    high: float | None
    n: int
    cycles: float
    used: bool
    reason: str

    def to_json(self) -> dict[str, Any]:
        """The fact as JSON values."""
        return asdict(self)


def weigh_seasons(grid: NDArray[np.float64], settings: Settings) -> list[SeasonFact]:
    """The season of the settings, and for days of hours (or finer) also the week of days."""
    seen = np.isfinite(grid)
    length = float(np.median(_spans(seen)))
    facts: list[SeasonFact] = []
    for season in _candidates(settings):
        removed = [fact.season for fact in facts if fact.used]
        facts.append(_weigh(season, season_strength(grid, season, removed), length / season))
    return facts


def _candidates(settings: Settings) -> list[int]:
    if settings.season <= 1:
        return []
    daily = settings.season == HOURS or str(settings.frequency).endswith(("h", "min"))
    return [settings.season, DAYS_OF_WEEK * settings.season] if daily else [settings.season]


def _spans(seen: NDArray[np.bool_]) -> NDArray[np.int64]:
    width = seen.shape[1]
    first, last = seen.argmax(axis=1), width - 1 - seen[:, ::-1].argmax(axis=1)
    return np.where(seen.any(axis=1), last - first + 1, 0).astype(np.int64)


def _weigh(season: int, strength: NDArray[np.float64], cycles: float) -> SeasonFact:
    known = strength[np.isfinite(strength)]
    if not len(known) or cycles < LEAST_CYCLES:
        reason = f"the usual series covers {cycles:.1f} seasons; at least {LEAST_CYCLES:g} are needed to learn one"
        return SeasonFact(season, None, None, None, len(known), cycles, False, reason)
    low, middle, high = (float(value) for value in np.quantile(known, [0.25, 0.5, 0.75]))
    strong = float((known >= STRONG_SERIES).mean())
    used = middle >= STRONG or strong >= SHARE_OF_SERIES
    reason = f"explains {roughly(middle)} of what varies around the trend in the usual series (n = {len(known):,} series)"
    return SeasonFact(season, middle, low, high, len(known), cycles, used, reason if used else f"{reason}: too little to use")


def year_reason(length: float, settings: Settings) -> tuple[int, str]:
    """Steps of the year for comparisons with last year, or 0, and why; ``length`` is that of the usual series."""
    if not settings.year:
        return 0, "the time axis knows no year"
    if length < 1.25 * settings.year:
        return 0, f"the usual series covers {length / settings.year:.2f} years; 1.25 are needed to compare with last year"
    return settings.year, f"the usual series covers {length / settings.year:.2f} years"
