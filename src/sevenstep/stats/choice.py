"""Which candidate to take: what cannot be told apart from the best goes to the cheaper, within a limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sevenstep.stats.compare import Comparison, corrected_p_values
from sevenstep.stats.intervals import LEVEL
from sevenstep.stats.metric import Metric
from sevenstep.stats.wording import difference

__all__ = ["Choice", "prefer_cheaper", "tolerated_loss"]

TOLERATED = 0.005
"""Share of what the best still lacks to a perfect figure that may be given up for a cheaper candidate that cannot be
told apart from it."""


@dataclass(frozen=True)
class Choice:
    """Which candidate to take, and why; plain JSON values.

    Args:
        name: the choice.
        best: the candidate with the best figure.
        same_as_best: candidates that cannot be told apart from the best, itself among them, cheapest first.
        p_holm: corrected p value of each comparison with the best; None where it could not be tested.
        reason: one sentence.
    """

    name: str
    best: str
    same_as_best: tuple[str, ...]
    p_holm: Mapping[str, float | None]
    reason: str


def tolerated_loss(metric: Metric, value: float, min_gain: float | None) -> float:
    """How much worse than ``value``, the best's figure, a cheaper candidate may be that cannot be told apart from it.

    ``min_gain`` of the KPI, or `TOLERATED` of what the best lacks to a perfect figure when the KPI gives none: without a limit a
    test without power (three folds of one series) would let a naive rule win that is a third worse.
    """
    return TOLERATED * metric.lack(value) if min_gain is None else min_gain


def prefer_cheaper(
    best: str,
    against_best: Mapping[str, Comparison],
    costs: Mapping[str, float],
    *,
    tolerance: float,
    min_gain: float | None = None,
    metric: str = "",
    level: float = LEVEL,
) -> Choice:
    """Choose the cheapest candidate the best is not worth its cost against.

    The best is worth it when it is measurably better (Holm-corrected p value of the paired comparison below ``1 - level``) or
    better by more than ``tolerance``, measurable or not; and never for a gain below a stated ``min_gain``.

    Args:
        best: the candidate with the best figure.
        against_best: for every other candidate, `compare` of the best (first) with it (second).
        costs: cost of each candidate in any one unit (seconds of a fit, money of a call).
        tolerance: most that may be lost by taking what cannot be told apart, in the metric's unit (`tolerated_loss`).
        min_gain: smallest gain worth paying for, as the KPI states it; None when it states none.
        metric: name of the metric, for figures in the reason.
        level: confidence of the comparisons.

    Raises:
        KeyError: when a candidate has no cost.
    """
    asked = _Asked(best, against_best, costs, corrected_p_values(against_best), tolerance, min_gain, metric, 1 - level)
    same = (best, *(name for name in against_best if asked.same(name)))
    taken = min((best, *(name for name in against_best if asked.enough(name))), key=asked.rank)
    return Choice(taken, best, tuple(sorted(same, key=asked.rank)), asked.p_holm, asked.reason(taken))


@dataclass(frozen=True)
class _Asked:
    """The question of `prefer_cheaper`, with the answers it is made of."""

    best: str
    against_best: Mapping[str, Comparison]
    costs: Mapping[str, float]
    p_holm: Mapping[str, float | None]
    tolerance: float
    min_gain: float | None
    metric: str
    alpha: float

    def gain(self, name: str) -> float:
        """What the best gains over a candidate; infinite where the two share no row."""
        gain = 0.0 if name == self.best else self.against_best[name].gain
        return np.inf if gain is None else gain

    def rank(self, name: str) -> tuple[float, float, bool, str]:
        """The cheaper first; of equally cheap ones the better."""
        return self.costs[name], self.gain(name), name != self.best, name

    def same(self, name: str) -> bool:
        """Whether the best is not measurably better."""
        p = self.p_holm[name]
        return self.gain(name) <= 0 or (np.isfinite(self.gain(name)) and (p is None or p >= self.alpha))

    def enough(self, name: str) -> bool:
        """Whether the candidate will do in place of the best."""
        if self.min_gain is not None and self.gain(name) < self.min_gain:
            return True
        return self.same(name) and self.gain(name) <= self.tolerance

    def reason(self, name: str) -> str:
        """Why this one is taken."""
        if name == self.best:
            return self._why_best()
        cheaper = f"{name} costs {_less(self.costs[name], self.costs[self.best])}"
        if self.gain(name) <= 0:
            return f"{name} is as good as {self.best} on the rows both have, and {cheaper}"
        if self.same(name):
            return f"{name} and {self.best} cannot be told apart ({self._said(name)}); {cheaper}"
        least = difference(self.min_gain or 0.0, self.metric)
        gain = difference(self.gain(name), self.metric)
        return f"{self.best} gains {gain} over {name}, less than the {least} worth paying for; {cheaper}"

    def _why_best(self) -> str:
        """The best is taken; the nearest cheaper candidate that a test without power would have let through is named."""
        cheaper = [name for name in self.against_best if self.costs[name] < self.costs[self.best]]
        near = min((name for name in cheaper if self.same(name)), key=self.gain, default=None)
        if near is None:
            return f"{self.best} has the best figure and no cheaper candidate is as good"
        most = difference(self.tolerance, self.metric)
        return (
            f"{self.best} has the best figure; {near} is cheaper and cannot be told apart from it ({self._said(near)}), "
            f"but it is worse by more than the {most} that may be given up untested"
        )

    def _said(self, name: str) -> str:
        """The difference with its interval and p value, or that it could not be tested."""
        found, p = self.against_best[name], self.p_holm[name]
        text = f"difference {difference(self.gain(name), self.metric)}"
        if found.low is None or found.high is None or p is None:
            return f"{text}, which could not be tested"
        ends = " to ".join(difference(end, self.metric).removesuffix(" points") for end in (found.low, found.high))
        return f"{text}, {100 * found.level:.0f} % interval {ends}, p {p:.2g}"


def _less(cost: float, other: float) -> str:
    """How much less one costs than the other, in words."""
    if cost >= other:
        return "no more"
    if cost <= 0:
        return "nothing"
    ratio = other / cost
    return f"{ratio:.2g} times less" if ratio < 9.95 else f"{ratio:,.0f} times less"
