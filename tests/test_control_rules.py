"""Run rules fire where a slow reading of their text says, and limits of phase 1 are freed of upsets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
import pytest

from sevenstep.stats.control.charts import Chart, individuals_chart
from sevenstep.stats.control.phases import CHARTS, Samples, phase_1, phase_2
from sevenstep.stats.control.process import Process
from sevenstep.stats.control.rules import NELSON, WESTERN_ELECTRIC, Rule, fires, violations

Window = list[float]


def same_side(window: Window, needed: int, beyond: float) -> bool:
    """At least so many of the window on the side of its newest point, which is one of them."""
    newest = window[-1]
    return any(side * newest > beyond and sum(side * z > beyond for z in window) >= needed for side in (1, -1))


def rising(window: Window) -> bool:
    return all(a < b for a, b in pairwise(window))


TWINS: Mapping[str, Callable[[Window], bool]] = {
    "Western Electric 1": lambda w: abs(w[-1]) > 3,
    "Western Electric 2": lambda w: same_side(w, 2, 2),
    "Western Electric 3": lambda w: same_side(w, 4, 1),
    "Western Electric 4": lambda w: same_side(w, 8, 0),
    "Nelson 1": lambda w: abs(w[-1]) > 3,
    "Nelson 2": lambda w: same_side(w, 9, 0),
    "Nelson 3": lambda w: len(w) == 6 and (rising(w) or rising([-z for z in w])),
    "Nelson 4": lambda w: len(w) == 14 and all((b - a) * (c - b) < 0 for a, b, c in zip(w, w[1:], w[2:], strict=False)),
    "Nelson 5": lambda w: same_side(w, 2, 2),
    "Nelson 6": lambda w: same_side(w, 4, 1),
    "Nelson 7": lambda w: len(w) == 15 and all(abs(z) < 1 for z in w),
    "Nelson 8": lambda w: len(w) == 8 and all(abs(z) > 1 for z in w),
}
RULES = [*WESTERN_ELECTRIC.values(), *NELSON.values()]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_fires_exactly_where_its_slow_twin_does(rule: Rule) -> None:
    generator = np.random.default_rng(3)
    series = [generator.normal(0.4, 1.3, 4000), generator.normal(0, 0.55, 4000), np.cumsum(generator.normal(0, 0.4, 400))]
    alternating = generator.normal(0, 0.3, 3000) + 0.6 * (-1.0) ** np.arange(3000)
    for z in (*series, alternating):
        expected = [TWINS[rule.name](z[max(0, place - rule.span + 1) : place + 1].tolist()) for place in range(len(z))]
        assert rule.met(z).tolist() == expected
    assert any(rule.met(z).any() for z in (*series, alternating)), "the test must see the rule fire"


def test_rules_are_cited_by_family_and_number() -> None:
    assert list(WESTERN_ELECTRIC) == [1, 2, 3, 4]
    assert list(NELSON) == list(range(1, 9))
    assert NELSON[3].name == "Nelson 3"
    assert "6 points in a row" in NELSON[3].text


@pytest.mark.parametrize(("rule", "points"), [(NELSON[2], 9), (NELSON[3], 6), (NELSON[7], 15), (WESTERN_ELECTRIC[4], 8)])
def test_a_missing_value_ends_a_run(rule: Rule, points: int) -> None:
    run = np.linspace(0.1, 0.9, points)
    assert np.flatnonzero(rule.met(run)).tolist() == [points - 1]
    holed = run.copy()
    holed[points // 2] = np.nan
    assert not rule.met(holed).any()


def test_several_series_are_read_at_once() -> None:
    z = np.random.default_rng(0).normal(0, 1.4, (5, 200))
    together = fires(z, RULES)
    assert together.tolist() == [fires(row, RULES).tolist() for row in z]


def test_a_violation_names_chart_rule_and_points() -> None:
    values = np.array([0.1, -0.3, 0.2, 4.0, 0.1, 2.5, 2.4, -0.1])
    chart = individuals_chart(values, Process(0.0, 1.0, 8))
    found = {violation.rule.name: violation.points for violation in violations(chart, WESTERN_ELECTRIC.values())}
    assert found == {"Western Electric 1": (3,), "Western Electric 2": (5, 6)}


def test_runs_are_not_read_on_charts_of_spread() -> None:
    z = np.full(12, 0.5)
    flat, one = np.zeros(12), np.ones(12)
    spread = Chart("S", z, flat, one, flat - 3, flat + 3, runs=False)
    assert violations(spread, RULES) == []
    assert violations(Chart("I", z, flat, one, flat - 3, flat + 3), RULES) != []


def test_a_narrower_chart_signals_by_its_own_limits() -> None:
    chart = individuals_chart(np.array([0.0, 2.5]), Process(0.0, 1.0, 2), width=2.0)
    assert violations(chart, [WESTERN_ELECTRIC[1]])[0].points == (1,)


def test_phase_1_leaves_out_upsets_one_round_after_the_other_with_reasons() -> None:
    values = np.random.default_rng(1).normal(100, 2, 80)
    values[[10, 40]] = (180, 115)
    baseline = phase_1("individuals", Samples(values))
    rounds = {removal.point: removal.round for removal in baseline.removed}
    assert rounds[10] == 1 and rounds[40] >= 1
    assert baseline.stable
    assert "above its limit" in baseline.removed[0].reason
    clean = np.delete(values, [10, 40])
    assert baseline.process.centre == pytest.approx(clean.mean(), abs=0.5)
    assert baseline.process.sigma == pytest.approx(2, rel=0.2)
    assert len(baseline.charts[0].points) == 80, "all points are shown, those left out too"


def test_without_upsets_nothing_is_left_out() -> None:
    values = np.random.default_rng(2).uniform(-1, 1, (30, 5))
    baseline = phase_1("xbar_s", Samples(values))
    assert baseline.removed == () and baseline.stable


def test_a_process_that_wanders_is_called_unstable() -> None:
    values = np.cumsum(np.random.default_rng(3).normal(0, 1, 200))
    assert not phase_1("individuals", Samples(values)).stable


def test_phase_2_judges_by_frozen_limits() -> None:
    generator = np.random.default_rng(4)
    older = Samples(generator.binomial(200, 0.05, 30).astype(float), np.full(30, 200.0))
    newer = Samples(generator.binomial(200, 0.15, 10).astype(float), np.full(10, 200.0))
    process = phase_1("p", older).process
    (chart,) = phase_2("p", newer, process)
    assert chart.centre[0] == process.centre
    assert chart.outside.mean() > 0.7


@pytest.mark.parametrize("kind", CHARTS)
def test_every_kind_goes_through_both_phases(kind: str) -> None:
    generator = np.random.default_rng(6)
    grouped = kind.startswith("xbar")
    values = generator.normal(9, 1, (40, 4)) if grouped else generator.poisson(9, 40).astype(float)
    samples = Samples(values, np.full(40, 60.0))
    baseline = phase_1(kind, samples)
    again = phase_2(kind, samples, baseline.process)
    assert [chart.outside.tolist() for chart in again] == [chart.outside.tolist() for chart in baseline.charts]
    assert len(baseline.removed) <= 4
