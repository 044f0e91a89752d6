"""The cut that follows from costs: never dearer than one half beyond noise, and left where what was scored speaks against it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit

from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.tasks.tabular.calibrate import calibrate
from sevenstep.tasks.tabular.decide import cuts_by_cost, decided_codes, paying_cuts, plain_cuts
from sevenstep.tasks.tabular.judged import Judged
from sevenstep.tasks.tabular.mapping import calibrated
from tabular_data import brief_of, classified

Floats = np.ndarray[Any, Any]
COSTS = np.array([1.0, 12.0])


def drawn(random: np.random.Generator, rows: int, signal: float, share: float, too_sure: float) -> tuple[Floats, Floats]:
    """Stated probabilities and true classes: a score is normal, ``signal`` higher where an item is of the rare class."""
    truth = (random.random(rows) < share).astype(int)
    evidence = signal * (random.normal(size=rows) + signal * truth) - signal**2 / 2
    stated = expit(logit(share) + too_sure * evidence)
    return np.column_stack([1 - stated, stated]), truth


def scored(stated: Floats, truth: Floats, costs: Floats = COSTS) -> ScoreTable:
    return classified(stated, truth, np.arange(len(truth)) % 5, costs[truth])


def cost(probability: Floats, truth: Floats, cuts: Floats) -> Floats:
    return np.asarray(COSTS[truth] * (decided_codes(probability, cuts) != truth), float)


WORLDS = [(signal, share, sure) for signal in (0.3, 1.0, 2.0) for share in (0.03, 0.15) for sure in (0.6, 1.0, 1.8)]


@pytest.mark.parametrize(("signal", "share", "too_sure"), WORLDS)
def test_in_worlds_of_weak_and_strong_signal_the_cut_costs_no_more_than_one_half(
    signal: float, share: float, too_sure: float
) -> None:
    random = np.random.default_rng(7)
    saved = []
    for _ in range(12):
        found = calibrate(scored(*drawn(random, 600, signal, share, too_sure)), brief_of("roc_auc"))
        stated, truth = drawn(random, 8000, signal, share, too_sure)
        own = calibrated(stated, found["map"])
        saved.append(float((cost(own, truth, plain_cuts(2)) - cost(own, truth, np.array(found["cuts"]))).mean()))
    error = float(np.std(saved, ddof=1) / np.sqrt(len(saved)))
    assert np.mean(saved) > -2 * error - 0.002
    if signal >= 1.0 or share > 1 / 13:  # there is something to be saved
        assert np.mean(saved) > 2 * error


def test_probabilities_that_promise_what_they_do_not_hold_leave_the_cut_at_one_half() -> None:
    random = np.random.default_rng(2)
    stated, truth = drawn(random, 4000, 0.0, 0.02, 1.0)
    loud = expit(logit(stated) + random.normal(0, 1.5, (4000, 1)) * np.array([[-1.0, 1.0]]))
    items = Judged.of(scored(loud / loud.sum(axis=1, keepdims=True), truth).frame)
    by_cost = cuts_by_cost(items.cost)
    lost = [cost(items.probability, items.truth, cuts).mean() for cuts in (by_cost, plain_cuts(2))]
    assert lost[0] > lost[1]
    assert paying_cuts(items, by_cost).tolist() == [0.5]


def test_a_loss_that_may_be_chance_does_not_speak_against_the_cut() -> None:
    stated, truth = np.tile([0.88, 0.12], (40, 1)), np.zeros(40, dtype=int)
    stated[::2], truth[1] = [0.97, 0.03], 1
    weak = scored(stated, truth).frame
    few = Judged.of(weak.filter(weak["unit"] < 12))
    assert paying_cuts(few, cuts_by_cost(COSTS)) == pytest.approx([1 / 13])


def test_with_more_classes_the_cuts_are_weighed_in_the_same_way() -> None:
    random = np.random.default_rng(3)
    chance = random.dirichlet([2.0, 2.0, 0.4], 3000)
    truth = (random.random((3000, 1)) < chance.cumsum(axis=1)).argmax(axis=1)
    costs = np.array([1.0, 1.0, 6.0])
    frame = classified(chance, truth, np.arange(3000) % 5).frame
    items = Judged.of(frame.with_columns(pl.col("label").replace_strict(dict(enumerate(costs))).alias("weight")))
    assert items.cost.tolist() == costs.tolist()
    assert paying_cuts(items, cuts_by_cost(costs)) == pytest.approx([1.0, 1.0, 1 / 6])
    feared = items.at(items.truth != 2).with_probability(np.tile([0.45, 0.35, 0.2], (int((truth != 2).sum()), 1)))
    assert paying_cuts(feared, cuts_by_cost(costs)).tolist() == [1.0, 1.0, 1.0]
