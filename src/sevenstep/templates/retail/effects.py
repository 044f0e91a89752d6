"""The true effect sizes of the generated world, in one place: the simulation reads them here, and so do tests and benches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from sevenstep.templates.retail.network import Network
from sevenstep.templates.streams import stream

__all__ = ["Planted", "ProductEffects", "TrueEffects", "draw_effects"]


@dataclass(frozen=True)
class ProductEffects:
    """What is true of one product.

    Args:
        popularity: orders a day in a region of size 1 by the store, all else at its normal.
        lift: log effect of a promotion beyond its lower price.
        elasticity: log orders per log price.
        basket: items per order, of which the first is certain.
        list_price: KRW.
    """

    popularity: float
    lift: float
    elasticity: float
    basket: float
    list_price: int


@dataclass(frozen=True)
class Planted:
    """A fault put into a file on purpose: its line (the header is line 1), its column, what stands there, what was true."""

    file: str
    line: int
    kind: str
    column: str
    given: str
    was: str


def _weekdays() -> dict[str, tuple[float, ...]]:
    return {
        "store": (-0.10, -0.12, -0.08, -0.02, 0.10, 0.28, 0.20),
        "home": (0.05, 0.00, -0.02, 0.02, 0.10, 0.12, -0.05),
        "parcel": (0.25, 0.10, 0.05, 0.00, -0.05, -0.30, 0.00),
    }


def _events() -> dict[str, dict[str, float]]:
    return {
        "festival": {"store": 0.18, "home": -0.05, "parcel": 0.0},
        "road_works": {"store": -0.20, "home": -0.10, "parcel": 0.0},
    }


def _by_delivery(store: float, home: float, parcel: float) -> dict[str, float]:
    return {"store": store, "home": home, "parcel": parcel}


def _by_class(frozen: float, chilled: float, ambient: float) -> dict[str, float]:
    return {"frozen": frozen, "chilled": chilled, "ambient": ambient}


@dataclass(frozen=True)
class TrueEffects:
    """Every effect of the world. Effects on demand are additive in log orders unless said otherwise.

    Demand:
        products: by product, see `ProductEffects`.
        share: orders by delivery type relative to the store (a factor).
        weekday: by delivery type, Monday first (parcels rest on Sundays).
        growth: by delivery type, per year.
        season, season_peak: half-range of the yearly wave by temperature class, and the day of the year of its top.
        temperature: by temperature class, per 10 °C above the normal of the day.
        rain: by delivery type, per unit of log(1 + mm).
        pre_dip, post_dip: share of a promotion's lift that demand lies lower before it starts and after it ends,
            over ``pre_days`` and ``post_days`` days.
        holiday: by delivery type, on a public holiday.
        lead_up: by temperature class on the day before Seollal and Chuseok, growing evenly over ``lead_up_days``.
        aftermath: on the ``aftermath_days`` days after Seollal and Chuseok.
        event: by kind of event and delivery type.
        launch, launch_days: start of a new product's demand below its level, and the days in which the gap falls by a factor e.
    Noise:
        affinity: standard deviation of a series' own level.
        drift, drift_memory: standard deviation of a series' slow wandering, and its correlation from day to day.
        shock: standard deviation of what all series of a region share on one day.
        dispersion, dispersion_small: variance of orders is mean + alpha mean² with alpha = dispersion +
            dispersion_small / level of the series.
    Outcomes:
        basket: factor on the mean basket by delivery type; basket_promotion: factor on a promotion day.
        stockout_start, stockout_promotion: chance a day that a spell of short supply begins; factor on it during a promotion.
        stockout_days, stockout_cover: longest spell; supply in it as a share of expected demand, lowest and highest.
        hidden_stock: every how many-th series keeps no record of its stock.
        lead_hours: typical hours from order to hand-over by delivery type.
        lead_load: log hours per log of the depot's orders over their median.
        lead_rain: log hours per log(1 + mm) by delivery type.
        lead_noise: standard deviation of log hours.
        pickup_days: by delivery type with bookings; the share booked a lead of L days before is exp(-L / pickup_days).
        forecast_error: standard deviation in °C of a temperature forecast, times the root of its lead in days.
        forecast_miss: chance per day of lead that the rain forecast is that of an unrelated day.
    Faults:
        planted: the faulty rows of the written files.
    """

    products: Mapping[str, ProductEffects]
    share: Mapping[str, float] = field(default_factory=lambda: _by_delivery(1.0, 0.6, 0.35))
    weekday: Mapping[str, tuple[float, ...]] = field(default_factory=_weekdays)
    growth: Mapping[str, float] = field(default_factory=lambda: _by_delivery(-0.04, 0.10, 0.05))
    season: Mapping[str, float] = field(default_factory=lambda: _by_class(0.35, 0.10, 0.12))
    season_peak: Mapping[str, int] = field(default_factory=lambda: {"frozen": 209, "chilled": 180, "ambient": 350})
    temperature: Mapping[str, float] = field(default_factory=lambda: _by_class(0.30, 0.08, -0.04))
    rain: Mapping[str, float] = field(default_factory=lambda: _by_delivery(-0.05, 0.07, 0.02))
    pre_dip: float = 0.3
    pre_days: int = 3
    post_dip: float = 0.4
    post_days: int = 5
    holiday: Mapping[str, float] = field(default_factory=lambda: _by_delivery(0.12, 0.08, -0.35))
    lead_up: Mapping[str, float] = field(default_factory=lambda: _by_class(0.10, 0.25, 0.40))
    lead_up_days: int = 7
    aftermath: float = -0.30
    aftermath_days: int = 3
    event: Mapping[str, Mapping[str, float]] = field(default_factory=_events)
    launch: float = -1.2
    launch_days: float = 30.0
    affinity: float = 0.20
    drift: float = 0.06
    drift_memory: float = 0.98
    shock: float = 0.05
    dispersion: float = 0.01
    dispersion_small: float = 0.30
    basket: Mapping[str, float] = field(default_factory=lambda: _by_delivery(1.0, 1.3, 1.15))
    basket_promotion: float = 1.10
    stockout_start: float = 0.008
    stockout_promotion: float = 3.0
    stockout_days: int = 4
    stockout_cover: tuple[float, float] = (0.35, 0.90)
    hidden_stock: int = 6
    lead_hours: Mapping[str, float] = field(default_factory=lambda: _by_delivery(3.0, 22.0, 46.0))
    lead_load: float = 0.25
    lead_rain: Mapping[str, float] = field(default_factory=lambda: _by_delivery(0.0, 0.05, 0.03))
    lead_noise: float = 0.08
    pickup_days: Mapping[str, float] = field(default_factory=lambda: {"home": 3.0, "parcel": 5.0})
    forecast_error: float = 0.7
    forecast_miss: float = 0.03
    planted: tuple[Planted, ...] = ()

    def of_products(self, name: str) -> dict[str, float]:
        """One figure of `ProductEffects` by product."""
        return {product: float(getattr(effects, name)) for product, effects in self.products.items()}


def draw_effects(seed: int, network: Network) -> TrueEffects:
    """The effects of a world; what differs by product is drawn, the rest is the same in every world."""
    generator, products = stream(seed, "effects"), {}
    for rank, product in enumerate(network.products):
        popularity = 180 * (rank + 1) ** -0.6 * np.exp(generator.normal(0, 0.15)) * (0.04 if product.slow else 1.0)
        products[product.name] = ProductEffects(
            popularity=float(popularity),
            lift=float(generator.uniform(0.15, 0.45)),
            elasticity=float(generator.uniform(-2.2, -1.0)),
            basket=float(generator.uniform(1.3, 2.6)),
            list_price=int(generator.integers(15, 90)) * 100,
        )
    return TrueEffects(products)
