"""The hyperparameter search is a pure function of its inputs, survives failures and stops when the budget does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import pytest

from forecast_worlds import score_table
from sevenstep.search.jobs import Fits
from sevenstep.search.tune import Trial, loss_of, plan_trials, search
from sevenstep.tasks.contract import Candidate, Fold, Range
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.work import Failure

FOLDS = [Fold(f"fold {number}", number) for number in range(2)]
SPACE = {
    "rate": Range(0.01, 1.0, log=True),
    "rounds": Range(10, 1000, log=True, integer=True),
    "kind": Range(choices=("plain", "fancy")),
}
START = Candidate("boosting", "boosting", "y", "", {"rate": 0.9, "rounds": 20, "kind": "plain", "fixed": 3}, SPACE, cost=2.0)


def scores_of(candidate: Candidate) -> ScoreTable:
    """Scores whose loss is a known bowl: best at rate 0.1, 200 rounds and the fancy kind."""
    given = candidate.parameters
    size = (
        0.05 + abs(np.log(given["rate"] / 0.1)) / 10 + abs(np.log(given["rounds"] / 200)) / 20 + 0.1 * (given["kind"] == "plain")
    )
    truth = np.full(20, 100.0)
    return score_table(truth, truth * (1 + size), fold=np.repeat([0, 1], 10))


class FakeFits:
    """Scores candidates at once; ``fails`` says what a numbered trial gives instead."""

    def __init__(self, fails: Callable[[int], ScoreTable | Failure | None] = lambda number: None) -> None:
        self.seen: list[Candidate] = []
        self._fails = fails

    def score(self, candidates: Sequence[Candidate], folds: Sequence[Fold], *, reserve: float) -> list[ScoreTable | Failure]:
        assert reserve == 30.0
        results: list[ScoreTable | Failure] = []
        for candidate in candidates:
            self.seen.append(candidate)
            results.append(self._fails(len(self.seen)) or scores_of(candidate))
        return results


def run(count: int = 20, seed: int = 1, fits: FakeFits | None = None, start: Candidate = START) -> list[Trial]:
    return search(start, scores_of(START), count, FOLDS, "wape", cast(Fits, fits or FakeFits()), seed, 30.0)


def told(trials: Sequence[Trial]) -> list[tuple[Any, ...]]:
    return [(trial.candidate.name, dict(trial.candidate.parameters), trial.loss, trial.note) for trial in trials]


def test_equal_inputs_give_equal_trials_and_another_seed_gives_others() -> None:
    assert told(run()) == told(run())
    assert told(run()) != told(run(seed=2))


def test_a_longer_search_finds_what_is_better_than_the_start() -> None:
    trials = run(40)
    assert len(trials) == 40
    best = min(trial.loss for trial in trials if trial.loss is not None)
    assert best < loss_of(scores_of(START), "wape") / 2


def test_trials_stay_inside_the_space_and_keep_what_is_not_searched() -> None:
    for trial in run():
        given = trial.candidate.parameters
        assert 0.01 <= given["rate"] <= 1.0
        assert 10 <= given["rounds"] <= 1000
        assert isinstance(given["rounds"], int)
        assert given["kind"] in ("plain", "fancy")
        assert given["fixed"] == 3
        assert trial.candidate.family == "boosting"
    names = [trial.candidate.name for trial in run()]
    assert names == [f"boosting #{number}" for number in range(1, 21)]


def test_more_rounds_are_planned_to_cost_more() -> None:
    for trial in run():
        expected = 2.0 * max(trial.candidate.parameters["rounds"] / 20, 0.2)
        assert trial.candidate.cost == pytest.approx(expected)


def test_a_failed_trial_is_noted_and_the_search_goes_on() -> None:
    trials = run(fits=FakeFits(lambda number: Failure("boosting", "the matrix is singular") if number % 3 == 0 else None))
    assert len(trials) == 20
    failed = [trial for trial in trials if trial.loss is None]
    assert len(failed) == 6
    assert all(trial.note == "the matrix is singular" and trial.scores is None for trial in failed)


def test_a_trial_without_a_figure_counts_as_failed_and_the_search_goes_on() -> None:
    empty = ScoreTable(scores_of(START).frame.with_columns(prediction=np.nan))
    trials = run(fits=FakeFits(lambda number: empty if number % 4 == 0 else None))
    assert [at for at, trial in enumerate(trials, 1) if trial.loss is None] == [4, 8, 12, 16, 20]


def test_a_budget_that_ends_early_stops_the_search_after_the_batch() -> None:
    fits = FakeFits(lambda number: Failure("boosting", "the time budget ended", skipped=True) if number >= 6 else None)
    trials = run(fits=fits)
    assert len(trials) == len(fits.seen) == 6
    assert trials[-1].loss is None
    assert told(trials[:5]) == told(run()[:5])


def test_a_start_outside_the_space_is_moved_into_it() -> None:
    start = Candidate("boosting", "boosting", "y", "", {"rate": 5.0, "rounds": 1, "kind": "odd"}, SPACE, cost=2.0)
    assert len(run(start=start)) == 20


def test_a_start_without_a_figure_is_no_obstacle() -> None:
    table = scores_of(START)
    unknown = ScoreTable(table.frame.with_columns(prediction=np.nan))
    assert len(search(START, unknown, 4, FOLDS, "wape", cast(Fits, FakeFits()), 1, 30.0)) == 4


def test_no_trials_are_no_work() -> None:
    fits = FakeFits()
    assert run(0, fits=fits) == []
    assert fits.seen == []


def test_the_number_of_trials_follows_from_planned_cost_alone() -> None:
    other = Candidate("theta", "statistical", "y", "", cost=1.0)
    dear = Candidate("dear", "boosting", "y", "", {}, SPACE, cost=20.0)
    # 100 s on 2 cores, shared by the two that can be searched: 100 s each, at 2 folds of 2 s and 20 s
    assert plan_trials([START, other, dear], 2, 100.0, 2) == {"boosting": 25, "dear": 2}
    assert plan_trials([START], 2, 1e9, 2) == {"boosting": 60}
    assert plan_trials([other], 2, 100.0, 2) == {}


def test_the_loss_is_the_mean_of_the_folds() -> None:
    truth = np.full(4, 100.0)
    table = score_table(truth, np.array([110.0, 110.0, 110.0, 140.0]), fold=np.array([0, 0, 0, 1]))
    assert loss_of(table, "wape") == pytest.approx((0.10 + 0.40) / 2)
