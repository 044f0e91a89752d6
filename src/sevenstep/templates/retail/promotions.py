"""Promotions and prices of every product in every region, known ahead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevenstep.templates.retail.days import Days
from sevenstep.templates.retail.effects import TrueEffects
from sevenstep.templates.retail.network import Network
from sevenstep.templates.streams import Booleans, Floats, Integers, stream

__all__ = ["Promotions", "make_promotions"]

_DISCOUNTS = (0.10, 0.15, 0.20, 0.25, 0.30)
_BEYOND = 14  # days simulated past the end, for the dip before a promotion that starts there


@dataclass(frozen=True)
class Promotions:
    """By place (`Network.place`) and day: a promotion is ``on``, is about to start (``before``), has just ended (``after``).

    ``price`` is the price paid in KRW, net of the discount, a multiple of 10.
    """

    on: Booleans
    before: Booleans
    after: Booleans
    price: Integers


def make_promotions(seed: int, network: Network, days: Days, effects: TrueEffects) -> Promotions:
    """A promotion of 5 to 8 days every month or so with a discount of 10 to 30 %, and a shelf price that moves in steps."""
    generator = stream(seed, "promotions")
    places = len(network.regions) * len(network.products)
    discount = np.stack([_discounts(generator, days.total + _BEYOND) for _ in range(places)])
    on = discount > 0
    before, after = _within(on[:, ::-1], effects.pre_days)[:, ::-1], _within(on, effects.post_days)
    price = np.rint(_shelf_prices(seed, network, days, effects) * (1 - discount[:, : days.total]) / 10) * 10
    kept = slice(0, days.total)
    return Promotions(on[:, kept], (before & ~on)[:, kept], (after & ~on & ~before)[:, kept], price.astype(np.int64))


def _discounts(generator: np.random.Generator, total: int) -> Floats:
    discount, start = np.zeros(total), int(generator.integers(0, 35))
    while start < total:
        end = start + int(generator.integers(5, 9))
        discount[start:end] = generator.choice(_DISCOUNTS)
        start = end + int(generator.integers(18, 46))
    return discount


def _within(on: Booleans, reach: int) -> Booleans:
    """Days that follow a day of ``on`` by 1 to ``reach`` days."""
    near = np.zeros_like(on)
    for gap in range(1, reach + 1):
        near[:, gap:] |= on[:, :-gap]
    return near


def _shelf_prices(seed: int, network: Network, days: Days, effects: TrueEffects) -> Floats:
    """List price by place, moved by up to 8 % about every 150 days."""
    generator = stream(seed, "prices")
    listed = np.array([effects.products[product.name].list_price for product in network.products], dtype=float)
    start = np.tile(listed, len(network.regions))[:, None]
    moves = generator.random((len(start), days.total)) < 1 / 150
    steps = np.where(moves, generator.uniform(-0.08, 0.08, moves.shape), 0.0)
    prices: Floats = start * np.exp(np.clip(np.cumsum(steps, axis=1), -0.15, 0.15))
    return prices
