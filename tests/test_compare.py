"""Paired comparison: calibrated, symmetric, corrected for many questions; ties go to the cheaper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from sevenstep.stats.choice import prefer_cheaper, tolerated_loss
from sevenstep.stats.compare import Comparison, compare, corrected_p_values, holm
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored

WAPE, MAE = METRICS["wape"], METRICS["mae"]


def pair(
    random: np.random.Generator, clusters: int, *, edge: float = 0.0, lean: float = 0.03, each: int = 8
) -> tuple[Scored, Scored, np.ndarray]:
    """Two predictions whose errors share what is hard about a row; the first is better by ``edge``.

    ``lean`` is how far a whole series may lie too high in one and too low in the other.
    """
    level = np.repeat(random.lognormal(4, 0.6, clusters), each)
    hard = np.repeat(random.lognormal(-2, 0.5, clusters), each) * random.normal(0, 1, level.size)
    tilt = np.repeat(random.normal(0, lean, clusters), each)
    own = [random.normal(0, 0.05, level.size) for _ in range(2)]
    first, second = hard + tilt + own[0], (1 + edge) * (hard - tilt + own[1])
    return Scored.of(level, level * (1 + first)), Scored.of(level, level * (1 + second)), np.repeat(np.arange(clusters), each)


@pytest.mark.parametrize("clusters", [7, 30])
def test_two_equally_good_predictions_are_told_apart_about_as_often_as_the_level_allows(clusters):
    random = np.random.default_rng(clusters)
    ps = [compare(WAPE, *pair(random, clusters), run, 400).p for run in range(300)]
    assert 0.02 <= np.mean(np.array(ps) < 0.05) <= 0.085


def test_ignoring_clusters_would_find_differences_that_are_not_there():
    random = np.random.default_rng(1)
    alarms = np.zeros(2)
    for run in range(100):
        first, second, cluster = pair(random, 20)
        # What one prediction gains on a series it gains on all its rows.
        better = np.repeat(random.normal(0, 0.1, 20), 8) * first.truth
        first = Scored.of(first.truth, first.prediction + np.sign(first.prediction - first.truth) * better)
        labels = (np.arange(len(cluster)), cluster)
        alarms += [compare(WAPE, first, second, label, run, 400).p < 0.05 for label in labels]
    assert alarms[0] > 25
    assert alarms[1] < 20


def test_pairing_finds_a_difference_that_two_separate_intervals_would_miss():
    first, second, cluster = pair(np.random.default_rng(3), 60, edge=0.1)
    found = compare(WAPE, first, second, cluster, 0)
    assert found.low > 0 and found.p < 0.01
    separate = [WAPE.value(rows) for rows in (first, second)]
    assert found.gain == pytest.approx(separate[1] - separate[0], rel=1e-12)


def test_few_pairs_give_the_p_value_and_interval_of_the_paired_t_test():
    random = np.random.default_rng(2)
    first, second = random.gamma(2, 1, 8), random.gamma(2.5, 1, 8)
    found = compare(MAE, Scored.of(first, np.zeros(8)), Scored.of(second, np.zeros(8)), np.arange(8), 0)
    reference = stats.ttest_rel(second, first)
    assert found.p == pytest.approx(reference.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(reference.confidence_interval(0.95)), rel=1e-9)


def test_interval_and_p_value_tell_the_same_story():
    random = np.random.default_rng(7)
    for run in range(80):
        found = compare(WAPE, *pair(random, 15, edge=0.15), run, 500)
        if abs(found.p - 0.05) > 0.005:
            assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


@given(seed=st.integers(0, 10_000), clusters=st.integers(2, 40), edge=st.floats(0, 20))
@settings(max_examples=40, deadline=None)
def test_a_p_value_is_never_zero_and_swapping_the_two_mirrors_the_result(seed, clusters, edge):
    first, second, cluster = pair(np.random.default_rng(seed), clusters, edge=edge, each=3)
    found, mirrored = compare(WAPE, first, second, cluster, seed, 200), compare(WAPE, second, first, cluster, seed, 200)
    assert 1 / 201 <= found.p <= 1
    assert mirrored.p == found.p
    assert (mirrored.gain, mirrored.low, mirrored.high) == pytest.approx(
        (-found.gain, -found.high, -found.low), rel=1e-6, abs=1e-12
    )


def test_a_skill_is_the_share_of_the_losers_error_that_is_saved():
    first, second, cluster = pair(np.random.default_rng(9), 40, edge=0.3)
    found = compare(WAPE, first, second, cluster, 0, relative=True)
    assert found.gain == pytest.approx(1 - WAPE.value(first) / WAPE.value(second), rel=1e-12)
    assert 0 < found.low < found.gain < found.high < 1


def test_for_a_metric_with_a_goal_the_nearer_one_wins():
    truth, cluster = np.full(40, 10.0), np.arange(40)
    noise = np.random.default_rng(0).normal(0, 0.2, 40)
    low, high = Scored.of(truth, truth - 1 + noise), Scored.of(truth, truth + 3 + noise)
    found = compare(METRICS["bias"], low, high, cluster, 0)
    assert found.gain == pytest.approx(abs(METRICS["bias"].value(high)) - abs(METRICS["bias"].value(low)))
    assert found.gain > 0 and found.p < 0.01


def test_identical_predictions_are_equal_with_certainty():
    first, _, cluster = pair(np.random.default_rng(0), 20)
    found = compare(WAPE, first, first, cluster, 0)
    assert (found.gain, found.p) == (0.0, 1.0)


def test_only_rows_both_have_are_compared_and_the_others_counted():
    first, second, cluster = pair(np.random.default_rng(5), 20)
    gappy = first.prediction.copy()
    gappy[:10] = np.nan
    found = compare(WAPE, Scored.of(first.truth, gappy), second, cluster, 0)
    both = slice(10, None)
    assert (found.n, found.left_out) == (len(cluster) - 10, 10)
    assert found.gain == pytest.approx(WAPE.value(second.at(both)) - WAPE.value(first.at(both)), rel=1e-12)


def test_nothing_in_common_is_not_measured():
    found = compare(WAPE, Scored.of([1, 2], [np.nan, 1]), Scored.of([1, 2], [1, np.nan]), np.arange(2), 0)
    assert (found.gain, found.p, found.n, found.left_out) == (None, None, 0, 2)
    assert found.method.startswith("not measured")


def test_balanced_comparison_is_the_difference_of_the_means_over_series():
    first, second, cluster = pair(np.random.default_rng(6), 12)
    means = [np.mean([WAPE.value(rows.at(cluster == label)) for label in range(12)]) for rows in (first, second)]
    assert compare(WAPE, first, second, cluster, 0, balanced=True).gain == pytest.approx(means[1] - means[0], rel=1e-9)


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="cannot be paired"):
        compare(WAPE, Scored.of([1], [1]), Scored.of([1, 2], [1, 2]), np.arange(2), 0)


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=30))
@settings(max_examples=30, deadline=None)
def test_holm_agrees_with_statsmodels(p_values):
    np.testing.assert_allclose(holm(p_values), multipletests(p_values, method="holm")[1], rtol=1e-12)


def test_holm_equals_a_worked_example_and_takes_none():
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]).tolist() == []


def against(gain: float | None, p: float | None) -> Comparison:
    return Comparison(gain, None, None, p, 100, 10, 0, "stated")


COSTS = {"naive": 1.0, "ets": 5.0, "boosting": 60.0}


NEAR = 0.03


def test_the_cheapest_of_those_that_cannot_be_told_apart_is_chosen():
    found = {"ets": against(0.002, 0.4), "naive": against(0.05, 0.0005)}
    choice = prefer_cheaper("boosting", found, COSTS, tolerance=NEAR, metric="wape")
    assert (choice.name, choice.best, choice.same_as_best) == ("ets", "boosting", ("ets", "boosting"))
    told = "ets and boosting cannot be told apart (difference 0.2 points, which could not be tested)"
    assert choice.reason == f"{told}; ets costs 12 times less"


def test_the_reason_states_the_difference_with_its_interval_and_what_is_saved():
    found = {"ets": Comparison(1.234, -0.5, 3.0, 0.4, 100, 10, 0, "stated")}
    choice = prefer_cheaper("boosting", found, {"ets": 40.0, "boosting": 60.0}, tolerance=2.0, metric="mae")
    told = "ets and boosting cannot be told apart (difference 1.2, 95 % interval -0.5 to 3, p 0.4)"
    assert choice.reason == f"{told}; ets costs 1.5 times less"


def test_what_cannot_be_told_apart_but_is_much_worse_is_not_taken():
    choice = prefer_cheaper("boosting", {"naive": against(0.05, 0.4)}, COSTS, tolerance=0.01)
    assert (choice.name, choice.same_as_best) == ("boosting", ("naive", "boosting"))
    assert "worse by more than the 0.01 that may be given up untested" in choice.reason


def test_without_a_stated_gain_half_a_percent_of_what_lacks_to_a_perfect_figure_may_be_given_up():
    assert tolerated_loss(METRICS["wape"], 0.2, None) == pytest.approx(0.001)
    assert tolerated_loss(METRICS["roc_auc"], 0.8, None) == pytest.approx(0.001)
    assert tolerated_loss(METRICS["bias"], -0.2, None) == pytest.approx(0.001)
    assert tolerated_loss(METRICS["roc_auc"], 0.8, 0.05) == 0.05


def test_what_is_measurably_worse_is_not_taken_however_near():
    choice = prefer_cheaper("boosting", {"ets": against(0.0001, 0.0005)}, COSTS, tolerance=NEAR)
    assert choice.name == "boosting"
    assert choice.reason == "boosting has the best figure and no cheaper candidate is as good"


def test_a_sure_gain_is_still_left_when_a_person_said_it_is_not_worth_paying_for():
    found = {"ets": against(0.002, 0.0005), "naive": against(0.05, 0.0005)}
    assert prefer_cheaper("boosting", found, COSTS, tolerance=0.01).name == "boosting"
    choice = prefer_cheaper("boosting", found, COSTS, tolerance=0.01, min_gain=0.01)
    assert choice.name == "ets"
    assert choice.same_as_best == ("boosting",)
    assert "less than the 0.01 worth paying for" in choice.reason


def test_p_values_are_corrected_before_candidates_are_told_apart():
    found = {"ets": against(0.02, 0.03), "naive": against(0.02, 0.03)}
    assert corrected_p_values(found) == pytest.approx({"ets": 0.06, "naive": 0.06})
    assert prefer_cheaper("boosting", found, COSTS, tolerance=NEAR).name == "naive"


def test_a_dearer_candidate_is_not_taken_for_being_as_good():
    choice = prefer_cheaper("naive", {"boosting": against(0.001, 0.9)}, COSTS, tolerance=NEAR)
    assert choice.name == "naive"
    assert choice.reason == "naive has the best figure and no cheaper candidate is as good"


def test_what_could_not_be_tested_is_decided_by_the_figure_and_the_reason_says_so():
    assert prefer_cheaper("boosting", {"naive": against(0.02, None)}, COSTS, tolerance=0.01).name == "boosting"
    near = prefer_cheaper("boosting", {"naive": against(0.02, None)}, COSTS, tolerance=NEAR)
    assert near.name == "naive"
    assert "could not be tested" in near.reason


def test_what_shares_no_row_with_the_best_is_no_choice():
    choice = prefer_cheaper("boosting", {"naive": against(None, None)}, COSTS, tolerance=NEAR, min_gain=NEAR)
    assert (choice.name, choice.same_as_best) == ("boosting", ("boosting",))


def test_a_best_that_is_not_better_on_common_rows_gives_way_to_the_cheaper():
    choice = prefer_cheaper("boosting", {"ets": against(-0.001, 0.001)}, COSTS, tolerance=NEAR)
    assert choice.name == "ets"
    assert choice.reason == "ets is as good as boosting on the rows both have, and ets costs 12 times less"


# Relative gains ---------------------------------------------------------------------------------------------------------------


def ratio_pair(random: np.random.Generator, clusters: int, kept: float) -> tuple[Scored, Scored]:
    """One row a cluster; the first's expected error is ``kept`` of the second's, and both share what is hard."""
    hard = random.gamma(2.0, 1.0, clusters)
    first, second = kept * hard * random.gamma(3.0, 1 / 3, clusters), hard * random.gamma(3.0, 1 / 3, clusters)
    return Scored.of(np.zeros(clusters), first), Scored.of(np.zeros(clusters), second)


@pytest.mark.parametrize(("clusters", "least"), [(4, 0.88), (8, 0.90), (15, 0.90), (40, 0.92)])
@pytest.mark.parametrize("kept", [0.2, 0.9])
def test_the_interval_of_a_relative_gain_covers_the_truth_and_never_passes_a_hundred_percent(clusters, least, kept):
    random, inside = np.random.default_rng([clusters, round(100 * kept)]), 0
    for run in range(250):
        found = compare(MAE, *ratio_pair(random, clusters, kept), np.arange(clusters), run, 300, relative=True)
        assert found.low < found.gain < found.high < 1
        inside += found.low <= 1 - kept <= found.high
    assert least <= inside / 250 <= 0.995


def test_a_relative_gain_over_few_clusters_would_pass_a_hundred_percent_on_the_plain_scale():
    first, second = ratio_pair(np.random.default_rng(4), 4, 0.3)
    share = compare(MAE, first, second, np.arange(4), 1, relative=True)
    plain = compare(MAE, first, second, np.arange(4), 1)
    assert plain.high / MAE.value(second) > 1 > share.high
    assert "logarithm of the ratio" in share.method


def test_a_relative_gain_of_a_perfect_prediction_is_a_hundred_percent():
    second = np.random.default_rng(1).gamma(2, 1, 20)
    found = compare(MAE, Scored.of(np.zeros(20), np.zeros(20)), Scored.of(np.zeros(20), second), np.arange(20), 1, relative=True)
    assert found.gain == 1.0
    assert found.high is None or found.high <= 1.0
