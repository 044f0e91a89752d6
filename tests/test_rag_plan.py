"""What is compared follows from the data, the spec and the budget, and one search turns index, weights and ranker together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag_worlds import dataset, facts_corpus, spec_text
from sevenstep.tasks.contract import Plan
from sevenstep.tasks.rag.candidates import LARGE, Situation, catalog_of
from sevenstep.tasks.rag.explore import explore
from sevenstep.tasks.rag.plan import make_plan

FOUND = "[{id: found, metric: recall@5, goal: '>= 0.9', baseline: bm25}, {id: first, metric: mrr@10, goal: '>= 0.8'}]"


def plan(folder: Path, more: str = "", kpis: str = FOUND, budget: str = "2min") -> Plan:
    facts_corpus(folder)
    text = spec_text(kpis=kpis, more=more).replace("2min", budget)
    data, brief = dataset(folder, text, "design")
    return make_plan(data, explore(data, brief).recipe, brief)


def test_all_kpis_of_rankings_are_measured_the_first_one_leading(tmp_path: Path) -> None:
    made = plan(tmp_path)
    assert {candidate.target for candidate in made.candidates} == {"passages"}
    assert all(list(candidate.parameters["metrics"]) == ["recall@5", "mrr@10"] for candidate in made.candidates)
    assert made.candidates[0].baseline and made.candidates[0].name == "bm25"


def test_one_search_turns_the_index_with_weights_feedback_and_ranker(tmp_path: Path) -> None:
    ranked = next(candidate for candidate in plan(tmp_path).candidates if candidate.family == "ranked")
    assert {"tokenizer", "k1", "b", "title", "mix", "feedback", "strength", "depth"} <= set(ranked.space)
    assert ranked.stage is not None and ranked.stage["tokenizer"] == "english"


def test_what_the_spec_fixes_is_not_searched_and_what_it_searches_always_is(tmp_path: Path) -> None:
    made = plan(tmp_path, "rag: {chunk: {size: {try: [100, 200]}, overlap: 0.1}, retrieve: {tokenizer: words}}")
    lexical = next(candidate for candidate in made.candidates if candidate.name == "lexical")
    assert lexical.searched and list(lexical.space["size"].choices) == [100, 200] and "tokenizer" not in lexical.space
    assert lexical.stage is not None and (lexical.stage["size"], lexical.stage["overlap"]) == (100, 0.1)
    assert lexical.stage["tokenizer"] == "words"
    assert not any(candidate.searched for candidate in made.candidates if candidate.baseline)


def test_a_small_budget_leaves_dear_candidates_out_and_says_so(tmp_path: Path) -> None:
    made = plan(tmp_path, budget="4s")
    assert [candidate.name for candidate in made.candidates] == ["bm25"]
    assert any("left out" in note for note in made.notes)


def test_a_ranker_is_tried_only_where_there_is_enough_to_learn_from() -> None:
    few, many = Situation("en", "english", 1_000, 20), Situation("en", "english", 1_000, 600)
    ranked = next(entry for entry in catalog_of(many) if entry.family == "ranked")
    assert ranked.fits(many) and not ranked.fits(few)


@pytest.mark.parametrize("language", ["ko", "en", "other"])
def test_a_large_library_is_laid_out_so_that_questions_stay_quick(language: str) -> None:
    small = Situation(language, "words", LARGE - 1, 600)
    for situation, has_more in ((small, True), (replace(small, documents=LARGE), False)):
        ranked = next(entry for entry in catalog_of(situation) if entry.family == "ranked")
        assert bool(ranked.parameters.get("second")) == has_more == ranked.parameters["sentences"] == ("mix" in ranked.space)


def test_candidates_with_a_model_are_there_only_where_the_spec_names_one() -> None:
    plain = Situation("en", "english", 1_000, 600)
    named = replace(plain, embedding="models/small", grader="models/grader")
    with_model = {entry.name for entry in catalog_of(named) if entry.fits(named)}
    assert with_model - {entry.name for entry in catalog_of(plain) if entry.fits(plain)} == {
        "embedding", "embedding with terms", "learned ranker with embedding", "graded by a model",
    }  # fmt: skip


def test_the_folder_of_a_model_is_looked_for_beside_the_spec(tmp_path: Path) -> None:
    facts_corpus(tmp_path)
    _, brief = dataset(
        tmp_path, spec_text(kpis=FOUND, more="rag: {retrieve: {embedding: models/small, reranker: /far/off}}"), "design"
    )
    assert brief.section.retrieve.embedding == str(tmp_path / "models" / "small")
    assert brief.section.retrieve.reranker == "/far/off"
