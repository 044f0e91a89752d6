"""Supply: mostly ample, now and then short for a few days, so that what is sold falls short of what was wanted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevenstep.templates.retail.demand import Setting, level
from sevenstep.templates.streams import Booleans, Floats, Integers, stream

__all__ = ["Supply", "make_supply"]


@dataclass(frozen=True)
class Supply:
    """Orders that can be filled by series and day; ``recorded`` tells by series whether its stock is written down."""

    stock: Integers
    recorded: Booleans


def make_supply(seed: int, setting: Setting, expected: Floats) -> Supply:
    """Stock planned from expected demand: four deviations above it, or only a part of it during a spell of short supply."""
    generator, effects = stream(seed, "supply"), setting.effects
    alpha = effects.dispersion + effects.dispersion_small / level(seed, setting)[:, None]
    ample = np.ceil(expected * 1.3 + 4 * np.sqrt(expected + alpha * expected**2)) + 1
    short = np.floor(expected * generator.uniform(*effects.stockout_cover, expected.shape))
    stock = np.where(_spells(generator, setting), short, ample).astype(np.int64)
    recorded = np.arange(setting.network.series) % effects.hidden_stock != effects.hidden_stock - 1
    return Supply(stock, recorded)


def _spells(generator: np.random.Generator, setting: Setting) -> Booleans:
    """Days of short supply: spells begin by chance, more often in a promotion, and last one day up to the longest."""
    effects, on = setting.effects, setting.promotions.on[setting.network.place]
    starts = generator.random(on.shape) < effects.stockout_start * np.where(on, effects.stockout_promotion, 1.0)
    length = generator.integers(1, effects.stockout_days + 1, on.shape)
    spells = starts.copy()
    for gap in range(1, effects.stockout_days):
        spells[:, gap:] |= (starts & (length > gap))[:, :-gap]
    return spells
