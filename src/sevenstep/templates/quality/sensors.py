"""What the sensors along the line read for each part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import signal

from sevenstep.templates.quality.route import Route
from sevenstep.templates.streams import Floats, stream

__all__ = ["Sensors", "make_sensors"]

_FILTER_HOURS = 20.0
_COAT_TARGET = 50.0


@dataclass(frozen=True)
class Sensors:
    """Readings of each part, arrays ``[n]``; NaN where a reading was not taken.

    ``press_force`` in kN, ``furnace_temperature`` in °C, ``soak`` in minutes, ``humidity`` in percent, ``coolant_flow`` in l/min
    (falls as the filter clogs, until it is changed), ``spindle`` in rpm, ``vibration`` in mm/s, ``coat`` in µm, ``hardness`` in
    HV (measured on every second part).
    """

    press_force: Floats
    furnace_temperature: Floats
    soak: Floats
    humidity: Floats
    coolant_flow: Floats
    spindle: Floats
    vibration: Floats
    coat: Floats
    hardness: Floats


def make_sensors(seed: int, route: Route) -> Sensors:
    """Draw the readings: each has its own lasting drift and noise, some depend on the tool."""
    generator, n = stream(seed, "sensors"), route.parts
    lots = route.lot.max() + 1
    press_bias, spindle_bias = generator.normal(0, 4, 4), generator.normal(0, 30, 6)
    temperature = 1120 + generator.normal(0, 3, 3)[route.furnace] + generator.normal(0, 4, lots)[route.lot]
    coat = _COAT_TARGET + generator.normal(0, 0.8, 2)[route.coater] + 1.2 * _drift(generator, lots, 0.9)[route.lot]
    hardness = 640 + generator.normal(0, 12, n)
    return Sensors(
        press_force=420 + press_bias[route.press] + generator.normal(0, 8, n),
        furnace_temperature=temperature + generator.normal(0, 2, n),
        soak=generator.normal(45, 2, lots)[route.lot],
        humidity=45 + 6 * np.sin(2 * np.pi * route.hours / 24) + 5 * _drift(generator, lots, 0.95)[route.lot],
        coolant_flow=_coolant_flow(generator, route),
        spindle=2800 + spindle_bias[route.grinder] + generator.normal(0, 20, n),
        vibration=np.exp(generator.normal(0.3, 0.35, n)),
        coat=coat + generator.normal(0, 2.4, n),
        hardness=np.where(np.arange(n) % 2 == 0, hardness, np.nan),
    )


def _drift(generator: np.random.Generator, steps: int, memory: float) -> Floats:
    """An autoregression of order one with standard deviation 1."""
    noise = generator.normal(0, np.sqrt(1 - memory**2), steps)
    drift: Floats = signal.lfilter([1.0], [1.0, -memory], noise)
    return drift


def _coolant_flow(generator: np.random.Generator, route: Route) -> Floats:
    """Falls from 30 to about 22 l/min while the filter clogs, and starts anew when it is changed."""
    used = (route.hours % _FILTER_HOURS) / _FILTER_HOURS
    return 30 - 8 * used**2 + generator.normal(0, 0.8, route.parts)
