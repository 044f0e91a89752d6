"""What forecast error can be reached in a generated world, so that the goals in its spec are neither idle nor hopeless."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevenstep.templates.retail.days import HORIZON
from sevenstep.templates.retail.world import World
from sevenstep.templates.streams import Booleans, Floats

__all__ = ["Reach", "reach_of_orders", "reach_of_revenue"]

_WINDOWS = 5
_WEEKS_BACK = 4
_ROOM = (
    0.2  # of the way from the oracle to the naive rule: plain boosting comes within a tenth, so this is demanding and in reach
)


@dataclass(frozen=True)
class Reach:
    """WAPE (a share of 1) over the last five windows of the horizon: of the seasonal naive rule, and of the true expectation."""

    naive: float
    oracle: float

    @property
    def goal(self) -> float:
        """A goal between the two, rounded to half a point."""
        return round((self.oracle + _ROOM * (self.naive - self.oracle)) * 200) / 200


def reach_of_orders(world: World) -> Reach:
    """What can be reached for orders."""
    return _reach(world, world.orders.astype(float), world.expected)


def reach_of_revenue(world: World) -> Reach:
    """What can be reached for revenue."""
    return _reach(world, (world.quantity * world.price).astype(float), world.expected * world.expected_basket * world.price)


def _reach(world: World, actual: Floats, expected: Floats) -> Reach:
    end = world.setting.days.history
    scored = slice(end - _WINDOWS * HORIZON, end)
    naive = np.concatenate(
        [_seasonal_naive(actual, world.open, origin) for origin in range(scored.start, scored.stop, HORIZON)], axis=1
    )
    is_open = world.open[:, scored]
    return Reach(*(_wape(actual[:, scored], forecast, is_open) for forecast in (naive, expected[:, scored])))


def _wape(actual: Floats, forecast: Floats, scored: Booleans) -> float:
    """Sum of absolute errors over sum of actuals (Kolassa and Schütz, 2007)."""
    return float(np.abs(actual - forecast)[scored].sum() / actual[scored].sum())


def _seasonal_naive(actual: Floats, is_open: Booleans, origin: int) -> Floats:
    """The newest open day of the same weekday before ``origin``, for each of the days of the horizon; 0 where there is none."""
    forecast = np.zeros((len(actual), HORIZON))
    for step in range(HORIZON):
        same_weekday = origin + step % 7 - 7 * np.arange(_WEEKS_BACK, 0, -1)  # the newest last, so that it has the last word
        for day in same_weekday:
            forecast[:, step] = np.where(is_open[:, day], actual[:, day], forecast[:, step])
    return forecast
