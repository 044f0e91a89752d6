"""Intervals: they cover what they promise, agree with scipy, and say how they came about."""

from __future__ import annotations

import time
import warnings
from dataclasses import asdict
from json import dumps

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sevenstep.stats.classification import CLASSIFICATION
from sevenstep.stats.clusters import FEW, MANY, spread
from sevenstep.stats.intervals import cluster_estimate
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.per_item import PER_ITEM
from sevenstep.stats.scored import Scored

NUMBERS = [name for name in METRICS if name not in {metric.name for metric in CLASSIFICATION}]

BOUNDS = ("lower_80", "upper_80", "lower_95", "upper_95")


def clustered(random: np.random.Generator, clusters: int, each: int = 12) -> tuple[Scored, np.ndarray]:
    """Series of different level whose errors share much within a series."""
    level = np.repeat(random.lognormal(4, 0.5, clusters), each)
    skill = np.repeat(random.lognormal(-2, 0.5, clusters), each)
    truth = level * random.uniform(0.8, 1.2, level.size)
    prediction = truth * (1 + skill * random.normal(0, 1, level.size))
    half = 0.3 * truth
    rows = Scored.of(truth, prediction, lower_80=prediction - half, upper_80=prediction + half)
    return rows, np.repeat(np.arange(clusters), each)


def covered(metric: str, true: float, clusters: int, runs: int, *, by_row: bool = False) -> float:
    random, hits = np.random.default_rng(clusters), 0
    for run in range(runs):
        rows, cluster = clustered(random, clusters)
        labels = np.arange(len(rows)) if by_row else cluster
        found = cluster_estimate(METRICS[metric], rows, labels, run, 400)
        hits += found.low is not None and found.low <= true <= found.high
    return hits / runs


@pytest.fixture(scope="module")
def truths() -> dict[str, float]:
    rows, _ = clustered(np.random.default_rng(99), 60_000)
    return {name: METRICS[name].value(rows) for name in ("wape", "rmspe", "bias", "coverage_80")}


@pytest.mark.parametrize("metric", ["wape", "rmspe", "bias", "coverage_80"])
def test_an_interval_covers_the_truth_about_as_often_as_it_says(metric, truths):
    # 300 runs: a true 95 % gives 0.95 +- 0.025; skewed errors and 40 clusters may cost a little more.
    assert 0.90 <= covered(metric, truths[metric], 40, 300) <= 0.985


def test_few_clusters_still_cover_by_the_jackknife(truths):
    assert 0.87 <= covered("wape", truths["wape"], FEW - 2, 300) <= 0.99


def test_ignoring_clusters_would_promise_too_much(truths):
    assert covered("wape", truths["wape"], 40, 120, by_row=True) < 0.87


def test_the_interval_agrees_with_scipys_where_every_row_is_its_own_cluster():
    random = np.random.default_rng(3)
    errors = random.gamma(2, 1, 400)
    found = cluster_estimate(METRICS["mae"], Scored.of(errors, np.zeros(400)), np.arange(400), 1, 4000)
    reference = stats.bootstrap((errors,), np.mean, method="BCa", n_resamples=4000, random_state=1).confidence_interval
    width = reference.high - reference.low
    assert found.value == pytest.approx(errors.mean(), rel=1e-12)
    assert found.low == pytest.approx(reference.low, abs=0.1 * width)
    assert found.high == pytest.approx(reference.high, abs=0.1 * width)


def test_the_jackknife_of_a_mean_is_the_t_interval_of_the_text_books():
    gaps = np.array([-3.0, 1.0, 2.0, 5.0, -1.0, 4.0])
    found = cluster_estimate(METRICS["bias"], Scored.of(np.ones(6), 1 + gaps), np.arange(6), 0)
    reference = stats.t.interval(0.95, 5, loc=gaps.mean(), scale=stats.sem(gaps))
    assert (found.low, found.high) == pytest.approx(reference, rel=1e-9)
    assert found.method == "jackknife over 6 clusters, t interval"


def test_many_clusters_take_the_jackknife_and_agree_with_the_bootstrap_just_below():
    rows, cluster = clustered(np.random.default_rng(8), MANY + 1, 4)
    many = cluster_estimate(METRICS["wape"], rows, cluster, 0)
    fewer = rows.at(cluster < MANY)
    boot = cluster_estimate(METRICS["wape"], fewer, cluster[cluster < MANY], 0)
    assert many.method.startswith("jackknife") and boot.method.startswith("studentised")
    assert many.high - many.low == pytest.approx(boot.high - boot.low, rel=0.08)


def test_what_cannot_be_measured_is_counted_and_never_wrong():
    rows, cluster = clustered(np.random.default_rng(1), 20)
    truth = rows.truth.copy()
    truth[::7] = np.nan
    found = cluster_estimate(
        METRICS["coverage_80"], Scored.of(truth, rows.prediction, lower_80=rows.lower_80, upper_80=rows.upper_80), cluster, 0
    )
    kept = ~np.isnan(truth)
    assert (found.n, found.left_out) == (kept.sum(), (~kept).sum())
    assert found.value == METRICS["coverage_80"].value(rows.at(kept))


@pytest.mark.parametrize(
    ("truth", "cluster", "reason"),
    [
        ([np.nan, np.nan], [0, 1], "not measured: no row"),
        ([0.0, 0.0], [0, 1], "not measured: the value is not a finite number"),
        ([1.0, 2.0], [0, 0], "no interval: all rows belong to one cluster"),
        ([1.0, 0.0], [0, 1], "no interval: the value hangs on a single cluster"),
        ([2.0, 2.0], [0, 1], "no interval: every cluster gives the same value"),
    ],
)
def test_without_an_interval_the_method_says_why(truth, cluster, reason):
    found = cluster_estimate(METRICS["wape"], Scored.of(truth, [1.0, 1.0]), np.array(cluster), 0)
    assert found.low is None and found.high is None
    assert found.method.startswith(reason)


def test_a_share_at_its_limit_in_all_clusters_has_no_interval():
    rows = Scored.of([1, 1, 1], [1, 1, 1], lower_80=[0, 0, 0], upper_80=[2, 2, 2])
    found = cluster_estimate(METRICS["coverage_80"], rows, np.arange(3), 0)
    assert (found.value, found.low, found.high) == (1.0, None, None)


def test_resamples_at_the_end_of_a_scale_count_as_far_away_and_warn_of_nothing():
    sums = np.column_stack([np.r_[np.ones(10), 0.5, 0.5], np.ones(12), np.ones(12)])  # the third sum plays no part

    def logit(totals):
        share = totals[..., 0] / totals[..., 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(share >= 1, np.inf, np.log(share / (1 - share)))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = spread(sums, logit, seed=0, resamples=500, level=0.95)
    assert found.method.startswith("percentile")
    assert found.high == np.inf


def test_where_too_few_clusters_differ_percentiles_step_in_and_the_method_says_so():
    # Two of twelve clusters hold all the misses: many resamples hold none, and those have no standard error.
    lower = np.where(np.arange(12) < 2, 5.0, 0.0)
    rows = Scored.of(np.ones(12), np.ones(12), lower_80=lower, upper_80=np.full(12, 9.0))
    found = cluster_estimate(METRICS["coverage_80"], rows, np.arange(12), 0)
    assert found.method.startswith("percentile bootstrap")
    assert found.value == pytest.approx(10 / 12)
    assert 0.5 < found.low < found.value < found.high <= 1.0


@pytest.mark.parametrize("metric", NUMBERS)
@given(seed=st.integers(0, 1000), clusters=st.integers(2, 25))
@settings(max_examples=8, deadline=None)
def test_an_interval_holds_its_value_and_stays_within_the_limits(metric, seed, clusters):
    rows, cluster = clustered(np.random.default_rng(seed), clusters, 5)
    figures = rows.prediction / rows.prediction.max() if metric in PER_ITEM else rows.prediction  # of one item: a share already
    bounded = Scored.of(rows.truth, figures, **{side: getattr(rows, f"{side[:5]}_80") for side in BOUNDS})
    found = cluster_estimate(METRICS[metric], bounded, cluster, seed, 200)
    smallest, largest = METRICS[metric].limits
    if found.low is not None:
        assert smallest <= found.low <= found.value <= found.high <= largest


def test_the_order_of_rows_and_the_type_of_labels_change_nothing():
    rows, cluster = clustered(np.random.default_rng(2), 30)
    order = np.random.default_rng(0).permutation(len(rows))
    expected = cluster_estimate(METRICS["wape"], rows, cluster, 5)
    names = np.array([f"series {label:03}" for label in cluster])
    for found in (
        cluster_estimate(METRICS["wape"], rows.at(order), cluster[order], 5),
        cluster_estimate(METRICS["wape"], rows, names, 5),
    ):
        assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high), rel=1e-9)


def test_a_balanced_estimate_is_the_mean_over_series():
    rows, cluster = clustered(np.random.default_rng(4), 25)
    keep = np.random.default_rng(4).random(len(rows)) < 0.6
    rows, cluster = rows.at(keep), cluster[keep]
    each = [METRICS["wape"].value(rows.at(cluster == label)) for label in range(25)]
    found = cluster_estimate(METRICS["wape"], rows, cluster, 0, balanced=True)
    assert found.value == pytest.approx(np.mean(each), rel=1e-12)
    assert found.low < found.value < found.high
    assert found.n == keep.sum()


def test_an_estimate_is_plain_json():
    rows, cluster = clustered(np.random.default_rng(4), 12)
    found = cluster_estimate(METRICS["wape"], rows, cluster, 0)
    assert '"level": 0.95' in dumps(asdict(found), allow_nan=False)


def test_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match="1 cluster labels for 2 rows"):
        cluster_estimate(METRICS["wape"], Scored.of([1, 2], [1, 2]), np.array([0]), 0)


def test_150_000_rows_in_1115_clusters_take_well_under_a_second():
    rows, cluster = clustered(np.random.default_rng(0), 1115, 135)
    began = time.process_time()
    cluster_estimate(METRICS["wape"], rows, cluster, 12345)
    assert time.process_time() - began < 1.0  # about 0.2 s on an idle core
