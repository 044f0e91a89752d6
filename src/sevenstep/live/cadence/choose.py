"""The cheapest calendar for the accuracy: which leads before a day that counts, or how many steps between refreshes of every day.

A forecast in force ``l`` steps before its day was made at the last refresh before that: its loss is that of the lead it was made
at. What counts is the mean loss over the leads it is in force for, because somebody may act on it at any of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sevenstep.live.cadence.curve import Curve

__all__ = ["Cadence", "Price", "best_leads", "best_period", "loss_of_leads", "loss_of_period"]


@dataclass(frozen=True)
class Price:
    """What decides between accuracy and refreshes.

    Args:
        refresh: cost of one refresh.
        churn: cost of a change of all forecasts by 1 % of their size.
        point: worth of one unit of the metric for one target step (the KPI's worth by the year, shared out).
        tolerance: where nothing has a price, by what share the loss may exceed that of refreshing at every step.
    """

    refresh: float = 0.0
    churn: float = 0.0
    point: float = 0.0
    tolerance: float = 0.01

    @property
    def known(self) -> bool:
        """Whether a cost and a worth are known, so that they can be weighed."""
        return self.refresh > 0 and self.point > 0


@dataclass(frozen=True)
class Cadence:
    """A calendar of refreshes and what it comes to.

    Args:
        leads: leads at which a day that counts is refreshed, longest first; empty where every day counts.
        period: steps between refreshes where every day counts; 0 otherwise.
        loss: mean loss over the leads in force.
        every: the loss of a refresh at every step.
        never: the loss of the first forecast alone.
        refreshes: refreshes for each day that counts, or by step where every day does.
        churn: mean change of a forecast from version to version over its life, summed, as a share of its size.
        cost: cost for each day that counts (or step): refreshes, churn and lost accuracy; None without prices.
        every_cost: the same for a refresh at every step.
        never_cost: the same without any but the first.
        why: the rule it was chosen by, one sentence.
    """

    leads: tuple[int, ...]
    period: int
    loss: float
    every: float
    never: float
    refreshes: float
    churn: float
    cost: float | None
    every_cost: float | None
    never_cost: float | None
    why: str


def loss_of_leads(curve: Curve, horizon: int, leads: Sequence[int]) -> float:
    """Mean loss of the forecast in force over the leads ``1 .. horizon``, refreshed at ``leads`` (the first at the horizon)."""
    made = sorted({*leads, horizon})
    force = np.arange(1, horizon + 1)
    return float(curve.at(np.array([made[place] for place in np.searchsorted(made, force)])).mean())


def loss_of_period(curve: Curve, horizon: int, period: int) -> float:
    """Mean loss of the forecasts in force over the leads ``1 .. horizon`` when all are made again every ``period`` steps."""
    ages = np.arange(period)
    made = np.minimum(np.arange(1, horizon + 1)[:, None] + ages, horizon)
    return float(curve.at(made.reshape(-1)).mean())


def best_period(curve: Curve, horizon: int, price: Price, longest: int) -> Cadence:
    """Where every day counts: the steps between refreshes of all of them, at most ``longest``.

    The loss of a period is a mean over the days its refreshes may fall on. Which they are matters the more the fewer there are
    (a fortnight always meets the same half of a fortnightly plan), so ``longest`` should be short beside what repeats.
    """
    options = [_of_period(curve, horizon, period, price) for period in range(1, max(1, min(longest, horizon // 2)) + 1)]
    first, last = options[0], _of_period(curve, horizon, horizon, price)
    best = _cheapest(options, first.loss, price)
    return _beside(best, first, last, price)


def best_leads(curve: Curve, horizon: int, price: Price) -> Cadence:
    """For days that count by themselves: the leads at which each is refreshed.

    Every set of measured leads is weighed without trying them all: the best way to end at a lead is the best way to an earlier
    one and one refresh more (a shortest path), for each number of refreshes.
    """
    grid = [lead for lead in sorted(curve.leads) if lead < horizon]
    options = [_of_leads(curve, horizon, chosen, price) for chosen in _best_of_each_count(curve, horizon, grid)]
    every = _of_leads(curve, horizon, tuple(range(1, horizon)), price)
    best = _cheapest([*options, every], every.loss, price)
    return _beside(best, every, options[0], price)


def _best_of_each_count(curve: Curve, horizon: int, grid: Sequence[int]) -> list[tuple[int, ...]]:
    """For each number of refreshes after the first, the leads with the least loss; longest first."""
    loss = curve.at(np.arange(horizon + 1))
    best: dict[int, tuple[float, tuple[int, ...]]] = {horizon: (0.0, ())}
    found: list[tuple[int, ...]] = []
    for _ in range(len(grid) + 1):
        found.append(min((total + lead * loss[lead], chosen) for lead, (total, chosen) in best.items())[1])
        best = {
            lead: min(
                (total + (older - lead) * loss[older], (*chosen, lead)) for older, (total, chosen) in best.items() if older > lead
            )
            for lead in grid
            if any(older > lead for older in best)
        }
        if not best:
            break
    return found


def _of_period(curve: Curve, horizon: int, period: int, price: Price) -> Cadence:
    loss, refreshes = loss_of_period(curve, horizon, period), 1 / period
    made = np.unique(np.maximum(np.arange(horizon, 0, -period), 1))[::-1]
    return _made((), period, loss, refreshes, _churn(curve, made.tolist()), price, shared=1.0 / period)


def _of_leads(curve: Curve, horizon: int, leads: tuple[int, ...], price: Price) -> Cadence:
    made = [horizon, *leads]
    return _made(leads, 0, loss_of_leads(curve, horizon, leads), float(len(made)), _churn(curve, made), price, shared=len(made))


def _churn(curve: Curve, made: Sequence[int]) -> float:
    return sum(curve.churn_between(older, newer) for older, newer in pairwise(made))


def _made(
    leads: tuple[int, ...], period: int, loss: float, refreshes: float, churn: float, price: Price, *, shared: float
) -> Cadence:
    cost = shared * price.refresh + 100 * churn * price.churn + loss * price.point if price.known else None
    return Cadence(leads, period, loss, loss, loss, refreshes, churn, cost, None, None, "")


def _cheapest(options: Sequence[Cadence], every: float, price: Price) -> Cadence:
    """By cost where costs are known; else the fewest refreshes that lose no more than is tolerated."""
    if price.known:
        return min(options, key=lambda option: (option.cost or 0.0, option.refreshes))
    able = [option for option in options if option.loss <= every * (1 + price.tolerance)]
    return min(able or options[:1], key=lambda option: (option.refreshes, option.loss))


def _beside(best: Cadence, every: Cadence, never: Cadence, price: Price) -> Cadence:
    why = (
        "the least sum of refreshes, churn and lost accuracy"
        if price.known
        else f"the fewest refreshes whose loss exceeds that of one at every step by at most {price.tolerance:.0%}"
    )
    return Cadence(
        best.leads,
        best.period,
        best.loss,
        every.loss,
        never.loss,
        best.refreshes,
        best.churn,
        best.cost,
        every.cost,
        never.cost,
        why,
    )
