"""Hours from order to hand-over: longer far away, in the rain, and when the depot has more to do than usual."""

from __future__ import annotations

import numpy as np

from sevenstep.templates.retail.demand import Setting
from sevenstep.templates.retail.network import DELIVERIES
from sevenstep.templates.streams import Floats, Integers, stream

__all__ = ["lead_times"]


def lead_times(seed: int, setting: Setting, orders: Integers) -> Floats:
    """Mean hours by series and day; on a day without orders it is what the carrier quoted."""
    network, effects = setting.network, setting.effects
    remote = np.array([region.remoteness for region in network.regions])[network.region][:, None]
    wet = np.log1p(setting.weather.rain)[network.region]
    log_hours = np.log(network.by_delivery(effects.lead_hours)) + remote + effects.lead_load * _load(setting, orders)
    log_hours = log_hours + network.by_delivery(effects.lead_rain) * wet
    log_hours = log_hours + stream(seed, "lead time").normal(0, effects.lead_noise, orders.shape)
    hours: Floats = np.round(np.exp(log_hours), 1)
    return hours


def _load(setting: Setting, orders: Integers) -> Floats:
    """Log of a depot's orders of the day over their median on days with any, by series and day."""
    depots = len(setting.network.regions) * len(DELIVERIES)
    total = np.zeros((depots, orders.shape[1]))
    np.add.at(total, setting.network.depot, orders)
    usual = np.array([np.median(row[row > 0]) for row in total])[:, None]
    load: Floats = np.log((total + 1) / (usual + 1))
    return load[setting.network.depot]
