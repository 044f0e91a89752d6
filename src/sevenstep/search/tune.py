"""Hyperparameter search within planned work, with Optuna's sampler.

The number of trials follows from the budget and the candidates' planned cost, and trials are asked for in batches of fixed
size, so that the same inputs give the same trials; the clock can only cut the search short, and then the report says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sevenstep.search.jobs import Fits
from sevenstep.search.losses import loss_of
from sevenstep.tasks.contract import Candidate, Fold, Range
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.work import Failure

__all__ = ["Trial", "plan_trials", "search", "trial_cost"]

BATCH = 2  # trials asked for before any of them is told; fixed, so that the number of cores does not change the search
MOST_TRIALS = 60
LEAST_WORK = 0.2  # share of a fit's time that fewer rounds do not save
WORK = ("rounds", "feature_share")  # hyperparameters that the time of a fit is in proportion to, where a family has them
STEP = "learning_rate"  # the smaller it is, the more rounds until early stopping, where rounds are not searched


@dataclass(frozen=True)
class Trial:
    """One set of hyperparameters: its candidate, its scores where there are any, and its loss (None when it was not finished)."""

    candidate: Candidate
    scores: ScoreTable | None
    loss: float | None
    note: str = ""


def plan_trials(candidates: Sequence[Candidate], folds: int, seconds: float, cores: int) -> dict[str, int]:
    """How many trials each candidate gets: the planned seconds shared equally among those that can be searched.

    A trial is planned at what the usual values of its space cost. What a person said to search has at least one batch.
    """
    able = [candidate for candidate in candidates if candidate.space]
    share = seconds * cores / max(len(able), 1)
    counts = {candidate.name: min(round(share / (trial_cost(candidate) * folds)), MOST_TRIALS) for candidate in able}
    return counts | {candidate.name: max(counts[candidate.name], BATCH) for candidate in able if candidate.searched}


def trial_cost(start: Candidate) -> float:
    """Planned seconds of one fit with the usual values of the candidate's space."""
    usual = {name: _usual(item) for name, item in start.space.items() if name in WORK}
    if STEP in start.space and _stops_early(start):
        usual[STEP] = 1.0 / _usual(_inverse(start.space[STEP]))
    return _cost(start, usual) if usual else start.cost


def _stops_early(start: Candidate) -> bool:
    """Whether the rounds of a fit follow from the data, and with them its time from how small its steps are."""
    return "rounds" not in start.space and bool(start.parameters.get("patience"))


def _inverse(item: Range) -> Range:
    """The range of one over its values."""
    if item.choices:
        return replace(item, choices=tuple(1.0 / float(choice) for choice in item.choices))
    assert item.low is not None and item.high is not None
    return replace(item, low=1.0 / item.high, high=1.0 / item.low)


def _usual(item: Range) -> float:
    """Mean of what a search draws: of listed numbers, of an even range, or of one that is even in logarithms."""
    if item.choices:
        return float(np.mean([float(choice) for choice in item.choices]))
    assert item.low is not None and item.high is not None
    if item.log and item.high > item.low > 0:
        return float((item.high - item.low) / np.log(item.high / item.low))
    return (item.low + item.high) / 2


def _cost(start: Candidate, parameters: Mapping[str, Any]) -> float:
    """Planned seconds of a fit with other values of what its time is in proportion to."""
    known = [name for name in WORK if name in parameters and start.parameters.get(name)]
    factor = float(np.prod([float(parameters[name]) / float(start.parameters[name]) for name in known]))
    if _stops_early(start) and parameters.get(STEP) and start.parameters.get(STEP):
        factor *= float(start.parameters[STEP]) / float(parameters[STEP])
    return start.cost * max(factor, LEAST_WORK)


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


def _varied(start: Candidate, parameters: Mapping[str, Any], number: int) -> Candidate:
    """The candidate with other parameters, priced by how much more work they ask for."""
    reason = ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in parameters.items()
    )
    merged = {**start.parameters, **parameters}
    name, cost = f"{start.name} #{number}", _cost(start, parameters)
    stage = start.stage and {part: parameters.get(part, value) for part, value in start.stage.items()}
    return replace(start, name=name, parameters=merged, stage=stage, reason=reason, cost=cost, asked=False, searched=False)


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
