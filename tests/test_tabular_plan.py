"""The plan of a table is a pure function of data and spec: candidates suit the situation, costs follow the data."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from onnx_models import model_bytes
from sevenstep.data.dataset import Dataset
from sevenstep.data.embedding.files import TABLE, EmbeddingFiles
from sevenstep.errors import InputError
from sevenstep.spec.design import Design
from sevenstep.spec.model import Kpi
from sevenstep.tasks.contract import Candidate, Plan
from sevenstep.tasks.planning import CORES, plan_from_json, plan_to_json, planned_seconds
from sevenstep.tasks.tabular.candidates import CATALOG, KINDS, PARAMETERS, PICTURE_CATALOG, SPACES, WORDS
from sevenstep.tasks.tabular.families.members import FAMILIES
from sevenstep.tasks.tabular.images.features import GROUPS, feature_names
from sevenstep.tasks.tabular.plan import CV_SHARE, PICTURE_FEATURES, make_plan
from tabular_data import brief_of, data_of, parts

BOOSTED = next(entry.name for entry in CATALOG if entry.family == "boosting")


def plan(design: dict[str, Any] | None = None, of: Dataset | None = None, classes: int = 2, **more: Any) -> Plan:
    data = data_of(parts(1200, classes), classes) if of is None else of
    metric = "roc_auc" if classes else "rmse"
    return make_plan(data, {}, brief_of(metric, classes=classes, design=Design.model_validate(design or {}), **more))


def named(made: Plan) -> dict[str, Candidate]:
    return {candidate.name: candidate for candidate in made.candidates}


def pictures(rows: int = 300) -> Dataset:
    items = parts(rows).with_columns(pl.lit(b"picture").alias("shot"))
    data = data_of(items)
    kinds = {"value": {"shot": "picture"}, "reason": ""}
    return Dataset(data.tables, data.roles, {**data.facts, "kinds": kinds}, "")


def test_equal_inputs_give_an_equal_plan_that_survives_json() -> None:
    once, again = plan_to_json(plan()), plan_to_json(plan())
    assert json.dumps(once) == json.dumps(again)
    assert json.dumps(plan_to_json(plan_from_json(json.loads(json.dumps(once))))) == json.dumps(once)


@pytest.mark.parametrize(("classes", "rules"), [(2, {"prior", "single_rule", "logistic"}), (0, {"mean", "median", "linear"})])
def test_simple_rules_suit_the_target_and_every_family_has_a_reason(classes: int, rules: set[str]) -> None:
    found = named(plan(classes=classes))
    assert {name for name, candidate in found.items() if candidate.baseline} == rules
    assert {"linear", "boosting", "forest", "network", "kernel", "neighbours"} <= {item.family for item in found.values()}
    assert all(candidate.reason and candidate.target == "y" for candidate in found.values())


def test_costs_of_wrong_decisions_bring_the_rules_that_decide_alike_for_every_row() -> None:
    data = data_of(parts(1200), miss=(1.0, 20.0))
    assert {"never", "always"} <= set(named(plan(of=data)))
    deciding = make_plan(data_of(parts(1200)), {}, brief_of("accuracy"))
    assert "majority" in named(deciding)


def test_the_baseline_a_kpi_names_is_there_even_where_it_does_not_fit() -> None:
    kpi = Kpi.model_validate({"id": "k", "metric": "roc_auc", "goal": ">= 0.8", "baseline": "never"})
    assert "never" in named(plan(kpis=[kpi]))


def test_what_suits_few_rows_is_left_out_for_many() -> None:
    few, many = named(plan()), named(plan(of=data_of(parts(30_000)), budget=1e5))
    assert {"kernel", "neighbours"} <= set(few)
    assert not {"kernel", "neighbours"} & set(many)
    plain = parts(1200).with_columns(pl.lit(1.0).alias("line"))
    data = data_of(plain)
    kinds = {"value": {"size": "number", "weight": "number"}, "reason": ""}
    assert "boosting_statistics" not in named(plan(of=Dataset(data.tables, data.roles, {**data.facts, "kinds": kinds}, "")))


def test_pictures_bring_a_portfolio_of_their_own_and_one_stage() -> None:
    made = plan(of=pictures())
    staged = [candidate for candidate in made.candidates if candidate.family not in ("rules", "convnet")]
    assert {candidate.name for candidate in staged if not candidate.baseline} >= {"picture_linear", "picture_boosting"}
    assert not any(candidate.name == BOOSTED for candidate in made.candidates)
    assert {json.dumps(candidate.stage) for candidate in staged} == {'{"kind": "pictures"}'}


def test_costs_follow_rows_inputs_and_classes() -> None:
    small, large = named(plan()), named(plan(of=data_of(parts(12_000)), budget=1e5))
    assert large[BOOSTED].cost > 1.5 * small[BOOSTED].cost
    three = named(plan(of=data_of(parts(1200, 3), 3), classes=2))
    assert three[BOOSTED].cost > small[BOOSTED].cost
    assert three["network"].cost == small["network"].cost


@pytest.mark.parametrize("budget", [20.0, 60.0, 600.0])
@pytest.mark.parametrize("rows", [1200, 40_000])
def test_the_comparison_keeps_to_its_share_of_the_budget(rows: int, budget: float) -> None:
    made = plan(of=data_of(parts(rows)), budget=budget)
    rules = sum(candidate.cost for candidate in made.candidates if candidate.baseline) * len(made.folds) / CORES
    assert planned_seconds(made) <= CV_SHARE * budget + rules
    assert any(not candidate.baseline for candidate in made.candidates)


def test_where_all_rows_would_cost_too_much_a_sample_is_learnt_from_and_said() -> None:
    made = plan(of=data_of(parts(60_000)), budget=10.0)
    boosting = named(made)[BOOSTED]
    assert 5_000 <= boosting.parameters["most_rows"] < 48_000
    assert any("drawn at random" in note for note in made.notes)


def test_the_fold_of_all_rows_says_with_how_many_seeds_members_are_fitted() -> None:
    assert plan(budget=600.0).everything.train["seeds"] == 3
    assert plan(of=data_of(parts(40_000)), budget=15.0).everything.train["seeds"] == 1


def test_few_rows_have_more_folds_only_where_the_budget_carries_all_candidates_even_so() -> None:
    ample, tight = plan(budget=600.0), plan(budget=25.0)
    assert (len(ample.folds), len(tight.folds)) == (10, 5)
    assert not ample.notes
    assert len(plan({"folds": 10}, budget=25.0).folds) == 10


def test_the_number_of_folds_asked_for_is_kept() -> None:
    assert len(plan({"folds": 4}).folds) == 4


def test_only_the_candidates_asked_for_and_the_simple_rules_are_compared() -> None:
    one = {"family": "boosting", "name": BOOSTED, "parameters": {"leaves": {"try": [7, 15]}}}
    found = named(plan({"candidates": ["network", one]}))
    assert {name for name, candidate in found.items() if not candidate.baseline} == {"network", BOOSTED}
    assert {name for name, candidate in found.items() if candidate.baseline} == {"prior", "single_rule", "logistic"}
    assert found[BOOSTED].searched
    assert list(found[BOOSTED].space["leaves"].choices) == [7, 15]
    assert found[BOOSTED].parameters["leaves"] == 7


def test_an_extra_starts_from_the_entry_most_like_it_and_leaves_the_others_alone() -> None:
    before, after = (
        named(plan()),
        named(plan({"extra": [{"family": "forest", "name": "mine", "parameters": {"kind": "random", "trees": 50}}]})),
    )
    assert after["mine"].parameters["trees"] == 50
    assert after["mine"].asked
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    ("design", "word"),
    [
        ({"candidates": ["bosting"]}, "did you mean 'boosting'"),
        ({"extra": [{"family": "booster", "name": "x"}]}, "did you mean 'boosting'"),
        ({"extra": [{"family": "boosting", "name": "network"}]}, "the name of another candidate"),
    ],
)
def test_a_name_that_is_unknown_or_taken_is_one_sentence(design: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        plan(design)
    assert caught.value.code == "TABULAR-CANDIDATE"


@pytest.mark.parametrize(
    ("family", "parameters", "word"),
    [
        ("boosting", {"leafs": 31}, "did you mean 'leaves'"),
        ("forest", {"kind": "rotation"}, "it is one of extra, random"),
        ("boosting", {"leaves": "many"}, "it is a number above 0"),
        ("boosting", {"statistics": 3}, "it is true or false"),
        ("boosting", {"ridge": -1}, "it is a number of at least 0"),
        ("neighbours", {"counts": [5, "all"]}, "a list of such numbers"),
    ],
)
def test_a_parameter_that_is_none_is_answered_with_what_it_may_be(family: str, parameters: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        plan({"extra": [{"family": family, "name": "mine", "parameters": parameters}]})
    assert caught.value.code == "TABULAR-PARAMETER"


def test_what_a_person_asked_for_is_run_however_dear_and_the_cost_is_told() -> None:
    made = plan({"candidates": [BOOSTED]}, of=data_of(parts(60_000)), budget=5.0)
    assert BOOSTED in named(made)
    assert "most_rows" not in named(made)[BOOSTED].parameters
    assert any("it is run because the spec asks for it" in note for note in made.notes)


def test_what_the_catalogue_sets_and_searches_is_what_a_person_may_set() -> None:
    for entry in (*CATALOG, *PICTURE_CATALOG):
        assert set(entry.parameters) <= set(PARAMETERS[entry.family]), entry.name
        assert {name for name, value in entry.parameters.items() if isinstance(value, str)} <= set(WORDS)
        assert {name for name, value in entry.parameters.items() if isinstance(value, bool)} <= set(KINDS)
    assert all(set(space) <= set(PARAMETERS[family]) for family, space in SPACES.items())
    assert len({entry.name for entry in CATALOG}) == len(CATALOG)
    assert len({entry.name for entry in PICTURE_CATALOG}) == len(PICTURE_CATALOG)


def test_every_family_of_the_catalogue_can_be_fitted() -> None:
    assert {entry.family for entry in (*CATALOG, *PICTURE_CATALOG)} <= {*FAMILIES, "rules", "convnet"}


def test_time_makes_stretches_and_the_reason_is_told() -> None:
    items = parts(1000).with_columns(pl.int_range(1000).alias("day"))
    made = plan(of=data_of(items, split="time", roles={"time": "day"}))
    assert len(made.folds) == 5
    assert made.fold_reason.endswith("told by the test")
    assert np.all([fold.train["dealt"] == "time" for fold in made.folds])


def embedded(weight: int = 0, rows: int = 300) -> Dataset:
    """Pictures with a model that embeds them, whose files are ``weight`` bytes larger than they need to be."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    files = EmbeddingFiles({"encoder.onnx": model_bytes(), "encoder.onnx.data": bytes(weight)})
    data = pictures(rows)
    return Dataset({**data.tables, TABLE: files.table()}, data.roles, data.facts, "")


def test_heads_on_an_embedding_come_first_and_read_it_in_place_of_measured_features() -> None:
    found = named(plan(of=embedded()))
    heads = [name for name, candidate in found.items() if candidate.stage == {"kind": "embedding"}]
    assert heads == ["embedding_linear", "embedding_boosting"]
    assert next(name for name, candidate in found.items() if not candidate.baseline) == heads[0]
    assert found["picture_linear"].stage == {"kind": "pictures"} == found["logistic"].stage
    assert found["embedding_linear"].cost < found["picture_linear"].cost
    assert len(feature_names(tuple(GROUPS))) == PICTURE_FEATURES
    assert "embedding_linear" not in named(plan(of=pictures()))
    assert set(named(plan({"candidates": ["embedding_boosting"]}, of=embedded()))) >= {"embedding_boosting"}
    with pytest.raises(InputError, match=r"'embedding_linear' in design.candidates is no candidate"):
        plan({"candidates": ["embedding_linear"]}, of=pictures())


def test_a_model_too_large_for_the_budget_is_run_all_the_same_and_takes_the_place_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cheap = plan(of=embedded(), budget=60.0)
    monkeypatch.setattr("sevenstep.data.embedding.embedder._SECONDS_PER_GIGABYTE", 1e6)  # as if 30 kB were some gigabytes
    dear = plan(of=embedded(30_000), budget=60.0)
    assert "embedding_linear" in named(dear)
    assert any("embedding 300 pictures takes about" in note and "the spec names the model" in note for note in dear.notes)
    assert not any("embedding" in note for note in cheap.notes)
    assert len(dear.candidates) < len(cheap.candidates)
