"""Hyperparameter search within planned work, with Optuna's sampler.

The number of trials follows from the budget and the candidates' planned cost, and trials are asked for in batches of fixed
size, so that the same inputs give the same trials; the clock can only cut the search short, and then the report says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sevenstep.search.ensemble import mean_loss
from sevenstep.search.jobs import Fits
from sevenstep.search.leaderboard import metric_named
from sevenstep.tasks.contract import Candidate, Fold, Range
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.work import Failure

__all__ = ["Trial", "plan_trials", "search"]

BATCH = 2  # trials asked for before any of them is told; fixed, so that the number of cores does not change the search


@dataclass(frozen=True)
class Trial:
    """One set of hyperparameters: its candidate, its scores where there are any, and its loss (None when it was not finished)."""

    candidate: Candidate
    scores: ScoreTable | None
    loss: float | None
    note: str = ""


def plan_trials(candidates: Sequence[Candidate], folds: int, seconds: float, cores: int) -> dict[str, int]:
    """How many trials each candidate gets: the planned seconds shared equally among those that can be searched."""
    able = [candidate for candidate in candidates if candidate.space]
    share = seconds * cores / max(len(able), 1)
    return {candidate.name: min(int(share / (candidate.cost * folds)), 60) for candidate in able}


def search(
    start: Candidate, known: ScoreTable, count: int, folds: Sequence[Fold], metric: str, fits: Fits, seed: int, reserve: float
) -> list[Trial]:
    """Try ``count`` variations of a candidate whose own scores are ``known``; results in the order they were asked for."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(4, count // 4), multivariate=True)
    study = optuna.create_study(direction="minimize", sampler=sampler)
    distributions = {name: _distribution(item) for name, item in start.space.items()}
    begin = {name: _inside(start.parameters[name], item) for name, item in start.space.items() if name in start.parameters}
    loss = loss_of(known, metric)
    if len(begin) == len(distributions) and np.isfinite(loss):
        study.add_trial(optuna.trial.create_trial(params=begin, distributions=distributions, value=loss))
    trials: list[Trial] = []
    while len(trials) < count:
        asked = [study.ask(distributions) for _ in range(min(BATCH, count - len(trials)))]
        batch = [_varied(start, trial.params, len(trials) + at + 1) for at, trial in enumerate(asked)]
        found = fits.score(batch, folds, reserve=reserve)
        for trial, candidate, result in zip(asked, batch, found, strict=True):
            done = _told(candidate, result, metric)
            study.tell(trial, done.loss if done.loss is not None else None, state=_state(done))
            trials.append(done)
        if any(isinstance(result, Failure) and result.skipped for result in found):
            break
    return trials


def _state(trial: Trial) -> Any:
    from optuna.trial import TrialState

    return TrialState.FAIL if trial.loss is None else TrialState.COMPLETE


def _told(candidate: Candidate, result: ScoreTable | Failure, metric: str) -> Trial:
    if isinstance(result, Failure):
        return Trial(candidate, None, None, result.reason)
    loss = loss_of(result, metric)
    return Trial(candidate, result, loss if np.isfinite(loss) else None)


def loss_of(table: ScoreTable, metric: str) -> float:
    """Mean of the metric's loss over the folds it can be measured on."""
    return mean_loss(table.frame, metric_named(metric), table.frame["prediction"].to_numpy())


def _varied(start: Candidate, parameters: Mapping[str, Any], number: int) -> Candidate:
    """The candidate with other parameters, priced by how much more work they ask for."""
    rounds = float(parameters.get("rounds", 1.0)) / float(start.parameters.get("rounds", 1.0) or 1.0)
    reason = ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in parameters.items()
    )
    merged = {**start.parameters, **parameters}
    return replace(start, name=f"{start.name} #{number}", parameters=merged, reason=reason, cost=start.cost * max(rounds, 0.2))


def _distribution(item: Range) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if item.choices:
        return CategoricalDistribution(list(item.choices))
    assert item.low is not None and item.high is not None
    if item.integer:
        return IntDistribution(int(item.low), int(item.high), log=item.log)
    return FloatDistribution(item.low, item.high, log=item.log)


def _inside(value: Any, item: Range) -> Any:
    """A starting value moved into the range it is searched in."""
    if item.choices:
        return value if value in item.choices else item.choices[0]
    clipped = min(max(value, item.low), item.high)
    return int(clipped) if item.integer else float(clipped)
