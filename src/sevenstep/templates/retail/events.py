"""Local events known ahead: festivals that draw people to the stores, road works that keep them away."""

from __future__ import annotations

import numpy as np

from sevenstep.templates.retail.days import Days
from sevenstep.templates.retail.network import Network
from sevenstep.templates.streams import Integers, stream

__all__ = ["EVENTS", "make_events"]

EVENTS = ("none", "festival", "road_works")
_SATURDAY = 5


def make_events(seed: int, network: Network, days: Days) -> Integers:
    """Position in `EVENTS` by region and day: a festival on about one weekend in six, road works on about one weekday in 60."""
    generator = stream(seed, "events")
    shape = (len(network.regions), days.total)
    saturdays, weekdays = days.weekday == _SATURDAY, days.weekday < _SATURDAY
    festival = (generator.random(shape) < 1 / 6) & saturdays
    festival[:, 1:] |= festival[:, :-1] & saturdays[:-1]
    road_works = (generator.random(shape) < 1 / 60) & weekdays
    return np.where(festival, EVENTS.index("festival"), np.where(road_works, EVENTS.index("road_works"), 0))
