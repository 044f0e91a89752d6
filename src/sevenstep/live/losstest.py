"""When to learn anew: the loss of the newest weeks against that of weeks the model is known to be good in, and a longest time.

Inputs may drift without harm, and harm may come without drift: only loss is asked. Weeks differ by chance and by what happens in
them, so the newest are held against the spread of weeks, not against the spread of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_WORSE", "LossTest", "backstop", "loss_test"]

LEAST_WORSE = 0.03  # share by which loss must have grown to be worth a refit
SURE = 0.01  # chance of a refit that nothing calls for, each time it is asked
NEWEST = 2  # weeks held against the others


@dataclass(frozen=True)
class LossTest:
    """What the test found.

    Args:
        due: whether to learn anew.
        worse: share by which the newest weeks are worse than the others.
        p: chance of as much or more without any change; 1 where there are too few weeks to tell.
        weeks: how many weeks it rests on.
        text: the outcome in a sentence.
    """

    due: bool
    worse: float
    p: float
    weeks: int
    text: str


def loss_test(losses: Sequence[float]) -> LossTest:
    """Whether the newest weeks are worse than those before, each of them and not their mean alone: a feast nobody could forecast
    makes one week odd, and learning anew does not help it.

    Each is held against the earlier weeks as one more of them, by the t statistic of a new value. The p value is the chance that
    all of them are as bad as the best of them; as they are held against the same weeks, they are jointly t distributed with
    correlation ``1 / (n + 1)``.

    Args:
        losses: a loss for each week, oldest first, of a metric that is better when lower.
    """
    values = np.asarray(losses, dtype=np.float64)
    before, newest = values[:-NEWEST], values[-NEWEST:]
    if len(before) < 3 or not before.mean() > 0:
        return LossTest(False, 0.0, 1.0, len(values), f"{len(values)} weeks are too few to tell")
    worse = float(newest.mean() / before.mean() - 1)
    p = _chance(before, float(newest.min() - before.mean()))
    due = worse >= LEAST_WORSE and p <= SURE
    said = f"the newest {NEWEST} weeks lose {abs(worse):.1%} {'more' if worse > 0 else 'less'} than the {len(before)} before"
    return LossTest(due, worse, p, len(values), f"{said} (p = {max(p, 0.0001):.4f})")


def _chance(before: NDArray[np.float64], away: float) -> float:
    """Of `NEWEST` new weeks that all are as far above the mean of the earlier ones."""
    from scipy.stats import multivariate_t  # late: loading it takes longer than the test

    count = len(before)
    error = float(before.std(ddof=1)) * np.sqrt(1 + 1 / count)
    if not error > 0:
        return float(away <= 0)
    shape = np.full((NEWEST, NEWEST), 1 / (count + 1)) + np.eye(NEWEST) * count / (count + 1)
    least = np.full(NEWEST, -away / error)  # the tail above, by symmetry
    return float(multivariate_t.cdf(least, shape=shape, df=count - 1, random_state=0))


def backstop(step: timedelta) -> timedelta:
    """Longest time without learning anew where the spec names none: 28 days for daily and finer data, 8 weeks for coarser."""
    return timedelta(days=28) if step <= timedelta(days=1) else timedelta(weeks=8)
