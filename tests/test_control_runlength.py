"""Average run lengths equal published ones, and those of simulated charts."""

from __future__ import annotations

import numpy as np
import pytest

from sevenstep.stats.control.memory import cusum_chart, ewma_chart
from sevenstep.stats.control.process import Process
from sevenstep.stats.control.rules import WESTERN_ELECTRIC
from sevenstep.stats.control.runlength import (
    chance_of_signals,
    cusum_run_length,
    ewma_run_length,
    rules_run_length,
    shewhart_run_length,
)

UNIT = Process(0.0, 1.0, 100)

# Champ and Woodall (1987), Exact results for Shewhart control charts with supplementary runs rules, Technometrics 29, table 1: no
# shift, by the numbers of the Western Electric rules read together.
TOGETHER = {(1,): 370.40, (1, 2): 225.44, (1, 3): 166.05, (1, 4): 152.73, (1, 2, 3, 4): 91.75}


@pytest.mark.parametrize(("shift", "length"), [(0, 370.4), (0.5, 155.2), (1, 43.9), (1.5, 15.0), (2, 6.3), (3, 2.0)])
def test_shewhart_lengths_are_the_published_ones(shift: float, length: float) -> None:
    assert shewhart_run_length(shift) == pytest.approx(length, abs=0.06)


def test_larger_subgroups_find_a_shift_sooner() -> None:
    assert shewhart_run_length(1, size=4) == pytest.approx(shewhart_run_length(2))


@pytest.mark.parametrize(
    ("slack", "interval", "shift", "length"),
    [(0.5, 5, 0, 465), (0.5, 5, 1, 10.4), (0.5, 5, 0.5, 38.0), (0.5, 5, 2, 4.01), (0.5, 4, 0, 168), (0.5, 4, 1, 8.38)],
)
def test_cusum_lengths_are_the_published_ones(slack: float, interval: float, shift: float, length: float) -> None:
    """Montgomery, table 9.3, from Lucas (1976)."""
    assert cusum_run_length(slack, interval, shift) == pytest.approx(length, rel=0.004)


def test_a_head_start_is_reckoned_as_published() -> None:
    """Lucas and Crosier (1982): interval 4, head start 2: 149 without a shift and 5.29 at one sigma."""
    assert cusum_run_length(0.5, 4, head_start=2) == pytest.approx(149, abs=0.5)
    assert cusum_run_length(0.5, 4, 1, head_start=2) == pytest.approx(5.29, abs=0.01)


@pytest.mark.parametrize(
    ("weight", "width", "shift", "length"),
    [(0.1, 2.814, 0, 500), (0.1, 2.814, 1, 10.3), (0.2, 2.962, 0, 500), (0.2, 2.962, 1, 10.5), (0.4, 3.054, 0.5, 71.2)],
)
def test_ewma_lengths_are_the_published_ones(weight: float, width: float, shift: float, length: float) -> None:
    """Lucas and Saccucci (1990), as in Montgomery, table 9.11."""
    assert ewma_run_length(weight, width, shift) == pytest.approx(length, rel=0.005)


def first_signal(signals: np.ndarray) -> int:
    return int(np.argmax(signals)) + 1


def test_simulated_cusums_and_ewmas_agree_with_theory() -> None:
    generator = np.random.default_rng(0)
    runs = generator.normal(1.0, 1.0, (600, 150))
    cusum = np.array([first_signal(cusum_chart(run, UNIT).outside) for run in runs])
    assert abs(cusum.mean() - cusum_run_length(0.5, 5, 1)) < 4 * cusum.std() / np.sqrt(600)
    ewma = np.array([first_signal(ewma_chart(run, UNIT, weight=0.4, width=3.054).outside) for run in runs])
    assert abs(ewma.mean() - ewma_run_length(0.4, 3.054, 1)) < 4 * ewma.std() / np.sqrt(600) + 0.15, "exact limits alarm sooner"


@pytest.mark.parametrize("numbers", TOGETHER)
def test_rules_read_together_alarm_as_often_as_published(numbers: tuple[int, ...]) -> None:
    found = rules_run_length(tuple(WESTERN_ELECTRIC[number] for number in numbers), runs=2500)
    error = (found.high - found.low) / (2 * 1.96)
    assert abs(found.mean - TOGETHER[numbers]) < 3.5 * error
    assert error < 0.03 * found.mean


def test_the_chance_of_signals_among_some_points_is_that_of_their_first_signal() -> None:
    """Limits alone: 1 - 0.9973^60; and with all four rules about half of all calm charts of 60 points signal somewhere."""
    assert chance_of_signals([WESTERN_ELECTRIC[1]], 60, 1) == pytest.approx(1 - 0.9973**60, abs=0.03)
    assert 0.4 < chance_of_signals(WESTERN_ELECTRIC.values(), 60, 1) < 0.6
    assert chance_of_signals(WESTERN_ELECTRIC.values(), 60, 0) == 1
    assert chance_of_signals(WESTERN_ELECTRIC.values(), 60, 30) < 0.001


def test_a_simulation_repeats_with_its_seed() -> None:
    rules = (WESTERN_ELECTRIC[1], WESTERN_ELECTRIC[4])
    assert rules_run_length(rules, 1.0, runs=200, seed=1) == rules_run_length(rules, 1.0, runs=200, seed=1)
    assert rules_run_length(rules, 1.0, runs=200, seed=1) != rules_run_length(rules, 1.0, runs=200, seed=2)
