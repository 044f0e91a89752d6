"""Metrics: each formula against an independent source, and what holds for all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics
from utilsforecast import losses

from sevenstep.stats.classification import CLASSIFICATION
from sevenstep.stats.intervals import cluster_estimate
from sevenstep.stats.metrics import METRICS, in_sample_scale
from sevenstep.stats.per_item import PER_ITEM
from sevenstep.stats.scored import FIELDS, Scored

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


_OTHERS = {metric.name for metric in CLASSIFICATION} | set(PER_ITEM)  # those have tests of their own
NUMBERS = [name for name in METRICS if name not in _OTHERS]


def scored_rows(seed: int = 0, n: int = 240) -> Scored:
    random = np.random.default_rng(seed)
    truth = random.gamma(3.0, 40.0, n)
    prediction = truth * random.lognormal(0.02, 0.2, n)
    bounds = {"lower_80": 0.8, "upper_80": 1.25, "lower_95": 0.65, "upper_95": 1.5}
    return Scored.of(
        truth,
        prediction,
        weight=random.integers(1, 6, n),
        scale=random.uniform(5, 30, n),
        **{name: prediction * factor for name, factor in bounds.items()},
    )


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("mae", sklearn_metrics.mean_absolute_error),
        ("mse", sklearn_metrics.mean_squared_error),
        ("rmse", sklearn_metrics.root_mean_squared_error),
        ("mape", sklearn_metrics.mean_absolute_percentage_error),
    ],
)
def test_point_metrics_agree_with_scikit_learn(name, reference):
    rows = scored_rows()
    assert METRICS[name].value(rows) == pytest.approx(reference(rows.truth, rows.prediction), rel=1e-12)


def test_wmae_agrees_with_the_weighted_mean_absolute_error_of_scikit_learn():
    rows = scored_rows()
    reference = sklearn_metrics.mean_absolute_error(rows.truth, rows.prediction, sample_weight=rows.weight)
    assert METRICS["wmae"].value(rows) == pytest.approx(reference, rel=1e-12)


def test_pinball_is_the_mean_of_scikit_learns_pinball_losses_at_the_four_levels():
    rows = scored_rows()
    levels = {"lower_95": 0.025, "lower_80": 0.1, "upper_80": 0.9, "upper_95": 0.975}
    reference = [
        sklearn_metrics.mean_pinball_loss(rows.truth, getattr(rows, name), alpha=level) for name, level in levels.items()
    ]
    assert METRICS["pinball"].value(rows) == pytest.approx(np.mean(reference), rel=1e-12)


def series_frames() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Four series of 30 training and 8 scored steps."""
    random = np.random.default_rng(5)
    ids, steps = np.repeat(["a", "b", "c", "d"], 38), np.tile(np.arange(38), 4)
    truth = 50 + 10 * np.sin(steps / 7 * 2 * np.pi) + random.normal(0, 4, steps.size)
    frame = pl.DataFrame({"unique_id": ids, "ds": steps, "y": truth, "model": truth + random.normal(0, 3, steps.size)})
    frame = frame.with_columns((pl.col("model") - 6).alias("lower"), (pl.col("model") + 6).alias("upper"))
    return frame.filter(pl.col("ds") < 30).select("unique_id", "ds", "y"), frame.filter(pl.col("ds") >= 30)


def rows_of_series(train: pl.DataFrame, test: pl.DataFrame, *, squared: bool) -> Scored:
    scales = {key: in_sample_scale(part["y"], 7, squared=squared) for (key,), part in train.group_by("unique_id")}
    bounds = {name: test[name.split("_")[0]] for name in ("lower_95", "upper_95")}
    scale = {"root_scale" if squared else "scale": [scales[key] for key in test["unique_id"]]}
    return Scored.of(test["y"], test["model"], **scale, **bounds)


def test_mase_and_the_per_series_mean_of_rmsse_agree_with_utilsforecast():
    train, test = series_frames()
    mase = losses.mase(test, ["model"], seasonality=7, train_df=train)["model"].mean()
    assert METRICS["mase"].value(rows_of_series(train, test, squared=False)) == pytest.approx(mase, rel=1e-9)
    rmsse = losses.rmsse(test, ["model"], seasonality=7, train_df=train).sort("unique_id")["model"]
    rows = rows_of_series(train, test, squared=True)
    ours = [METRICS["rmsse"].value(rows.at((test["unique_id"] == key).to_numpy())) for key in "abcd"]
    assert ours == pytest.approx(rmsse.to_list(), rel=1e-9)


def test_coverage_smape_and_bias_agree_with_utilsforecast():
    train, test = series_frames()
    rows = rows_of_series(train, test, squared=False)
    renamed = test.rename({"lower": "model-lo-95", "upper": "model-hi-95"})
    coverage = losses.coverage(renamed, ["model"], 95)["model"].mean()
    assert METRICS["coverage_95"].value(rows) == pytest.approx(coverage, rel=1e-12)
    # utilsforecast gives |e| / (|y| + |f|); the M competitions' percent is 200 times that.
    assert METRICS["smape"].value(rows) == pytest.approx(200 * losses.smape(test, ["model"])["model"].mean(), rel=1e-9)
    bias = losses.bias(test, ["model"])["model"].mean() * test.height / test["y"].abs().sum()
    assert METRICS["bias"].value(rows) == pytest.approx(bias, rel=1e-9)


def test_wape_rmspe_and_msis_equal_values_worked_out_by_hand():
    rows = Scored.of([100, 200, 0], [110, 180, 5], scale=[10, 10, 10], lower_95=[90, 185, 0], upper_95=[120, 195, 10])
    assert METRICS["wape"].value(rows) == pytest.approx(35 / 300)
    assert METRICS["rmspe"].value(rows) == pytest.approx(np.sqrt((0.1**2 + 0.1**2) / 2))
    # Widths 30, 10, 10; the second actual lies 5 above its bound: 2 / 0.05 * 5 = 200.
    assert METRICS["msis"].value(rows) == pytest.approx((30 + 10 + 200 + 10) / 10 / 3)


def test_relative_metrics_leave_out_actuals_of_zero_and_say_so():
    rows = Scored.of([0, 10, 20], [1, 11, 18])
    for name in ("rmspe", "mape"):
        assert METRICS[name].measured(rows).tolist() == [False, True, True]
    assert METRICS["mape"].value(rows) == pytest.approx(0.1)


def test_predicting_zero_where_nothing_happened_is_no_error_for_smape():
    assert METRICS["smape"].value(Scored.of([0, 10], [0, 10])) == 0.0


@pytest.mark.parametrize("name", NUMBERS)
def test_a_row_without_truth_or_prediction_is_not_measured_and_changes_nothing(name):
    rows, metric = scored_rows(), METRICS[name]
    parts = {field: np.append(getattr(rows, field), [7.0, 7.0]) for field in FIELDS}
    parts["truth"][-1], parts["prediction"][-2] = np.nan, np.nan
    longer = Scored(**parts)
    assert metric.measured(longer).sum() == len(rows)
    assert metric.value(longer) == pytest.approx(metric.value(rows), rel=1e-12)


@pytest.mark.parametrize("name", [name for name in NUMBERS if METRICS[name].needs])
def test_a_row_without_what_a_metric_needs_is_not_measured(name):
    rows, metric = scored_rows(), METRICS[name]
    for field in metric.needs:
        values = getattr(rows, field).copy()
        values[:5] = np.nan
        assert metric.measured(Scored(**{key: getattr(rows, key) for key in FIELDS} | {field: values})).sum() == len(rows) - 5


def test_a_scale_of_zero_is_not_measured_instead_of_dividing_by_it():
    rows = Scored.of([1, 2], [2, 2], scale=[0, 4])
    assert METRICS["mase"].measured(rows).tolist() == [False, True]


@pytest.mark.parametrize("name", NUMBERS)
def test_without_any_row_the_figure_is_nan(name):
    assert np.isnan(METRICS[name].value(Scored.of([], [])))


@given(seed=st.integers(0, 10_000), parts=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_the_order_of_rows_and_how_they_are_grouped_change_no_metric(seed, parts):
    rows = scored_rows(seed, 60)
    order = np.random.default_rng(seed).permutation(60)
    for metric in (METRICS[name] for name in NUMBERS):
        expected = metric.value(rows)
        assert metric.value(rows.at(order)) == pytest.approx(expected, rel=1e-9)
        pieces = [metric.terms(rows.at(piece)).sum(axis=0) for piece in np.array_split(order, parts)]
        assert metric.finish(np.sum(pieces, axis=0)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", NUMBERS)
def test_finish_works_over_leading_axes_and_does_not_depend_on_the_number_of_rows(name):
    metric = METRICS[name]
    sums = np.stack([metric.terms(scored_rows(seed)).sum(axis=0) for seed in range(6)]).reshape(2, 3, -1)
    each = [[float(metric.finish(sums[i, j])) for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(metric.finish(sums), each, rtol=1e-12)
    np.testing.assert_allclose(metric.finish(7.0 * sums), each, rtol=1e-12)


@pytest.mark.parametrize("name", NUMBERS)
def test_every_metric_stays_within_its_limits_and_is_best_at_a_perfect_prediction(name):
    metric, rows = METRICS[name], scored_rows()
    smallest, largest = metric.limits
    assert smallest <= metric.value(rows) <= largest
    perfect = Scored.of(
        rows.truth, rows.truth, scale=rows.scale, **dict.fromkeys(("lower_80", "upper_80", "lower_95", "upper_95"), rows.truth)
    )
    if not name.startswith("coverage"):
        best = largest if metric.direction == "higher" else 0.0
        assert metric.loss(np.asarray(metric.value(perfect))) == metric.loss(np.asarray(best))
    else:
        assert metric.value(perfect) == 1.0
        assert metric.loss(np.asarray(metric.goal)) == 0.0


def test_the_in_sample_scale_is_the_error_of_the_seasonal_naive_rule():
    history = [1.0, 5.0, 2.0, 9.0, 2.0]
    assert in_sample_scale(history, 1) == pytest.approx((4 + 3 + 7 + 7) / 4)
    assert in_sample_scale(history, 2) == pytest.approx((1 + 4 + 0) / 3)
    assert in_sample_scale(history, 2, squared=True) == pytest.approx(np.sqrt((1 + 16 + 0) / 3))
    assert in_sample_scale([1.0, np.nan, 2.0, 4.0], 1) == 2.0
    assert np.isnan(in_sample_scale([1.0, 2.0], 2))
    with pytest.raises(ValueError, match="season is 0"):
        in_sample_scale(history, 0)


def test_arrays_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="differ in length"):
        Scored.of([1, 2], [1])


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "m4").exists(), reason="the M4 series are not beside the checkout")
def test_the_published_naive_scores_of_m4_yearly_are_reproduced():
    train = pl.read_parquet(SHARED / "m4" / "yearly_train.parquet").sort("unique_id", "t")
    test = pl.read_parquet(SHARED / "m4" / "yearly_test.parquet")
    steps = pl.col("y").diff().abs().mean().alias("scale")
    known = train.group_by("unique_id").agg(pl.col("y").last().alias("prediction"), steps)
    joined = test.join(known, on="unique_id")
    rows = Scored.of(joined["y"], joined["prediction"], scale=joined["scale"])
    assert len(rows) == 23_000 * 6
    assert METRICS["smape"].value(rows) == pytest.approx(16.342, abs=0.0005)
    assert METRICS["mase"].value(rows) == pytest.approx(3.974, abs=0.0005)


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "m3").exists(), reason="the M3 series are not beside the checkout")
@pytest.mark.parametrize(
    ("period", "published"), [("YEARLY", 16.97), ("QUARTERLY", 8.96), ("MONTHLY", 13.89), ("OTHER", 4.41), ("", 12.76)]
)
def test_the_published_theta_scores_of_m3_are_reproduced(period, published):
    forecasts = pl.read_parquet(SHARED / "m3" / "published_forecasts.parquet").filter(pl.col("method") == "THETA")
    about = pl.read_parquet(SHARED / "m3" / "info.parquet").select("unique_id", pl.col("period").str.to_uppercase())
    joined = pl.read_parquet(SHARED / "m3" / "test.parquet").join(forecasts, on=["unique_id", "t"]).join(about, on="unique_id")
    if period:
        joined = joined.filter(pl.col("period") == period)
    # Horizons differ between frequencies: the mean over all series is the balanced one.
    rows = Scored.of(joined["y"], joined["yhat"])
    found = cluster_estimate(METRICS["smape"], rows, joined["unique_id"].to_numpy(), 0, balanced=True)
    assert found.value == pytest.approx(published, abs=0.006)


@pytest.mark.parametrize("name", list(METRICS))
def test_a_loss_is_written_as_the_figure_it_stands_for(name):
    metric = METRICS[name]
    low, high = metric.limits
    value = 0.75 * (high if np.isfinite(high) else 4.0)
    stands_for = abs(value - (metric.goal or 0.0)) if metric.direction == "target" else value
    assert metric.of_loss(float(metric.loss(np.asarray(value)))) == pytest.approx(stands_for)
    perfect = {"lower": low, "higher": high}.get(metric.direction, metric.goal or 0.0)
    assert metric.lack(value) == pytest.approx(abs(value - perfect) if np.isfinite(perfect) else value)
