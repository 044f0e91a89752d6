"""The verdicts on real data sets: hard but reasonable goals are never called out of reach, and the answer comes in seconds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sevenstep.data.dataset import Dataset
from sevenstep.data.intake import intake
from sevenstep.spec.brief import Brief
from sevenstep.spec.briefs import brief_for
from sevenstep.spec.read import read_spec
from sevenstep.tasks.contract import Feasibility
from sevenstep.tasks.forecast.feasibility import probe
from sevenstep.tasks.forecast.grammar import GRAMMAR
from sevenstep.tasks.forecast.roles import find_roles

SHARED = Path(__file__).parents[2] / "shared"
SECONDS = 20.0

pytestmark = pytest.mark.shared


def read(name: str, *overrides: str) -> tuple[Dataset, Brief]:
    file = SHARED / "specs" / f"{name}.yaml"
    if not file.exists():
        pytest.skip(f"no {file.name} in the shared specs beside the checkout")
    spec = read_spec(file, {"forecast": GRAMMAR}, overrides)
    taken = intake(spec.data, spec.base, spec.targets)
    roles, facts = find_roles(taken.items, brief_for("collect", spec, GRAMMAR), taken.source_columns)
    return Dataset({"items": taken.items}, roles, facts), brief_for("define", spec, GRAMMAR)


def probed(name: str, *overrides: str) -> dict[str, Feasibility]:
    data, brief = read(name, *overrides)
    began = time.process_time()
    found = {verdict.kpi: verdict for verdict in probe(data, brief)}
    # processor time on one core's worth of threads: what else the machine does must not decide
    assert time.process_time() - began < 2 * SECONDS
    return found


@pytest.mark.parametrize("name", ["rossmann", "walmart", "bike", "m4-hourly"])
def test_no_goal_of_the_shared_specs_is_called_out_of_reach(name: str) -> None:
    for verdict in probed(name).values():
        assert verdict.verdict in ("go", "go_with_risk"), verdict.evidence[0].text
        assert verdict.reachable is not None and verdict.low is not None and verdict.high is not None
        assert verdict.low <= verdict.reachable <= verdict.high


def test_a_goal_no_one_ever_reached_is_no_go() -> None:
    # the winners of the M4 competition had a MASE of 0.82 to 0.89 on these series
    found = probed("m4-hourly", "kpis=[{id: accuracy, metric: mase, goal: '<= 0.3'}]")
    assert found["accuracy"].verdict == "no_go"


def test_an_easy_goal_is_a_go_and_the_worth_is_told() -> None:
    worth = "worth: {per_point: 1000, unit: EUR/year}"
    found = probed("bike", f"kpis=[{{id: accuracy, metric: wape, goal: '<= 0.25', {worth}}}]")
    assert found["accuracy"].verdict == "go"
    assert any(one.name == "worth" and "EUR/year" in one.text for one in found["accuracy"].evidence)


def test_the_parts_of_the_target_are_found_when_they_are_called_known_ahead() -> None:
    found = probed("bike", "data.drop=[instant]", "forecast.known_ahead=[temp, casual, registered]")
    leak = next(one for one in found["accuracy"].evidence if one.name == "leakage")
    assert "'casual'" in leak.text and "'registered'" in leak.text
    assert found["accuracy"].verdict != "go"
