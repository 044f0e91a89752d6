"""The days of the generated world: fixed dates, so that holidays, seed and files belong together for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from sevenstep.templates.streams import Floats, Integers

__all__ = ["FIRST_DAY", "HORIZON", "LAST_DAY", "Days"]

FIRST_DAY = date(2024, 1, 1)
LAST_DAY = date(2026, 2, 8)  # the newest actuals; the two weeks after it hold Seollal 2026
HORIZON = 14


@dataclass(frozen=True)
class Days:
    """All days simulated: ``history`` days with actuals, then `HORIZON` days that are still to come."""

    history: int = (LAST_DAY - FIRST_DAY).days + 1

    @property
    def total(self) -> int:
        """History and days to come."""
        return self.history + HORIZON

    @property
    def dates(self) -> npt.NDArray[np.datetime64]:
        """Every day as ``datetime64[D]``."""
        return np.datetime64(FIRST_DAY) + np.arange(self.total)

    @property
    def weekday(self) -> Integers:
        """0 for Monday to 6 for Sunday."""
        return (FIRST_DAY.weekday() + np.arange(self.total)) % 7

    @property
    def years(self) -> Floats:
        """Years since the first day."""
        return np.arange(self.total) / 365.25

    def season(self, peak_day: int) -> Floats:
        """A yearly wave from -1 to 1 that is 1 on ``peak_day`` of the year (1 = 1 January)."""
        day_of_year = (self.dates - self.dates.astype("datetime64[Y]")).astype(np.int64) + 1
        wave: Floats = np.cos(2 * np.pi * (day_of_year - peak_day) / 365.25)
        return wave

    def number(self, day: date) -> int:
        """The position of ``day``; below 0 or past the end for days outside."""
        return (day - FIRST_DAY) // timedelta(days=1)
