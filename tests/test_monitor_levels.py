"""Level shifts by segment: the one that moved is named, soon, and hardly ever where none has."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import optimize, special, stats

from sevenstep.live.monitor import levels
from sevenstep.live.monitor.cells import Days, Segments
from sevenstep.live.monitor.levels import cumulated_p, moderated, moved, usual_of
from sevenstep.live.monitor.shifts import shifts_of
from shift_worlds import LEAD, RELEASED, Shift, ShiftWorld, newest

ALPHA = 0.0035
"""What shifts get of the default 0.01 of all false alarms."""


@pytest.mark.parametrize("alpha", [ALPHA, 0.05])
def test_daily_checks_of_clean_worlds_raise_no_more_new_alarms_than_stated(alpha: float) -> None:
    worlds, checks, raised = 20, 60, 0
    for seed in range(worlds):
        world = ShiftWorld.of(seed)
        segments, released, live = world.segments, world.released, world.live
        seen: dict[int, int] = {}
        for day in range(7, 7 + checks):
            found = [one.segment for one in moved(segments, newest(live, day), released, alpha)]
            raised += any(day - seen.get(segment, -99) > 3 for segment in found)
            seen |= dict.fromkeys(found, day)
    assert raised <= stats.binom.ppf(0.99, worlds * checks, alpha), f"{raised} of {worlds * checks}"


def test_a_state_that_sells_1_4_times_as_much_is_named_first_within_seven_days_in_every_world() -> None:
    for seed in range(20):
        shift = Shift(seed % 12, 30, 1.4)
        world = ShiftWorld.of(100 + seed, days=240, shift=shift)
        segments, released, live = world.segments, world.released, world.live
        days = (day for day in range(31, 38) if moved(segments, newest(live, day), released, ALPHA))
        found = moved(segments, newest(live, next(days)), released, ALPHA)
        assert [segments.names[one.segment] for one in found] == [("state", str(shift.state))]
        assert found[0].low < np.log(1.4) < found[0].high
        assert abs(found[0].since - shift.day) <= 1


def test_a_slow_shift_is_found_by_the_sum_over_weeks_where_no_window_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ShiftWorld.of(7, shift=Shift(3, 10, 1.04, weekly=True))
    segments, released, live = world.segments, world.released, world.live
    found = moved(segments, newest(live, 70), released, ALPHA)
    assert [(segments.names[one.segment], one.slow) for one in found] == [(("state", "3"), True)]
    monkeypatch.setattr(levels, "SLACK", 50.0)
    assert moved(segments, newest(live, 70), released, ALPHA) == []


def test_a_shift_of_everything_is_not_put_on_a_segment() -> None:
    world = ShiftWorld.of(11, days=240)
    live = newest(world.live, 40)
    truth = live.truth.copy()
    truth[:, -6:] *= 1.6
    found = moved(world.segments, Days(truth, live.forecast), world.released, ALPHA)
    assert [world.segments.names[one.segment] for one in found] == [("", "")]


def test_two_shifts_at_a_time_are_both_named() -> None:
    world = ShiftWorld.of(12, days=240)
    live, segments = newest(world.live, 40), world.segments
    truth = live.truth.copy()
    for name, factor in ((("state", "2"), 1.5), (("state", "9"), 0.6)):
        truth[np.ix_(segments.inside[segments.names.index(name)], np.arange(35, 40))] *= factor
    found = moved(segments, Days(truth, live.forecast), world.released, ALPHA)
    assert {segments.names[one.segment] for one in found} == {("state", "2"), ("state", "9")}


def test_one_wild_day_of_a_segment_is_no_shift() -> None:
    world = ShiftWorld.of(13, days=240)
    segments, live = world.segments, newest(world.live, 40)
    truth = live.truth.copy()
    truth[np.ix_(segments.inside[4], [39])] *= 5
    assert moved(segments, Days(truth, live.forecast), world.released, ALPHA) == []


def test_score_tables_give_the_same_answer_with_its_words() -> None:
    world = ShiftWorld.of(103, days=240, shift=Shift(3, 30, 1.4))
    released = pl.concat([world.frame(fold, number) for number, fold in enumerate(world.folds)])
    live = world.frame([(day, LEAD) for day in range(RELEASED, RELEASED + 35)], 9)
    (found,) = shifts_of(released, live, ["state", "kind", "range"], ALPHA, "accuracy", "sales")
    assert (found.kind, found.kpi, found.subject, found.alarm) == ("shift", "accuracy", "state s3", True)
    assert found.low is not None and found.high is not None and found.low < 1.4 < found.high
    assert found.evidence["since"] in {"2024-08-17", "2024-08-18", "2024-08-19"}  # the 230th day after New Year, or next to it
    expected = moved(world.segments, newest(world.live, 35), world.released, ALPHA)
    assert found.value == pytest.approx(float(np.exp(expected[0].size)))


def test_a_score_is_the_normal_score_of_a_prediction_t_test() -> None:
    chance = np.random.default_rng(0)
    forecast = np.full((1, 12), 100.0)
    truth = 100 * np.exp(chance.normal(0, 0.1, (1, 12)))
    one = Segments([("", "")], np.ones((1, 1), np.bool_), np.zeros((1, 1), np.bool_))
    past = np.log(truth[0] / 100)
    t = (0.4 - past.mean()) / (past.std(ddof=1) * np.sqrt(1 + 1 / 12))
    score = usual_of(one, Days(truth, forecast)).scores(np.array([0.4]))[0]
    assert 2 * stats.norm.sf(score) == pytest.approx(2 * stats.t.sf(t, 11))


def test_fewer_than_four_blocks_say_nothing() -> None:
    one = Segments([("", "")], np.ones((1, 1), np.bool_), np.zeros((1, 1), np.bool_))
    usual = usual_of(one, Days(np.array([[90.0, 100.0, 120.0]]), np.full((1, 3), 100.0)))
    assert np.isnan(usual.scores(np.array([9.0]))).all()


def test_variances_steady_each_other_as_far_as_they_are_alike() -> None:
    chance = np.random.default_rng(1)
    freedom = np.full(400, 5.0)
    alike = 0.04 * chance.chisquare(5, 400) / 5
    variance, steady = moderated(alike, freedom, np.zeros(400))
    assert variance == pytest.approx(np.full(400, 0.04), rel=0.15)
    assert (steady > 100).all()
    prior = 8.0  # variances that really differ: a scaled inverse chi-squared with 8 degrees of freedom
    true = 0.04 * prior / chance.chisquare(prior, 4000)
    drawn = true * chance.chisquare(5, 4000) / 5
    shrunk, steady = moderated(drawn, np.full(4000, 5.0), np.zeros(4000))
    assert steady[0] - 5 == pytest.approx(prior, rel=0.3)
    assert stats.spearmanr(shrunk, drawn).statistic == pytest.approx(1.0)
    assert np.mean((np.log(shrunk) - np.log(true)) ** 2) < 0.6 * np.mean((np.log(drawn) - np.log(true)) ** 2)


def test_the_inverse_of_trigamma_agrees_with_a_root_finder() -> None:
    for value in (0.01, 0.3, 2.0, 40.0):
        root = optimize.brentq(lambda x, wanted=value: special.polygamma(1, x) - wanted, 1e-3, 1e4)
        assert levels._inverse_trigamma(value) == pytest.approx(root, rel=1e-6)


def test_p_values_of_the_cumulated_sum_hold_in_the_long_run() -> None:
    chance = np.random.default_rng(2)
    p, weeks = cumulated_p(chance.normal(size=(20_000, 150)))
    for alpha in (0.05, 0.01, 0.001):
        assert alpha / 2 < (p <= alpha).mean() <= alpha * 1.15 + 2 * np.sqrt(alpha / 20_000)
    assert weeks.max() <= 150


def test_the_start_of_the_sum_is_the_week_in_which_it_left_zero() -> None:
    scores = np.array([[-1.0] * 6 + [2.0] * 4])
    p, weeks = cumulated_p(scores)
    assert weeks[0] == 4
    assert p[0] == pytest.approx(2 * np.exp(-(4 * 1.5 + 0.583)))
