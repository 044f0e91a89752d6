"""How much each input, alone or as a pair, says about the target.

One measure for all kinds of columns: the share of the target's entropy that the bins of an input explain (mutual information,
Cover and Thomas, 2006, Elements of Information Theory, chapter 2), less what chance explains (Miller, 1955, Note on the bias of
information estimates), with the G test of independence and the false discovery rate over all inputs (Benjamini and Hochberg,
1995).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sevenstep.tasks.tabular.explore.view import Binned, View

__all__ = ["LIKELY", "SURE", "Pair", "Strength", "association", "coarse", "corrected", "interactions", "strengths"]

SURE = 0.01  # false discovery rate at which a relation is told
LIKELY = 0.05  # the same for pairs, of which far fewer are tested
_LOOKED_AT = 10  # strongest inputs whose pairs are tested
_COARSE = 4  # bins of an input in a pair
_ROUNDS, _CLOSE = 200, 1e-6


@dataclass(frozen=True)
class Strength:
    """What a column says of the target in ``n`` rows: the ``share`` of the target's entropy it explains, and ``q``, the false
    discovery rate of "nothing" over all looks.
    """

    column: str
    share: float
    q: float
    n: int

    @property
    def told(self) -> bool:
        """Whether it is more than chance."""
        return self.q < SURE and self.share > 0


@dataclass(frozen=True)
class Pair:
    """Two inputs that say more together than the sum of what each says: ``share`` of the entropy beyond it."""

    columns: tuple[str, str]
    share: float
    q: float
    n: int


def association(codes: Binned, outcome: Binned) -> tuple[float, float]:
    """Share of the outcome's entropy explained, less that of chance, and p of independence."""
    table = np.zeros((codes.levels, outcome.levels))
    np.add.at(table, (codes.codes, outcome.codes), 1.0)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    if freedom == 0:
        return 0.0, 1.0
    n = table.sum()
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    statistic = 2.0 * _divergence(table, expected)
    return _net_share(statistic, freedom, table.sum(axis=0)), float(stats.chi2.sf(statistic, freedom))


def _divergence(table: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    filled = table > 0
    return float((table[filled] * np.log(table[filled] / expected[filled])).sum())


def _net_share(statistic: float, freedom: int, outcome: NDArray[np.float64]) -> float:
    entropy = stats.entropy(outcome) * outcome.sum()
    return max(0.0, float(statistic - freedom) / 2.0 / float(entropy)) if entropy > 0 else 0.0


def corrected(p: Sequence[float]) -> list[float]:
    """False discovery rates of p values; an empty list of none."""
    return stats.false_discovery_control(p).tolist() if p else []


def strengths(view: View) -> list[Strength]:
    """All inputs, the strongest first."""
    found = {name: association(codes, view.outcome) for name, codes in view.inputs.items()}
    rates = corrected([p for _, p in found.values()])
    made = [Strength(name, share, q, len(view.rows)) for (name, (share, _)), q in zip(found.items(), rates, strict=True)]
    return sorted(made, key=lambda one: (-one.share, one.column))


def interactions(view: View, ranked: Sequence[Strength]) -> list[Pair]:
    """Pairs among the strongest inputs that interact, the strongest first.

    The test compares the table of both inputs and the target with the one in which each input acts on the target by itself,
    fitted by iterative proportions (Bishop, Fienberg and Holland, 1975, Discrete Multivariate Analysis, chapter 3). It sees an
    effect of one input that depends on the other even where neither says anything alone within the inputs looked at.
    """
    names = [one.column for one in ranked[:_LOOKED_AT]]
    binned = {name: coarse(view.inputs[name]) for name in names}
    tested = {pair: _interaction(binned, pair, view.outcome) for pair in combinations(names, 2)}
    rates = corrected([p for _, p in tested.values()])
    pairs = [Pair(pair, share, q, len(view.rows)) for (pair, (share, _)), q in zip(tested.items(), rates, strict=True)]
    return sorted((pair for pair in pairs if pair.q < LIKELY and pair.share > 0), key=lambda pair: (-pair.share, pair.columns))


def coarse(column: Binned) -> Binned:
    """At most `_COARSE` bins of about equal size, neighbours put together."""
    if column.levels <= _COARSE:
        return column
    ends = np.cumsum(np.bincount(column.codes, minlength=column.levels))
    merged = np.minimum((ends - 1) * _COARSE // ends[-1], _COARSE - 1)
    codes = np.unique(merged, return_inverse=True)[1][column.codes]
    return Binned(codes.astype(np.int64), tuple(str(number) for number in range(int(codes.max()) + 1)))


def _interaction(columns: Mapping[str, Binned], pair: tuple[str, str], outcome: Binned) -> tuple[float, float]:
    one, two = (columns[name] for name in pair)
    table = np.zeros((one.levels, two.levels, outcome.levels))
    np.add.at(table, (one.codes, two.codes, outcome.codes), 1.0)
    freedom = (one.levels - 1) * (two.levels - 1) * (outcome.levels - 1)
    if freedom == 0:
        return 0.0, 1.0
    statistic = 2.0 * _divergence(table, _without_interaction(table))
    return _net_share(statistic, freedom, table.sum(axis=(0, 1))), float(stats.chi2.sf(statistic, freedom))


def _without_interaction(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """The table with the same margins of any two of the three, and no more structure than that."""
    fitted = np.ones_like(table)
    for _ in range(_ROUNDS):
        before = fitted
        for axis in range(3):
            margin = fitted.sum(axis=axis, keepdims=True)
            fitted = fitted * np.divide(table.sum(axis=axis, keepdims=True), margin, out=np.zeros_like(margin), where=margin > 0)
        if np.abs(fitted - before).max() < _CLOSE * table.sum():
            break
    return fitted
