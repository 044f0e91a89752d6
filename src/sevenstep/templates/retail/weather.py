"""The weather of every region, and what had been forecast of it one to fourteen days before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from sevenstep.templates.retail.days import Days
from sevenstep.templates.retail.effects import TrueEffects
from sevenstep.templates.retail.network import Network
from sevenstep.templates.streams import Floats, stream

__all__ = ["LEADS", "Weather", "make_weather", "wander"]

LEADS = 14
_HOTTEST_DAY, _WETTEST_DAY = 209, 200
_SETTLING = 200


@dataclass(frozen=True)
class Weather:
    """Temperature in °C (mean of the day) and rain in mm, region by day; forecasts are region by day by lead (lead 1 first)."""

    temperature: Floats
    normal: Floats
    rain: Floats
    forecast_temperature: Floats
    forecast_rain: Floats


def wander(generator: np.random.Generator, shape: tuple[int, int], memory: float, deviation: float) -> Floats:
    """Stationary autoregressive noise of order one along the days: correlation ``memory``, standard deviation ``deviation``."""
    steps = generator.normal(0, deviation * np.sqrt(1 - memory**2), (shape[0], shape[1] + _SETTLING))
    path: Floats = lfilter([1.0], [1.0, -memory], steps, axis=1)[:, _SETTLING:]
    return path


def make_weather(seed: int, network: Network, days: Days, effects: TrueEffects) -> Weather:
    """Seasonal normals with lasting anomalies that the whole country partly shares, and a rainy season in July."""
    generator = stream(seed, "weather")
    shape = (len(network.regions), days.total)
    means = np.array([[region.mean_temperature] for region in network.regions])
    swings = np.array([[region.swing] for region in network.regions])
    normal = means + swings * days.season(_HOTTEST_DAY)
    country = wander(generator, (1, days.total), 0.75, 2.8)
    temperature = np.round(normal + country + wander(generator, shape, 0.6, 1.6), 1)
    rain = _rain(generator, shape, days)
    forecast_temperature = _forecast_temperature(stream(seed, "forecast temperature"), temperature, effects)
    forecast_rain = _forecast_rain(stream(seed, "forecast rain"), rain, effects)
    return Weather(temperature, normal, rain, forecast_temperature, forecast_rain)


def _rain(generator: np.random.Generator, shape: tuple[int, int], days: Days) -> Floats:
    """It rains where a shared, partly lasting wetness passes a threshold that lies lower in summer; amounts are gamma."""
    wetness = 0.8 * wander(generator, (1, days.total), 0.4, 1.0) + 0.6 * wander(generator, shape, 0.3, 1.0)
    rains = wetness > 0.6 - 0.35 * days.season(_WETTEST_DAY)
    amount: Floats = np.round(generator.gamma(0.9, 12.0, shape) + 0.1, 1)
    amount[~rains] = 0.0
    return amount


def _forecast_temperature(generator: np.random.Generator, temperature: Floats, effects: TrueEffects) -> Floats:
    """The error of a date's forecast is a random walk in its lead: it shrinks step by step as the date comes near."""
    errors = np.cumsum(generator.normal(0, effects.forecast_error, (*temperature.shape, LEADS)), axis=2)
    return np.round(temperature[:, :, None] + errors, 1)


def _forecast_rain(generator: np.random.Generator, rain: Floats, effects: TrueEffects) -> Floats:
    """A date's forecast is an unrelated day's rain until a lead at which it turns to the truth, known to a tenth and better."""
    leads = np.arange(1, LEADS + 1)
    unrelated = rain[:, generator.permutation(rain.shape[1])][:, :, None]
    misses = generator.random(rain.shape)[:, :, None] < effects.forecast_miss * leads
    noise = np.exp(np.cumsum(generator.normal(0, 0.1, (*rain.shape, LEADS)), axis=2))
    return np.round(np.where(misses, unrelated, rain[:, :, None]) * noise, 1)
