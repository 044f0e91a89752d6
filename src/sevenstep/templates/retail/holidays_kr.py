"""Korean public holidays, the two great feasts with their rush before and quiet after, and the days a depot is closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from sevenstep.templates.retail.days import FIRST_DAY, LAST_DAY, Days
from sevenstep.templates.retail.effects import TrueEffects
from sevenstep.templates.retail.network import DELIVERIES
from sevenstep.templates.streams import Booleans, Floats, Integers

__all__ = ["Holidays", "make_holidays"]

_FEASTS = ("Korean New Year", "Chuseok")
_SUNDAY = 6


@dataclass(frozen=True)
class Holidays:
    """By day: ``public`` holidays, ``rush`` before a feast (0 to 1), its ``aftermath``; ``closed`` is delivery type by day."""

    public: Booleans
    rush: Floats
    aftermath: Booleans
    closed: Booleans


def make_holidays(days: Days, effects: TrueEffects) -> Holidays:
    """The calendar of the `holidays` library for Korea as it bears on this world."""
    names = _public_holidays()
    public = np.zeros(days.total, dtype=bool)
    feasts = sorted(days.number(day) for day, name in names.items() if set(name.split("; ")) & set(_FEASTS))
    for day in names:
        if 0 <= days.number(day) < days.total:
            public[days.number(day)] = True
    gap = np.arange(days.total)[None, :] - np.array(feasts)[:, None]
    before, after = effects.lead_up_days + 1 + gap, effects.aftermath_days
    rush = np.where((gap < 0) & (before > 0), before / effects.lead_up_days, 0.0).max(axis=0)
    return Holidays(public, rush, ((gap > 0) & (gap <= after)).any(axis=0), _closed(days, gap))


def _public_holidays() -> dict[date, str]:
    from holidays import country_holidays

    return dict(country_holidays("KR", years=range(FIRST_DAY.year, LAST_DAY.year + 1), language="en_US"))


def _closed(days: Days, gap: Integers) -> Booleans:
    """All rest on the feast itself; parcels rest on its three days and on every Sunday."""
    closed = np.zeros((len(DELIVERIES), days.total), dtype=bool)
    closed[:] = (gap == 0).any(axis=0)
    closed[DELIVERIES.index("parcel")] |= (np.abs(gap) <= 1).any(axis=0) | (days.weekday == _SUNDAY)
    return closed
