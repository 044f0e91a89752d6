"""The whole generated world: everything that is given, and what came of it, the hidden truth included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevenstep.templates.retail.bookings import Bookings, make_bookings
from sevenstep.templates.retail.days import Days
from sevenstep.templates.retail.demand import Setting, draw_demand, expected_orders, launched
from sevenstep.templates.retail.effects import TrueEffects, draw_effects
from sevenstep.templates.retail.events import make_events
from sevenstep.templates.retail.holidays_kr import make_holidays
from sevenstep.templates.retail.leadtime import lead_times
from sevenstep.templates.retail.network import make_network
from sevenstep.templates.retail.promotions import make_promotions
from sevenstep.templates.retail.stockouts import Supply, make_supply
from sevenstep.templates.retail.weather import make_weather
from sevenstep.templates.streams import Booleans, Floats, Integers, stream

__all__ = ["World", "make_world"]


@dataclass(frozen=True)
class World:
    """All arrays are series by day, the days to come at the end (`Days.history` marks where they begin).

    Args:
        expected: mean orders from all that can be known (weather included); the best any model could forecast far ahead.
        demand: orders wanted.
        orders: orders filled, at most the stock.
        quantity: items in them.
        lead_time_hours: hours from order to hand-over.
        open: whether the series has a row that day: its product is launched and its depot not closed.
    """

    seed: int
    size: str
    setting: Setting
    supply: Supply
    expected: Floats
    demand: Integers
    orders: Integers
    quantity: Integers
    lead_time_hours: Floats
    open: Booleans
    bookings: Bookings

    @property
    def effects(self) -> TrueEffects:
        """The true effect sizes (``planted`` is empty: faults are put into files, see `writer`)."""
        return self.setting.effects

    @property
    def price(self) -> Integers:
        """Price paid in KRW by series and day."""
        return self.setting.promotions.price[self.setting.network.place]

    @property
    def expected_basket(self) -> Floats:
        """Mean items per order by series and day."""
        return _expected_basket(self.setting)


def make_world(seed: int = 0, size: str = "small") -> World:
    """The world of a seed and a size (`network.SIZES`); equal arguments give equal worlds."""
    setting = _make_setting(seed, size)
    expected = expected_orders(seed, setting)
    is_open = launched(setting) & ~setting.holidays.closed[setting.network.delivery]
    demand = np.where(is_open, draw_demand(seed, setting, expected), 0)
    supply = make_supply(seed, setting, expected)
    orders = np.minimum(demand, supply.stock)
    return World(
        seed, size, setting, supply, expected, demand, orders,
        quantity=_quantity(seed, setting, orders),
        lead_time_hours=lead_times(seed, setting, orders),
        open=is_open,
        bookings=make_bookings(seed, setting, orders),
    )  # fmt: skip


def _make_setting(seed: int, size: str) -> Setting:
    network, days = make_network(seed, size), Days()
    effects = draw_effects(seed, network)
    return Setting(
        network, days, effects,
        weather=make_weather(seed, network, days, effects),
        holidays=make_holidays(days, effects),
        promotions=make_promotions(seed, network, days, effects),
        events=make_events(seed, network, days),
    )  # fmt: skip


def _expected_basket(setting: Setting) -> Floats:
    network, effects = setting.network, setting.effects
    usual = network.by_product(effects.of_products("basket")) * network.by_delivery(effects.basket)
    basket: Floats = usual * np.where(setting.promotions.on[network.place], effects.basket_promotion, 1.0)
    return basket


def _quantity(seed: int, setting: Setting, orders: Integers) -> Integers:
    """Every order holds one item and a Poisson number of further ones."""
    further = stream(seed, "baskets").poisson(orders * (_expected_basket(setting) - 1))
    return orders + further
