"""How good a prediction can be on this line, as the true risk of every part is known: where the spec's goals come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevenstep.templates.quality.line import Line

__all__ = ["FALSE_ALARM", "MISS", "Reach", "reach_of"]

FALSE_ALARM, MISS = 2, 40
"""Cost in EUR of measuring a good part once more, and of a bad one that reaches the customer."""

_WAY_BACK = 0.4


@dataclass(frozen=True)
class Reach:
    """A figure three times: of the simple rule, of the true risk, and the goal two fifths of the way back from it to the rule."""

    simple: float
    oracle: float
    goal: float


def reach_of(line: Line) -> tuple[Reach, Reach]:
    """Average precision and cost for each part, over all parts with a known outcome.

    The simple rule of the first is chance (the share of defects), of the second the better of "measure none" and "measure all".
    """
    known = slice(0, line.route.known)
    risk, defect = line.risk[known], line.defect[known]
    rate = float(defect.mean())
    alarm = risk * MISS > (1 - risk) * FALSE_ALARM
    cost = float(np.where(alarm, FALSE_ALARM * ~defect, MISS * defect).mean())
    precision = _average_precision(risk, defect)
    return _between(rate, precision), _between(min(MISS * rate, FALSE_ALARM * (1 - rate)), cost)


def _between(simple: float, oracle: float) -> Reach:
    return Reach(simple, oracle, round(oracle + _WAY_BACK * (simple - oracle), 2))


def _average_precision(
    risk: np.ndarray[tuple[int], np.dtype[np.float64]], defect: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> float:
    """Mean precision at each defect found, from the highest risk down."""
    found = defect[np.argsort(-risk, kind="stable")]
    return float((np.cumsum(found) / np.arange(1, len(found) + 1))[found].mean())
