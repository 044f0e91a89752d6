"""Where a KPI stands: met, missed or not measured, against which rule, and what that is worth."""

from __future__ import annotations

import json

import numpy as np
import pytest

from forecast_worlds import score_table
from sevenstep.search.kpis import gate_of, kpi_states, leading_kpi, target_of
from sevenstep.spec.model import Kpi, Worth
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable


def off_by(share: float) -> ScoreTable:
    """Forty series, ten rows each, whose forecasts are wrong by a share on the average."""
    generator = np.random.default_rng(1)
    cluster = np.repeat(np.arange(40), 10)
    truth = generator.gamma(5, 20, 400)
    error = share * generator.uniform(0.5, 1.5, 400) * np.where(np.arange(400) % 2, 1, -1)
    return score_table(truth, truth * (1 + error), fold=np.arange(400) % 2, cluster=cluster)


def kpi(goal: str = "<= 0.12", metric: str = "wape", **more: object) -> Kpi:
    return Kpi.model_validate({"id": "accuracy", "metric": metric, "goal": goal, **more})


def state(one: Kpi, table: ScoreTable | None, rules: dict[str, float | None] | None = None):  # type: ignore[no-untyped-def]
    scores = {} if table is None else {"y": table}
    return kpi_states([one], ("y",), scores, {} if rules is None else {"accuracy": rules}, 1)[0]


def test_a_kpi_is_met_or_missed_and_says_how_sure_that_is() -> None:
    met, missed = state(kpi(), off_by(0.05)), state(kpi(), off_by(0.3))
    assert (met.state, met.sure, missed.state, missed.sure) == ("met", True, "missed", True)
    frame = off_by(0.05).frame
    by_hand = float(np.abs(frame["truth"] - frame["prediction"]).sum() / frame["truth"].to_numpy().sum())
    assert met.value == pytest.approx(by_hand)
    assert met.low < met.value < met.high
    assert (met.n, met.clusters, met.target, met.goal_value) == (400, 40, "y", 0.12)
    near = state(kpi(f"<= {met.value:.6f}"), off_by(0.05))
    assert not near.sure


def test_without_scores_or_bounds_a_kpi_is_not_measured() -> None:
    nothing = state(kpi(), None)
    assert (nothing.state, nothing.value, nothing.n, nothing.sure) == ("not_measured", None, 0, False)
    unbound = state(kpi(metric="coverage_80", goal=">= 0.78"), off_by(0.1))
    assert unbound.state == "not_measured"


def test_a_coverage_is_measured_where_there_are_bounds() -> None:
    frame = off_by(0.1).frame
    wide = {name: frame["truth"] + (1 if name.startswith("upper") else -1) for name in BOUNDS}
    assert state(kpi(metric="coverage_80", goal=">= 0.78"), ScoreTable(frame.with_columns(**wide))).value == 1.0


RULES = {"naive": 0.40, "seasonal_naive": 0.20, "drift": None}


def test_the_named_baseline_is_the_reference_else_the_best_rule() -> None:
    assert (state(kpi(), off_by(0.1), RULES).baseline, state(kpi(), off_by(0.1), RULES).baseline_value) == ("seasonal_naive", 0.2)
    assert state(kpi(baseline="naive"), off_by(0.1), RULES).baseline == "naive"
    assert state(kpi(baseline="drift"), off_by(0.1), RULES).baseline == "seasonal_naive"
    assert state(kpi(), off_by(0.1), {}).baseline is None


def test_where_more_is_better_the_best_rule_is_the_highest() -> None:
    assert state(kpi(metric="coverage_80", goal=">= 0.78"), off_by(0.1), {"a": 0.5, "b": 0.7}).baseline == "b"


def test_worth_counts_points_of_a_share_and_units_of_the_target() -> None:
    worth = Worth(per_point=1000, unit="EUR/year")
    share = state(kpi(worth=worth), off_by(0.1), RULES)
    assert share.worth == pytest.approx((0.20 - share.value) * 100 * 1000)
    assert share.worth > 0
    units = state(kpi("<= 30", "mae", worth=worth), off_by(0.1), {"naive": 25.0})
    assert units.worth == pytest.approx((25.0 - units.value) * 1000)
    assert units.worth_unit == "EUR/year"


def test_what_is_worse_than_the_rule_costs() -> None:
    worse = state(kpi(worth=Worth(per_point=1000, unit="EUR")), off_by(0.3), RULES)
    assert worse.worth == pytest.approx(-(worse.value - 0.20) * 100_000)
    assert state(kpi(worth=Worth(per_point=1, unit="EUR")), off_by(0.3), {}).worth is None
    assert state(kpi(), off_by(0.3), RULES).worth is None


def test_the_gate_is_missed_before_not_measured_before_met() -> None:
    met, missed, none = state(kpi(), off_by(0.05)), state(kpi(), off_by(0.3)), state(kpi(), None)
    assert gate_of([met, none, missed]) == "missed"
    assert gate_of([met, none]) == "not_measured"
    assert gate_of([met]) == "met"


def test_the_first_kpi_of_a_target_leads_it() -> None:
    kpis = [kpi(id="a", target="z"), kpi(id="b"), kpi()]
    assert target_of(kpis[1], ("y", "z")) == "y"
    leads = [leading_kpi(kpis, target, ("y", "z")) for target in ("y", "z", "x")]
    assert [None if one is None else one.id for one in leads] == ["b", "a", None]


def test_a_kpi_of_bounds_leads_only_where_there_is_no_other() -> None:
    coverage, points = kpi(metric="coverage_80", goal=">= 0.78"), kpi(metric="mae")
    assert leading_kpi([coverage, points], "y", ("y",)) is points
    assert leading_kpi([coverage], "y", ("y",)) is coverage


def test_states_travel_as_json() -> None:
    assert json.loads(json.dumps(state(kpi(), off_by(0.05), RULES).to_json()))["state"] == "met"
