"""What customers want: expected orders of every series and day from the true effects, and what chance makes of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevenstep.templates.retail.days import Days
from sevenstep.templates.retail.effects import TrueEffects
from sevenstep.templates.retail.events import EVENTS
from sevenstep.templates.retail.holidays_kr import Holidays
from sevenstep.templates.retail.network import DELIVERIES, Network
from sevenstep.templates.retail.promotions import Promotions
from sevenstep.templates.retail.weather import Weather, wander
from sevenstep.templates.streams import Booleans, Floats, Integers, stream

__all__ = ["LAUNCH_STAGGER", "Setting", "draw_demand", "expected_orders", "launched", "level"]

LAUNCH_STAGGER = 21  # days from one region to the next when a product is launched


@dataclass(frozen=True)
class Setting:
    """All that is given before anybody orders: who sells, when, in which weather, at which price, with which effects."""

    network: Network
    days: Days
    effects: TrueEffects
    weather: Weather
    holidays: Holidays
    promotions: Promotions
    events: Integers


def expected_orders(seed: int, setting: Setting) -> Floats:
    """Expected orders by series and day from everything that could be known: no drift, no shock, no chance."""
    log_mean = np.log(level(seed, setting))[:, None] + _calendar_effects(setting)
    log_mean += _weather_effects(setting)
    log_mean += _promotion_effects(setting)
    log_mean += _launch_effect(setting)
    mean: Floats = np.exp(log_mean)
    return mean


def level(seed: int, setting: Setting) -> Floats:
    """Orders a day of each series with all else at its normal."""
    network, effects = setting.network, setting.effects
    sizes = np.array([region.size for region in network.regions])[network.region]
    affinity = stream(seed, "affinity").normal(0, effects.affinity, network.series)
    scale = network.by_product(effects.of_products("popularity")) * network.by_delivery(effects.share)
    levels: Floats = scale[:, 0] * sizes * np.exp(affinity)
    return levels


def launched(setting: Setting) -> Booleans:
    """Whether each series' product is on sale yet, by day; launches pass from region to region."""
    return _days_on_sale(setting) >= 0


def draw_demand(seed: int, setting: Setting, expected: Floats) -> Integers:
    """Negative binomial orders around ``expected``, moved by each series' drift and each region's shock of the day."""
    network, effects, shape = setting.network, setting.effects, expected.shape
    generator = stream(seed, "demand")
    drift = wander(generator, shape, effects.drift_memory, effects.drift)
    shock = generator.normal(0, effects.shock, (len(network.regions), shape[1]))[network.region]
    mean = expected * np.exp(drift + shock)
    alpha = effects.dispersion + effects.dispersion_small / level(seed, setting)[:, None]
    drawn: Integers = generator.negative_binomial(1 / alpha, 1 / (1 + alpha * mean))
    return drawn


def _calendar_effects(setting: Setting) -> Floats:
    network, days, effects, holidays = setting.network, setting.days, setting.effects, setting.holidays
    weekday = np.array([effects.weekday[name] for name in DELIVERIES])[network.delivery][:, days.weekday]
    waves = {name: days.season(effects.season_peak[name]) * size for name, size in effects.season.items()}
    season = np.stack([waves[network.products[product].temperature_class] for product in network.product])
    feast = network.by_class(effects.lead_up) * holidays.rush + effects.aftermath * holidays.aftermath
    total: Floats = weekday + season + feast
    return total + network.by_delivery(effects.growth) * days.years + network.by_delivery(effects.holiday) * holidays.public


def _weather_effects(setting: Setting) -> Floats:
    network, effects, weather = setting.network, setting.effects, setting.weather
    warmth = ((weather.temperature - weather.normal) / 10)[network.region]
    wet = np.log1p(weather.rain)[network.region]
    total: Floats = network.by_class(effects.temperature) * warmth + network.by_delivery(effects.rain) * wet
    for position, name in enumerate(EVENTS[1:], start=1):
        total += network.by_delivery(effects.event[name]) * (setting.events == position)[network.region]
    return total


def _promotion_effects(setting: Setting) -> Floats:
    network, effects, promotions, place = setting.network, setting.effects, setting.promotions, setting.network.place
    lift = network.by_product(effects.of_products("lift"))
    dips = effects.pre_dip * promotions.before[place] + effects.post_dip * promotions.after[place]
    relative_price = np.log(promotions.price[place] / network.by_product(effects.of_products("list_price")))
    total: Floats = lift * (promotions.on[place] - dips) + network.by_product(effects.of_products("elasticity")) * relative_price
    return total


def _launch_effect(setting: Setting) -> Floats:
    """A newcomer starts low and comes up to its level; products that were always there are past it."""
    effects = setting.effects
    since: Floats = np.maximum(_days_on_sale(setting), 0)
    rise: Floats = np.where(_launch_day(setting)[:, None] > 0, effects.launch * np.exp(-since / effects.launch_days), 0.0)
    return rise


def _launch_day(setting: Setting) -> Integers:
    network = setting.network
    first = np.array([product.launch for product in network.products])[network.product]
    return np.where(first > 0, first + LAUNCH_STAGGER * network.region, 0)


def _days_on_sale(setting: Setting) -> Integers:
    days: Integers = np.arange(setting.days.total)[None, :] - _launch_day(setting)[:, None]
    return days
