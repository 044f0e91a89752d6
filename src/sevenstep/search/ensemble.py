"""Greedy ensemble selection and the choice between blend and single candidates, judged on folds they have not seen.

Members are added one at a time, with replacement, whichever lowers the error of the blend most (Caruana et al., 2004). Because
weights chosen on out-of-fold predictions would flatter themselves on those same rows, every fold is also predicted with weights
chosen on the other folds only; that is the score that is reported.

What cannot be told apart goes to the cheaper: among single candidates on their own out-of-fold rows, and between blend and
single on folds neither was chosen on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.search.library import Library
from sevenstep.search.losses import FoldLoss
from sevenstep.search.thrift import Rule, thrifty
from sevenstep.stats.choice import Choice
from sevenstep.stats.metrics import METRICS

__all__ = ["Selection", "select"]

Blend = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
Weights = NDArray[np.float64]
ROUNDS = 20
POOL = 12  # candidates a blend may draw on: the best ones
MOST_MEMBERS = 5  # of them in one blend: each is one more fit on all rows, and a sixth saves next to nothing


@dataclass(frozen=True)
class Selection:
    """Weights of the final model, and its predictions with weights that have not seen the row's fold.

    ``trace`` tells how it came about: ``taken`` (``single`` or ``blend``), ``best`` (the candidate with the least loss),
    ``why`` (one sentence) and, where folds could be left out, ``loss_unseen``. ``unseen`` is None with a single fold.
    """

    weights: Weights
    by_fold: Mapping[int, Weights]
    unseen: NDArray[np.float64] | None
    trace: Mapping[str, Any]


def select(library: Library, rule: Rule, blend: Blend) -> Selection:
    """Choose weights on all folds, and for each fold, in the same way, on the others alone.

    Of the single candidates the cheapest that cannot be told apart from the best is taken, and a blend of several only where it
    is measurably better on folds neither has seen, or better by more than the rule lets go untested.
    """
    if not np.isfinite(_losses(library, rule)).any():
        rule = replace(rule, metric=METRICS["mae"], min_gain=None)  # the KPI's metric cannot be measured, and something must lead
    weights, trace = _chosen(library, rule, blend)
    rest = library.without()
    if len(rest) < 2:
        return Selection(weights, dict.fromkeys(rest, weights), None, trace)
    by_fold = {fold: _chosen(part, rule, blend)[0] for fold, part in rest.items()}
    return Selection(weights, by_fold, _unseen(library, by_fold, blend), trace)


def _chosen(library: Library, rule: Rule, blend: Blend) -> tuple[Weights, dict[str, Any]]:
    """Weights of a single candidate or of a blend, by what each does on folds left out in turn."""
    best = _best_single(library, rule)
    choice = _thrifty_single(library, rule)
    single = _alone(library, choice.name)
    trace: dict[str, Any] = {"taken": "single", "best": choice.best, "why": choice.reason}
    rest = library.without()
    if len(rest) < 2:
        return single, trace
    blended = _greedy(library, rule, blend)
    if np.count_nonzero(blended) < 2:
        return single, trace
    ways: dict[str, tuple[Weights, Callable[[Library], Weights]]] = {
        _named(blended): (blended, lambda part: _greedy(part, rule, blend)),
        choice.best: (best, lambda part: _best_single(part, rule)),
        choice.name: (single, lambda part: _alone(part, _thrifty_single(part, rule).name)),
    }
    made = {name: _unseen(library, {fold: way(part) for fold, part in rest.items()}, blend) for name, (_, way) in ways.items()}
    taken = thrifty(library, made, {name: library.cost(weights) for name, (weights, _) in ways.items()}, rule)
    trace["loss_unseen"] = taken.losses
    if taken.choice.best != _named(blended):
        return single, trace | {"why": f"{choice.reason}; on folds not used for choosing a blend is no better"}
    weights = ways[taken.choice.name][0]
    kind = "blend" if taken.choice.name == _named(blended) else "single"
    return weights, trace | {"taken": kind, "why": taken.choice.reason}


def _named(weights: Weights) -> str:
    return f"the blend of {np.count_nonzero(weights)} candidates"


def _alone(library: Library, name: str) -> Weights:
    weights = np.zeros(len(library.names))
    weights[list(library.names).index(name)] = 1.0
    return weights


def _best_single(library: Library, rule: Rule) -> Weights:
    losses = _losses(library, rule)
    return _alone(library, library.names[int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))])


def _thrifty_single(library: Library, rule: Rule) -> Choice:
    """The cheapest candidate that cannot be told apart from the best one."""
    predictions = dict(zip(library.names, library.predictions.T, strict=True))
    return thrifty(library, predictions, dict(zip(library.names, library.costs.tolist(), strict=True)), rule).choice


def _losses(library: Library, rule: Rule) -> NDArray[np.float64]:
    loss = FoldLoss(library.frame, rule.metric)
    return np.array([loss(column) for column in library.predictions.T])


def _unseen(library: Library, weights: Mapping[int, Weights], blend: Blend) -> NDArray[np.float64]:
    result = np.full(len(library.frame), np.nan)
    for fold, own in weights.items():
        rows = library.folds == fold
        result[rows] = blend(library.predictions[rows], own)
    return result


def _greedy(library: Library, rule: Rule, blend: Blend) -> Weights:
    """Counts of each member after the best of `ROUNDS` additions, as weights."""
    losses = _losses(library, rule)
    order = np.argsort(losses)[:POOL]
    able, loss_of = library.predictions[:, order], FoldLoss(library.frame, rule.metric)
    picks = np.eye(len(order))
    counts = picks[0]
    best, best_counts = float(losses[order[0]]), counts
    for _ in range(ROUNDS - 1):
        full = np.count_nonzero(counts) >= MOST_MEMBERS
        allowed = [not full or count > 0 for count in counts]
        tried = np.array(
            [loss_of(blend(able, counts + pick)) if may else np.inf for pick, may in zip(picks, allowed, strict=True)]
        )
        at = int(np.argmin(np.where(np.isfinite(tried), tried, np.inf)))
        counts = counts + picks[at]
        if tried[at] < best - 1e-12:
            best, best_counts = float(tried[at]), counts
    weights = np.zeros(len(losses))
    weights[order] = best_counts / best_counts.sum()
    return weights
