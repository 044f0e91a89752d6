"""Orders booked ahead: what was already on the books some days before a date, growing as the date comes near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevenstep.templates.retail.demand import Setting
from sevenstep.templates.retail.network import DELIVERIES
from sevenstep.templates.streams import Integers, stream

__all__ = ["BOOKING_LEADS", "Bookings", "make_bookings"]

BOOKING_LEADS = (1, 2, 3, 5, 7, 10, 14)


@dataclass(frozen=True)
class Bookings:
    """``booked`` is series by day by lead (`BOOKING_LEADS`); ``series`` are the positions of the series that take bookings."""

    series: Integers
    booked: Integers


def make_bookings(seed: int, setting: Setting, orders: Integers) -> Bookings:
    """Thin the final orders backwards: of those booked at one lead, each was there at the next longer one by the pickup curve."""
    generator, effects, network = stream(seed, "bookings"), setting.effects, setting.network
    ahead = [DELIVERIES.index(name) for name in effects.pickup_days]
    series = np.flatnonzero(np.isin(network.delivery, ahead))
    scale = np.array([effects.pickup_days.get(name, np.inf) for name in DELIVERIES])[network.delivery[series]][:, None]
    booked, now, lead_before = [], orders[series], 0
    for lead in BOOKING_LEADS:
        now = generator.binomial(now, np.exp(-(lead - lead_before) / scale))
        booked.append(now)
        lead_before = lead
    return Bookings(series, np.stack(booked, axis=2))
