"""The hyperparameter search is a pure function of its inputs, survives failures and stops when the budget does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from forecast_worlds import score_table
from sevenstep.search.jobs import Fits
from sevenstep.search.losses import loss_of
from sevenstep.search.tune import BATCH, Trial, plan_trials, search, trial_cost
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


def test_a_trial_is_planned_at_what_the_usual_values_of_its_space_cost() -> None:
    # rounds are drawn even in logarithms from 10 to 1000: their mean is 990 / ln 100 = 215, from a start of 20
    assert trial_cost(START) == pytest.approx(2.0 * (990 / np.log(100)) / 20)
    own = replace(START, space={"rounds": Range(choices=(10, 30)), "feature_share": Range(0.2, 0.7)}, cost=3.0)
    own = replace(own, parameters={"rounds": 20, "feature_share": 0.3})
    assert trial_cost(own) == pytest.approx(3.0 * 0.45 / 0.3)
    drawn = [trial.candidate.cost for trial in run(40)]
    assert np.mean(drawn) == pytest.approx(trial_cost(START), rel=0.5)


def test_smaller_steps_are_planned_to_take_longer_only_where_a_fit_stops_by_itself() -> None:
    space = {"learning_rate": Range(0.02, 0.12, log=True)}
    still = replace(START, space=space, cost=3.0, parameters={"rounds": 200, "learning_rate": 0.06, "patience": 0})
    assert trial_cost(still) == 3.0
    stops = replace(still, parameters={**still.parameters, "patience": 40})
    assert trial_cost(stops) == pytest.approx(3.0 * 0.06 * (1 / 0.02 - 1 / 0.12) / np.log(6))


def test_the_number_of_trials_follows_from_planned_cost_alone() -> None:
    other = Candidate("theta", "statistical", "y", "", cost=1.0)
    flat = {"rate": SPACE["rate"]}
    cheap, dear = replace(START, space=flat), Candidate("dear", "boosting", "y", "", {}, flat, cost=20.0)
    # 100 s on 2 cores, shared by the two that can be searched: 100 s each, at 2 folds of 2 s and 20 s
    assert plan_trials([cheap, other, dear], 2, 100.0, 2) == {"boosting": 25, "dear": 2}
    assert plan_trials([cheap], 2, 1e9, 2) == {"boosting": 60}
    assert plan_trials([other], 2, 100.0, 2) == {}


def test_what_a_person_said_to_search_is_searched_also_where_the_plan_has_no_time_for_it() -> None:
    dear = Candidate("dear", "boosting", "y", "", {}, {"rate": SPACE["rate"]}, cost=1e6)
    assert plan_trials([dear], 2, 100.0, 2) == {"dear": 0}
    assert plan_trials([replace(dear, searched=True)], 2, 100.0, 2) == {"dear": BATCH}


def test_the_loss_is_the_mean_of_the_folds() -> None:
    truth = np.full(4, 100.0)
    table = score_table(truth, np.array([110.0, 110.0, 110.0, 140.0]), fold=np.array([0, 0, 0, 1]))
    assert loss_of(table, "wape") == pytest.approx((0.10 + 0.40) / 2)
