"""Shift and bounds keep their promises on errors whose law is known."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from forecast_worlds import brief_of, score_table
from sevenstep.spec.model import Kpi
from sevenstep.tasks.forecast.calibrate import apply, calibrate
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable

SERIES, LEADS, FOLDS = 40, 14, 6


def errors(seed: int, bias: float = 1.0, folds: int = FOLDS, noise: float = 0.1, clusters: int = SERIES) -> ScoreTable:
    """Forecasts whose errors grow with the size of the series, with its own restlessness and with the lead."""
    generator = np.random.default_rng(seed)
    shape = [axis.ravel() for axis in np.meshgrid(range(folds), range(clusters), range(1, LEADS + 1), indexing="ij")]
    fold, cluster, lead = shape
    fixed = np.random.default_rng(0)
    level, wild = fixed.lognormal(4, 1, clusters), fixed.uniform(0.5, 2.0, clusters)
    prediction = level[cluster] * generator.lognormal(0, 0.2, len(fold))
    spread = noise * wild[cluster] * (0.5 + lead / LEADS)
    truth = bias * prediction * (1 + spread * generator.standard_normal(len(fold)))
    return score_table(np.maximum(truth, 0.0), prediction, fold=fold, lead=lead, cluster=cluster)


def inside(frame: pl.DataFrame, level: int) -> pl.Series:
    return frame["truth"].is_between(frame[f"lower_{level}"], frame[f"upper_{level}"])


def test_new_errors_fall_into_the_bounds_as_often_as_promised_at_every_lead_and_size() -> None:
    calibration = calibrate(errors(1, folds=12), brief_of())
    frame = apply(errors(2, folds=60), calibration).frame
    frame = frame.with_columns(inside(frame, 80).alias("in_80"), inside(frame, 95).alias("in_95"))
    early = [pl.col("lead") <= 4, pl.col("lead").is_between(5, 10), pl.col("lead") > 10]
    sizes = [pl.col("cluster") % 2 == 0, pl.col("truth").rank() < len(frame) / 4]
    for part in early + sizes[:1]:
        found = frame.filter(part)
        assert found["in_80"].mean() == pytest.approx(0.80, abs=0.025)
        assert found["in_95"].mean() == pytest.approx(0.95, abs=0.015)
    by_lead = frame.group_by("lead").agg(pl.col("in_80").mean(), pl.col("in_95").mean())
    assert by_lead["in_80"].is_between(0.74, 0.86).all()
    assert by_lead["in_95"].is_between(0.915, 0.985).all()


def test_wild_series_and_late_leads_have_wider_bounds_than_calm_and_early_ones() -> None:
    table = errors(1, folds=12)
    frame = apply(table, calibrate(table, brief_of())).frame
    width = frame.with_columns(((pl.col("upper_80") - pl.col("lower_80")) / pl.col("prediction")).alias("width"))
    wild = np.random.default_rng(0)
    wild.lognormal(4, 1, SERIES)
    restlessness = wild.uniform(0.5, 2.0, SERIES)
    by_series = width.group_by("cluster").agg(pl.col("width").mean()).sort("cluster")["width"].to_numpy()
    assert np.corrcoef(by_series, restlessness)[0, 1] > 0.95
    by_lead = width.group_by("lead").agg(pl.col("width").mean()).sort("lead")["width"].to_numpy()
    assert by_lead[-1] > 1.5 * by_lead[0]


@pytest.mark.parametrize("bias", [0.93, 1.06])
def test_a_planted_bias_is_found_again(bias: float) -> None:
    shifts = [calibrate(errors(seed, bias), brief_of(metric="rmse"))["shift"] for seed in range(5)]
    assert np.mean(shifts) == pytest.approx(bias, abs=0.01)


@pytest.mark.parametrize("metric", ["wape", "rmse"])
def test_without_a_bias_there_is_next_to_no_shift(metric: str) -> None:
    shifts = np.array([calibrate(errors(seed), brief_of(metric=metric))["shift"] for seed in range(20)])
    assert (shifts == 1.0).sum() >= 17
    assert np.abs(shifts - 1.0).max() <= 0.01


def test_a_shift_is_kept_only_where_it_helps_folds_it_was_not_fitted_on() -> None:
    # one fold is 10 % too low, the other 10 % too high: what helps one harms the other
    low, high = errors(1, 1.1, folds=1), errors(2, 0.9, folds=1)
    both = ScoreTable(pl.concat([low.frame, high.frame.with_columns(pl.lit(1, dtype=low.frame["fold"].dtype).alias("fold"))]))
    assert calibrate(both, brief_of())["shift"] == 1.0


def test_a_metric_that_no_factor_serves_leaves_the_forecast_as_it_is() -> None:
    assert calibrate(errors(1, 1.1), brief_of(metric="bias"))["shift"] == 1.0


@pytest.mark.parametrize("metric", ["coverage_80", "pinball"])
def test_a_kpi_of_bounds_alone_leaves_the_shift_to_the_mean_absolute_error(metric: str) -> None:
    found = calibrate(errors(1, 1.1), brief_of(metric=metric))
    assert (found["metric"], found["shift"]) == ("mae", calibrate(errors(1, 1.1), brief_of(metric="mae"))["shift"])
    assert found["shift"] > 1.05


def test_the_shift_serves_the_kpi_that_leads_the_search_and_not_the_one_written_first() -> None:
    kpis = [
        Kpi.model_validate({"id": "inside", "metric": "coverage_80", "goal": ">= 0.78"}),
        Kpi.model_validate({"id": "elsewhere", "metric": "mase", "goal": "<= 1", "target": "z"}),
        Kpi.model_validate({"id": "accuracy", "metric": "rmse", "goal": "<= 9"}),
    ]
    assert calibrate(errors(1), brief_of(kpis=kpis, targets=("y", "z")))["metric"] == "rmse"
    assert calibrate(errors(1), brief_of(kpis=kpis[:2], targets=("y", "z")))["metric"] == "mae"


def test_one_fold_is_not_enough_for_a_shift() -> None:
    assert calibrate(errors(1, 1.1, folds=1), brief_of())["shift"] == 1.0


@pytest.mark.parametrize("rows", [1, 2, 10, 500])
def test_bounds_lie_in_order_around_the_forecast(rows: int) -> None:
    whole = errors(3).frame
    table = ScoreTable(whole.sample(rows, seed=1))
    frame = apply(ScoreTable(whole), calibrate(table, brief_of())).frame
    for low, high in zip(("lower_95", "lower_80", "upper_80"), ("lower_80", "upper_80", "upper_95"), strict=True):
        assert (frame[low] <= frame[high]).all()
    if rows >= 500:
        assert frame["prediction"].is_between(frame["lower_80"], frame["upper_80"]).all()
    assert frame.select(BOUNDS).null_count().sum_horizontal().item() == 0


def test_a_new_series_has_bounds_as_wide_as_the_usual_series() -> None:
    table = errors(1)
    calibration = calibrate(table, brief_of())
    new = ScoreTable(table.frame.with_columns(pl.lit(10_000, dtype=pl.Int32).alias("cluster")))
    frame = apply(new, calibration).frame
    relative = ((frame["upper_80"] - frame["lower_80"]) / frame["prediction"]).median()
    own = apply(table, calibration).frame
    usual = ((own["upper_80"] - own["lower_80"]) / own["prediction"]).median()
    assert relative == pytest.approx(usual, rel=0.3)


def test_series_missing_from_the_scores_have_bounds_too() -> None:
    table = errors(1)
    some = ScoreTable(table.frame.filter(pl.col("cluster").is_in([3, 17, 30])))
    frame = apply(table, calibrate(some, brief_of())).frame
    assert frame.select(pl.all_horizontal(pl.col(BOUNDS).is_finite().all())).item()
    assert 0.7 < inside(frame, 80).mean() < 0.99  # type: ignore[operator]


def test_leads_beyond_those_seen_have_the_bounds_of_the_longest() -> None:
    table = errors(1)
    calibration = calibrate(table, brief_of())
    at = [ScoreTable(table.frame.with_columns(pl.lit(lead, dtype=pl.Int32).alias("lead"))) for lead in (LEADS, 100)]
    first, second = (apply(one, calibration).frame.drop("lead") for one in at)
    assert first.equals(second)


def test_a_target_that_is_never_negative_has_no_bound_below_zero() -> None:
    table = errors(1, noise=1.0)
    frame = apply(table, calibrate(table, brief_of())).frame
    assert (frame["lower_95"] == 0).any()
    assert (frame.select(pl.min_horizontal("prediction", *BOUNDS).min()).item()) >= 0
    signed = ScoreTable(table.frame.with_columns(-pl.col("truth"), -pl.col("prediction")))
    mirrored = apply(signed, calibrate(signed, brief_of())).frame
    assert (mirrored["prediction"] < 0).all()
    assert (mirrored["upper_95"] > 0).any()


def test_series_of_zeros_have_bounds() -> None:
    table = errors(1)
    zeros = ScoreTable(table.frame.with_columns(pl.lit(0.0).alias("truth"), pl.lit(0.0).alias("prediction")))
    frame = apply(zeros, calibrate(zeros, brief_of())).frame
    assert frame.select(pl.all_horizontal(pl.col(BOUNDS).is_finite().all())).item()


def test_rows_without_truth_or_forecast_are_not_learnt_from() -> None:
    table = errors(1)
    holes = table.frame.with_columns(
        pl.when(pl.col("item") % 7 == 0).then(None).otherwise(pl.col("truth")).alias("truth"),
        pl.when(pl.col("item") % 11 == 0).then(float("nan")).otherwise(pl.col("prediction")).alias("prediction"),
    )
    kept = table.frame.filter((pl.col("item") % 7 != 0) & (pl.col("item") % 11 != 0))
    assert calibrate(ScoreTable(holes), brief_of()) == calibrate(ScoreTable(kept), brief_of())


def test_a_calibration_is_the_same_after_a_trip_through_json() -> None:
    table = errors(1)
    calibration = calibrate(table, brief_of())
    back = json.loads(json.dumps(calibration))
    assert apply(table, back).frame.equals(apply(table, calibration).frame)


def test_the_bounds_are_the_order_statistics_of_the_errors() -> None:
    # equal size and one series: the error quantiles are those of 99 known errors, so (n + 1) q is a whole number
    errors_known = np.arange(-49.0, 50.0)
    table = score_table(100.0 + errors_known, np.full(99, 100.0), fold=np.zeros(99, dtype=np.int64))
    calibration = calibrate(table, brief_of())
    frame = apply(table, calibration).frame
    below, above = np.sort(100.0 + errors_known)[[9, 89]]
    assert (frame["lower_80"][0], frame["upper_80"][0]) == (pytest.approx(below, rel=1e-4), pytest.approx(above, rel=1e-4))
