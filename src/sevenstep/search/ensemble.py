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

from sevenstep.search.library import Blend, Library
from sevenstep.search.losses import BlendLosses, FoldLoss
from sevenstep.search.thrift import Rule, thrifty
from sevenstep.stats.choice import Choice
from sevenstep.stats.metrics import METRICS

__all__ = ["Selection", "select"]

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


def select(library: Library, rule: Rule, blend: Blend, *, blends: bool = True) -> Selection:
    """Choose weights on all folds, and for each fold, in the same way, on the others alone.

    Of the single candidates the cheapest that cannot be told apart from the best is taken, and a blend of several only where it
    is measurably better on folds neither has seen, or better by more than the rule lets go untested. Where members
    cannot be blended (``blends`` is false) a single candidate is taken.
    """
    losses = _Losses.of(library, rule, blend)
    if not np.isfinite(_of_singles(library, losses.judged)).any():
        mae = METRICS["mae"]  # the KPI's metric cannot be measured, and something must lead
        rule = replace(rule, metric=mae, min_gain=None)
        losses = _Losses.of(library, rule, blend)
    chosen = _chosen if blends else _single
    weights, trace = chosen(library, rule, blend, losses)
    rest = library.without()
    if len(rest) < 2:
        return Selection(weights, dict.fromkeys(rest, weights), None, trace)
    by_fold = {fold: chosen(part, rule.nested, blend, losses)[0] for fold, part in rest.items()}
    return Selection(weights, by_fold, _unseen(library, by_fold, blend), trace)


@dataclass(frozen=True)
class _Losses:
    """What blends lose by the metric they are judged by, and by the one they are searched by; often the same."""

    judged: BlendLosses
    guiding: BlendLosses

    @classmethod
    def of(cls, library: Library, rule: Rule, blend: Blend) -> _Losses:
        judged = BlendLosses(library, rule.metric, blend)
        return cls(judged, judged if rule.guide is rule.metric else BlendLosses(library, rule.guide, blend))


def _single(library: Library, rule: Rule, blend: Blend, losses: _Losses) -> tuple[Weights, dict[str, Any]]:
    """The single candidate the rule takes."""
    choice = _thrifty_single(library, rule, losses.judged)
    return _alone(library, choice.name), {"taken": "single", "best": choice.best, "why": choice.reason}


def _chosen(library: Library, rule: Rule, blend: Blend, losses: _Losses) -> tuple[Weights, dict[str, Any]]:
    """Weights of a single candidate or of a blend, by what each does on folds left out in turn."""
    best = _best_single(library, losses.judged)
    choice = _thrifty_single(library, rule, losses.judged)
    single = _alone(library, choice.name)
    trace: dict[str, Any] = {"taken": "single", "best": choice.best, "why": choice.reason}
    rest = library.without()
    if len(rest) < 2:
        return single, trace
    blended = _greedy(library, losses.guiding)
    if np.count_nonzero(blended) < 2:
        return single, trace
    ways: dict[str, tuple[Weights, Callable[[Library], Weights]]] = {
        _named(blended): (blended, lambda part: _greedy(part, losses.guiding)),
        choice.best: (best, lambda part: _best_single(part, losses.judged)),
        choice.name: (single, lambda part: _alone(part, _thrifty_single(part, rule.nested, losses.judged).name)),
    }
    made = {name: _unseen(library, {fold: way(part) for fold, part in rest.items()}, blend) for name, (_, way) in ways.items()}
    on_rows = FoldLoss(library.frame, rule.metric)
    unseen = {name: on_rows(prediction) for name, prediction in made.items()}
    taken = thrifty(library, made, unseen, {name: library.cost(weights) for name, (weights, _) in ways.items()}, rule)
    trace["loss_unseen"] = unseen
    if taken.best != _named(blended):
        return single, trace | {"why": f"{choice.reason}; on folds not used for choosing a blend is no better"}
    weights = ways[taken.name][0]
    kind = "blend" if taken.name == _named(blended) else "single"
    return weights, trace | {"taken": kind, "why": taken.reason}


def _named(weights: Weights) -> str:
    return f"the blend of {np.count_nonzero(weights)} candidates"


def _alone(library: Library, name: str) -> Weights:
    weights = np.zeros(len(library.names))
    weights[list(library.names).index(name)] = 1.0
    return weights


def _best_single(library: Library, losses: BlendLosses) -> Weights:
    own = _of_singles(library, losses)
    return _alone(library, library.names[int(np.argmin(np.where(np.isfinite(own), own, np.inf)))])


def _thrifty_single(library: Library, rule: Rule, losses: BlendLosses) -> Choice:
    """The cheapest candidate that cannot be told apart from the best one."""
    predictions = dict(zip(library.names, library.predictions.T, strict=True))
    own = dict(zip(library.names, _of_singles(library, losses).tolist(), strict=True))
    return thrifty(library, predictions, own, dict(zip(library.names, library.costs.tolist(), strict=True)), rule)


def _of_singles(library: Library, losses: BlendLosses) -> NDArray[np.float64]:
    """The loss of each candidate alone on the folds of ``library``."""
    return np.array([losses(alone, library.fold_numbers) for alone in np.eye(len(library.names))])


def _unseen(library: Library, weights: Mapping[int, Weights], blend: Blend) -> NDArray[np.float64]:
    result = np.full(len(library.frame), np.nan)
    for fold, own in weights.items():
        rows = library.folds == fold
        result[rows] = blend(library.predictions[rows], own)
    return result


def _greedy(library: Library, losses: BlendLosses) -> Weights:
    """Counts of each member after the best of `ROUNDS` additions, as weights."""
    own = _of_singles(library, losses)
    pool = np.argsort(own)[:POOL]
    picks = np.eye(len(own))
    counts = picks[pool[0]]
    best, best_counts = float(own[pool[0]]), counts
    for _ in range(ROUNDS - 1):
        full = np.count_nonzero(counts) >= MOST_MEMBERS
        allowed = [at for at in pool if not full or counts[at] > 0]
        tried = np.array([losses(counts + picks[at], library.fold_numbers) for at in allowed])
        least = int(np.argmin(np.where(np.isfinite(tried), tried, np.inf)))
        counts = counts + picks[allowed[least]]
        if tried[least] < best - 1e-12:
            best, best_counts = float(tried[least]), counts
    return np.asarray(best_counts / best_counts.sum())
