"""What events, numbers and neighbouring days of events do to a target, each with n and an interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.forecast.explore.inputs import UNKNOWN, Inputs
from sevenstep.tasks.forecast.explore.view import View
from sevenstep.tasks.forecast.explore.within import codes_of, leftover, within

__all__ = [
    "EventEffect", "LevelEffect", "NumberEffect", "choose_events", "event_effects", "indicators", "number_effects", "reactions",
    "shape_variance", "splits",
]  # fmt: skip

Floats = NDArray[np.float64]
MOST_EVENTS, MOST_AVERAGES, STATES, RAREST, KNOWN, LEAST_GAIN = 2, 64, 4, 0.05, 0.95, 0.05
MEAN_ERROR = 0.8  # mean absolute deviation of a normal distribution with standard deviation 1
FEWEST_ROWS = 30  # rows of a level, or with a number, below which no effect is told


@dataclass(frozen=True)
class LevelEffect:
    """Mean difference of a level to the most common one, on the scale of the view; ``share`` of the rows are in the level."""

    level: str
    share: float
    effect: float
    low: float
    high: float
    relative: float
    n: int


@dataclass(frozen=True)
class EventEffect:
    """What the states of one column do.

    ``against`` is the most common level, ``effects`` the others, and ``effect`` the largest of them. ``share_explained`` is the
    share of the variance left within cells that the states explain when their effect may differ by phase. ``matters`` is the
    mean error made by ignoring the column, as a share of the target.
    """

    column: str
    levels: tuple[str, ...]
    against: str
    effects: tuple[LevelEffect, ...]
    effect: float
    share_explained: float
    minority_share: float
    known_share: float
    matters: float

    def to_json(self) -> dict[str, Any]:
        """The effect as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class NumberEffect:
    """Change of the target for one more unit of a number, season phase, level and events held fixed.

    ``spread`` is the standard deviation of the number within cells; ``relative`` is the effect of that much of it.
    """

    column: str
    slope: float
    low: float
    high: float
    spread: float
    relative: float
    relative_low: float
    relative_high: float
    n: int
    matters: float

    def to_json(self) -> dict[str, Any]:
        """The effect as JSON values."""
        return asdict(self)


def indicators(codes: NDArray[np.int64]) -> tuple[int, list[int], list[Floats]]:
    """The most common code, the others that occur, and one 0/1 column for each of those (unknown included)."""
    present, counts = np.unique(codes, return_counts=True)
    known = present >= 0
    base = int(present[known][counts[known].argmax()]) if known.any() else UNKNOWN
    others = [int(code) for code in present if code != base]
    return base, others, [(codes == code).astype(np.float64) for code in others]


def event_effects(view: View, inputs: Inputs) -> list[EventEffect]:
    """Effects of all event-like columns, estimated together, the one that explains most first."""
    states = {column: inputs.states[column][view.row] for column in inputs.event_like}
    coded = {column: indicators(codes) for column, codes in states.items()}
    coded = {column: parts for column, parts in coded.items() if parts[1] and parts[0] >= 0}
    design = [dummy for _, _, dummies in coded.values() for dummy in dummies]
    if not design:
        return []
    fit = view.effects(design, view.cells.codes)
    bounds = iter(np.column_stack([fit.value, fit.low, fit.high]))
    effects = []
    for column, (base, others, dummies) in coded.items():
        mine = [(code, next(bounds), dummy) for code, dummy in zip(others, dummies, strict=True)]
        effect = _event(view, column, inputs.categories[column], states[column], base, mine)
        effects += [effect] if effect else []
    return sorted(effects, key=lambda effect: -effect.share_explained)


def _event(
    view: View,
    column: str,
    levels: tuple[str, ...],
    codes: NDArray[np.int64],
    base: int,
    fitted: Sequence[tuple[int, Floats, Floats]],
) -> EventEffect | None:
    """What the states of a column do, from its codes and the fitted ``(code, [value, low, high], 0/1 column)`` of each state."""
    effects = [_level(view, levels[code], bounds, dummy) for code, bounds, dummy in fitted if code >= 0 and _told(bounds, dummy)]
    if not effects:
        return None
    known = codes >= 0
    shares = np.bincount(codes[known]) / known.sum()
    plain, split = shape_variance(view), shape_variance(view, codes)
    explained = float(np.clip(np.nan_to_num(1.0 - split / plain), 0.0, 1.0)) if plain > 0 else 0.0
    part = within(sum(np.nan_to_num(bounds[0]) * dummy for _, bounds, dummy in fitted), view.cells.codes)
    saved = MEAN_ERROR * (np.sqrt(plain) - np.sqrt(plain * (1.0 - explained)))
    return EventEffect(
        column=column,
        levels=levels,
        against=levels[base],
        effects=tuple(effects),
        effect=max((effect.effect for effect in effects), key=abs),
        share_explained=explained,
        minority_share=float(shares[shares > 0].min()),
        known_share=float(known.mean()),
        matters=max(abs(view.measure.relative(float(np.abs(part).mean()))), abs(view.measure.relative(float(saved)))),
    )


def _told(bounds: Floats, dummy: Floats) -> bool:
    return bool(np.isfinite(bounds[0])) and dummy.sum() >= FEWEST_ROWS


def _level(view: View, level: str, bounds: Floats, dummy: Floats) -> LevelEffect:
    value, low, high = (float(bound) for bound in bounds)
    return LevelEffect(level, float(dummy.mean()), value, low, high, view.measure.relative(value), int(dummy.sum()))


def shape_variance(view: View, *states: NDArray[np.int64]) -> float:
    """Variance that level and season phase leave, the phases told apart by the states.

    The level of each series moves in stretches of its own, so that states which last long are not credited with its moves.
    """
    level, shape = view.shape
    return leftover(view.scaled, [level, codes_of(shape, *states)])


def choose_events(view: View, inputs: Inputs, effects: Sequence[EventEffect], season: int) -> list[tuple[EventEffect, float]]:
    """At most two events whose states are worth averages of their own, each with the share of what was left that it explains.

    Taken one by one by what they explain beyond the ones before, as long as there are at most `MOST_AVERAGES` joint states and
    phases.
    """
    chosen: list[tuple[EventEffect, float]] = []
    states: list[NDArray[np.int64]] = []
    averages = max(season, 1)
    while len(chosen) < MOST_EVENTS:
        plain = shape_variance(view, *states)
        taken = [event.column for event, _ in chosen]
        open_ = [
            one for one in effects if one.column not in taken and splits(one) and averages * len(one.levels) <= MOST_AVERAGES
        ]
        left = [shape_variance(view, *states, inputs.states[one.column][view.row]) for one in open_] if plain > 0 else []
        gains = [1.0 - one / plain for one in left]
        if not max(gains, default=0.0) >= LEAST_GAIN:
            break
        best = open_[int(np.argmax(gains))]
        chosen.append((best, float(max(gains))))
        states.append(inputs.states[best.column][view.row])
        averages *= len(best.levels)
    return chosen


def splits(effect: EventEffect) -> bool:
    """Whether the states are few, known and frequent enough to have averages of their own."""
    return len(effect.levels) <= STATES and effect.minority_share >= RAREST and effect.known_share >= KNOWN


def number_effects(view: View, inputs: Inputs) -> list[NumberEffect]:
    """Effects of all numbers that change over time, one by one, with the events held fixed; what matters most first."""
    held = [dummy for column in inputs.event_like for dummy in indicators(inputs.states[column][view.row])[2]]
    columns = [column for column in inputs.numbers if column in inputs.varying]
    effects = [effect for column in columns if (effect := _number(view, column, held)) is not None]
    return sorted(effects, key=lambda effect: -effect.matters)


def _number(view: View, column: str, held: Sequence[Floats]) -> NumberEffect | None:
    values = view.column(column).cast(pl.Float64).to_numpy()
    known = np.isfinite(values)
    if known.sum() < FEWEST_ROWS:
        return None
    cells = [codes[known] for codes in view.fine.codes]
    design = [values[known], *(dummy[known] for dummy in held)]
    fit = view.effects(design, cells, known, told=1)
    slope, low, high = float(fit.value[0]), float(fit.low[0]), float(fit.high[0])
    if not np.isfinite(slope):
        return None
    moved = within(values[known], cells)
    spread = float(moved.std())
    low_high = (view.measure.relative(low * spread), view.measure.relative(high * spread))
    matters = abs(view.measure.relative(float(np.abs(slope * moved).mean())))
    return NumberEffect(
        column, slope, low, high, spread, view.measure.relative(slope * spread), *low_high, int(known.sum()), matters
    )


def reactions(view: View, inputs: Inputs) -> Iterator[dict[str, Any]]:
    """What a step next to an event does: ``before`` it and ``after`` it, the step's own state held fixed.

    ``n`` counts the rows whose neighbour is in another state than they are: those tell the two apart.
    """
    at = np.full(view.panel.shape, -1, dtype=np.int64)
    at[view.panel.series, view.panel.steps] = np.arange(len(view.panel.rows))
    neighbours = {"before": _neighbour(at, view, 1), "after": _neighbour(at, view, -1)}
    for column in inputs.event_like:
        states = inputs.states[column]
        own = states[view.row]
        base = indicators(own)[0]
        beside = {side: np.where(row >= 0, states[np.maximum(row, 0)], UNKNOWN) for side, row in neighbours.items()}
        usable = (own >= 0) & (beside["before"] >= 0) & (beside["after"] >= 0)
        if usable.sum() < FEWEST_ROWS:
            continue
        design = [(codes[usable] != base).astype(np.float64) for codes in (own, *beside.values())]
        cells = [codes[usable] for codes in view.cells.codes]
        fit = view.effects(design, cells, usable)
        for k, side in enumerate(beside, start=1):
            if np.isfinite(fit.value[k]):
                bounds = {"effect": float(fit.value[k]), "low": float(fit.low[k]), "high": float(fit.high[k])}
                n = int((design[0] != design[k]).sum())
                yield {"column": column, "side": side, **bounds, "relative": view.measure.relative(bounds["effect"]), "n": n}


def _neighbour(at: NDArray[np.int64], view: View, shift: int) -> NDArray[np.int64]:
    """Row of the panel ``shift`` steps later, -1 where there is none."""
    column = view.step + shift
    inside = (column >= 0) & (column < at.shape[1])
    return np.where(inside, at[view.series, np.clip(column, 0, at.shape[1] - 1)], -1)
