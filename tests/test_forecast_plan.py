"""The plan is a pure function of data and spec: costs follow rows, extras leave the others alone, wrong names are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from forecast_worlds import brief_of, panel_of, shop_data, shop_recipe, shops
from sevenstep.data.dataset import Dataset
from sevenstep.errors import InputError
from sevenstep.spec.design import Design
from sevenstep.spec.model import Kpi
from sevenstep.tasks.contract import Candidate, Plan
from sevenstep.tasks.forecast import folds
from sevenstep.tasks.forecast.folds import plan_folds, scored_rows
from sevenstep.tasks.forecast.plan import make_plan
from sevenstep.tasks.planning import plan_from_json, plan_to_json


@cache
def data(series: int = 4) -> Dataset:
    return shop_data(shops(series=series, days=200))


def recipe() -> dict[str, Any]:
    fields = shop_recipe().to_json()
    for name in ("target", "horizon", "samples", "most_rows", "seed", "weights"):
        del fields[name]
    return {"targets": {"y": fields}}


def plan(design: dict[str, Any] | None = None, of: Dataset | None = None, **parts: Any) -> Plan:
    return make_plan(of or data(), recipe(), brief_of(design=Design.model_validate(design or {}), **parts))


def named(made: Plan) -> dict[str, Candidate]:
    return {candidate.name: candidate for candidate in made.candidates}


def test_equal_inputs_give_an_equal_plan_that_survives_json() -> None:
    made = plan()
    again = plan_from_json(json.loads(json.dumps(plan_to_json(made))))
    assert plan_to_json(again) == json.loads(json.dumps(plan_to_json(plan())))
    assert [candidate.name for candidate in made.candidates] == [candidate.name for candidate in again.candidates]


def test_every_family_is_there_with_a_reason_and_shares_one_stage() -> None:
    made = plan()
    assert {candidate.family for candidate in made.candidates} == {"naive", "smoothed", "statistical", "boosting"}
    assert all(candidate.reason and "{" not in candidate.reason for candidate in made.candidates)
    stages = [candidate.stage for candidate in made.candidates if candidate.family == "boosting"]
    assert len(stages) >= 2
    assert all(stage == stages[0] for stage in stages)
    assert stages[0] is not None
    assert stages[0]["cutoffs"] == [fold.train["until"] for fold in made.folds]
    assert [candidate.name for candidate in made.candidates if candidate.baseline][:3] == [
        "naive",
        "seasonal_naive",
        "same_event",
    ]


EXTRAS: list[dict[str, Any]] = [
    {"family": "boosting", "name": "deep", "parameters": {"leaves": 200, "rounds": {"try": [100, 200]}}},
    {"family": "statistical", "name": "mine", "parameters": {"method": "arima"}},
    {"family": "naive", "name": "line", "parameters": {"rule": "drift"}},
]


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_candidate_changes_no_other_one(extra: dict[str, Any]) -> None:
    before, after = named(plan()), named(plan({"extra": [extra]}))
    mine = after.pop(extra["name"])
    assert after == before
    assert mine.family == extra["family"]
    assert mine.reason == "asked for in the spec"


def test_what_the_person_sets_is_kept_and_what_they_search_is_searched() -> None:
    deep = named(plan({"extra": EXTRAS[:1]}))["deep"]
    assert deep.parameters["leaves"] == 200
    assert "leaves" not in deep.space
    assert list(deep.space["rounds"].choices) == [100, 200]
    assert deep.parameters["rounds"] == 100
    ranged = {"family": "boosting", "name": "r", "parameters": {"ridge": {"range": [1, 9], "log": True}}}
    space = named(plan({"extra": [ranged]}))["r"].space["ridge"]
    assert (space.low, space.high, space.log) == (1, 9, True)


def test_an_extra_of_a_family_starts_from_that_family() -> None:
    found = named(plan({"extra": [*EXTRAS, {"family": "statistical", "name": "any", "parameters": {}}]}))
    assert found["mine"].parameters["method"] == "arima"
    assert found["any"].family == "statistical"
    assert found["line"].parameters["rule"] == "drift"
    assert not found["line"].baseline


def test_only_the_candidates_asked_for_and_the_simple_rules_are_compared() -> None:
    assert {candidate.name for candidate in plan({"candidates": ["theta"]}).candidates if not candidate.baseline} == {"theta"}
    family = plan({"candidates": ["boosting"]}).candidates
    assert {candidate.family for candidate in family if not candidate.baseline} == {"boosting"}
    wanted = {"family": "boosting", "name": "boosting_log", "parameters": {"leaves": 77}}
    (only,) = [candidate for candidate in plan({"candidates": [wanted]}).candidates if not candidate.baseline]
    assert (only.name, only.parameters["leaves"]) == ("boosting_log", 77)
    assert "leaves" not in only.space


def test_parameters_meant_for_one_target_are_not_given_to_another() -> None:
    items = data().items.with_columns(z=data().items["y"] * 2)
    two = replace(data(), tables={"items": items}, roles=replace(data().roles, targets=("y", "z")))
    design = Design.model_validate(
        {"candidates": [{"family": "boosting", "target": "y", "parameters": {"leaves": 77}}, "boosting"]}
    )
    both = {"targets": {name: recipe()["targets"]["y"] for name in ("y", "z")}}
    made = make_plan(two, both, brief_of(targets=("y", "z"), design=design))
    leaves = {(item.target, item.parameters["leaves"]) for item in made.candidates if item.family == "boosting"}
    assert leaves == {("y", 77), ("z", 31)}


def test_the_baseline_a_kpi_names_is_there_even_where_it_does_not_fit() -> None:
    assert "drift" not in named(plan())
    kpi = Kpi.model_validate({"id": "accuracy", "metric": "wape", "goal": "<= 0.2", "baseline": "drift"})
    assert named(plan(kpis=[kpi]))["drift"].baseline


def test_costs_follow_the_rows() -> None:
    small, large = named(plan()), named(plan(of=data(16)))
    for name in ("boosting_log", "theta"):
        assert large[name].cost > small[name].cost
    samples = [made["boosting_log"].stage["recipe"]["samples"] for made in (small, large)]  # type: ignore[index]
    assert samples[0] == samples[1] == 12
    # four times the rows: four times the part of the cost that is not fixed
    assert (large["boosting_log"].cost - 1) == pytest.approx(4 * (small["boosting_log"].cost - 1), rel=0.02)


def test_cuts_are_drawn_at_random_only_where_trees_could_tell_the_days_that_many_series_share() -> None:
    many = shop_data(shops(series=120, days=120))
    assert named(plan(of=many))["boosting_log"].parameters["extra_trees"] is True
    assert named(plan())["boosting_log"].parameters["extra_trees"] is False
    fields = recipe()["targets"]["y"] | {"calendar": {}, "numbers": [], "categories": {}, "shifted": [], "events": []}
    alone = make_plan(many, {"targets": {"y": fields}}, brief_of(design=Design()))
    boosted = [candidate for candidate in alone.candidates if candidate.family == "boosting"]
    assert {candidate.parameters["extra_trees"] for candidate in boosted} == {False}
    assert "boosting_units" in {candidate.name for candidate in boosted}


def test_a_season_is_shared_only_where_the_recipe_has_one() -> None:
    years = shop_data(shops(series=12, days=120), season=52)
    shared = []
    for seasons in ([52], []):
        fields = recipe()["targets"]["y"] | {"seasons": seasons, "groups": ["shop"]}
        made = make_plan(years, {"targets": {"y": fields}}, brief_of(design=Design()))
        stage = named(made)["boosting_log"].stage
        assert stage is not None
        shared.append(stage["recipe"]["shares"])
    assert shared == [True, False]


def test_trees_start_from_smoothing_forecasts_of_as_many_origins_as_the_time_carries() -> None:
    fields = recipe()["targets"]["y"] | {"calendar": {}, "numbers": [], "categories": {}, "shifted": [], "events": []}

    asked = Design.model_validate({"candidates": ["boosting_units"]})

    def units(budget: float) -> tuple[dict[str, Any], float]:
        many = shop_data(shops(series=120, days=120))
        made = make_plan(many, {"targets": {"y": fields}}, brief_of(design=asked, budget=budget))
        found = named(made)["boosting_units"]
        assert found.stage is not None
        return dict(found.stage["recipe"]), float(found.parameters["learning_rate"])

    (rich, slow), (fair, also_slow), (poor, fast) = (units(budget) for budget in (3_000.0, 20.0, 10.0))
    assert rich["smoothed"] == 1
    assert 1 < fair["smoothed"] <= 14
    assert fair["smoothed"] % 7  # every phase of the week comes up
    assert poor["smoothed"] == 0
    assert poor["base"] != "smoothed"
    assert slow == also_slow < fast


def test_what_the_budget_does_not_carry_is_left_out_and_said() -> None:
    poor = plan(budget=20.0)
    assert len(poor.notes) > 0
    assert all("is left out" in note for note in poor.notes)
    names = set(named(poor))
    assert {"naive", "seasonal_naive"} <= names
    assert "theta" not in names


@pytest.mark.parametrize(
    ("design", "word"),
    [
        ({"candidates": ["thetta"]}, "thetta"),
        ({"candidates": [{"family": "trees"}]}, "trees"),
        ({"extra": [{"family": "trees", "name": "mine"}]}, "trees"),
        ({"extra": [{"family": "theta", "name": "mine"}]}, "theta"),
        ({"extra": [{"family": "boosting", "name": "theta"}]}, "theta"),
        ({"extra": [EXTRAS[0], EXTRAS[0]]}, "deep"),
    ],
)
def test_a_name_that_is_unknown_or_taken_is_one_sentence(design: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError) as caught:
        plan(design)
    assert caught.value.code == "FORECAST-CANDIDATE"
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


ASKED: list[dict[str, Any]] = [
    {"candidates": ["theta"]},
    {"candidates": [{"family": "statistical"}]},
    {"candidates": [{"family": "statistical", "name": "theta"}]},
    {"extra": [{"family": "statistical", "name": "mine", "parameters": {"method": "theta"}}]},
]


@pytest.mark.parametrize("design", ASKED)
def test_what_a_person_asked_for_is_run_however_dear_and_the_cost_is_told(design: dict[str, Any]) -> None:
    made = plan(design, budget=2.0)
    mine = [candidate for candidate in made.candidates if candidate.asked]
    assert {candidate.parameters["method"] for candidate in mine} >= {"theta"}
    for candidate in mine:
        (told,) = [note for note in made.notes if note.startswith(f"{candidate.name} of y")]
        assert "because the spec asks for it" in told
        assert f"{candidate.cost:.0f} s a fold" in told


def test_what_a_person_says_of_seasons_and_history_goes_before_what_the_data_say() -> None:
    extra = [
        {"family": "statistical", "name": "monthly", "parameters": {"method": "theta", "seasons": 30, "longest": 90}},
        {"family": "naive", "name": "fortnight", "parameters": {"rule": "seasonal_naive", "season": 14}},
        {"family": "statistical", "name": "plain", "parameters": {"method": "theta"}},
    ]
    found = named(plan({"extra": extra}))
    assert (found["monthly"].parameters["seasons"], found["monthly"].parameters["longest"]) == ([30], 90)
    assert found["fortnight"].parameters["season"] == 14
    assert (found["plain"].parameters["seasons"], found["plain"].parameters["longest"]) == ([7], 1000)


@pytest.mark.parametrize(
    ("family", "parameters", "words"),
    [
        ("boosting", {"leafs": 31}, ["leafs", "did you mean 'leaves'?", "rounds, learning_rate, leaves"]),
        ("statistical", {"season": 7}, ["season", "did you mean 'seasons'?", "method, seasons, longest"]),
        ("naive", {"rule": "seasonal"}, ["rule of mine", "did you mean 'seasonal_naive'?"]),
        ("statistical", {"method": {"try": ["theta", "thetta"]}}, ["'thetta'", "did you mean 'theta'?"]),
        ("boosting", {"rounds": "many"}, ["rounds of mine", "'many'", "a number above 0"]),
        ("statistical", {"seasons": [7, 0]}, ["seasons of mine", "'0'"]),
    ],
)
@pytest.mark.parametrize("place", ["extra", "candidates"])
def test_a_parameter_the_family_does_not_have_is_answered_with_those_it_has(
    place: str, family: str, parameters: dict[str, Any], words: list[str]
) -> None:
    name = "mine" if place == "extra" else {"naive": "naive", "statistical": "theta", "boosting": "boosting_log"}[family]
    with pytest.raises(InputError) as caught:
        plan({place: [{"family": family, "name": name, "parameters": parameters}]})
    assert caught.value.code == "FORECAST-PARAMETER"
    for word in words:
        assert word.replace("mine", name) in str(caught.value)


def test_a_candidate_is_marked_for_search_only_where_a_person_said_what_to_search() -> None:
    extra = [
        {"family": "boosting", "name": "tried", "parameters": {"leaves": {"try": [31, 127]}}},
        {"family": "boosting", "name": "fixed", "parameters": {"leaves": 31}},
    ]
    found = named(plan({"extra": extra}))
    assert (found["tried"].searched, found["fixed"].searched, found["boosting_log"].searched) == (True, False, False)
    assert (found["tried"].asked, found["fixed"].asked, found["boosting_log"].asked) == (True, True, False)


def test_of_very_many_series_a_systematic_sample_is_judged_and_the_reason_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    panel, settings = panel_of(shop_data(shops(9, days=120)))
    every = scored_rows(panel, panel.rows["y"].to_numpy(), 100, 7)
    assert folds.judged_series(panel).all()
    monkeypatch.setattr(folds, "MOST_JUDGED", 3)
    sampled = scored_rows(panel, panel.rows["y"].to_numpy(), 100, 7)
    assert set(panel.series[sampled]) == {0, 3, 6}
    assert set(sampled) < set(every)
    assert "3 of 9 series are judged" in plan_folds(panel, settings, 7, 2)[2]
