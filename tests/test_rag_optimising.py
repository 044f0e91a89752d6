"""Prompts and examples proposed by DSPy's optimisers: its calls are kept and held to the budget as all others are."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_server import Behaviour, Messages, serving
from sevenstep.endpoints.book import CALLS_FILE, CallBook, Limits
from sevenstep.endpoints.endpoint import BudgetSpent, Endpoint
from sevenstep.endpoints.keeping import keep_calls
from sevenstep.errors import InputError
from sevenstep.tasks.rag.found import Passage
from sevenstep.tasks.rag.generating.generator import Writing
from sevenstep.tasks.rag.generating.optimising import Taught, examples_by_dspy, prompts_by_dspy
from sevenstep.tasks.rag.generating.prompts import PROMPTS, RULES

INSTALLED = importlib.util.find_spec("dspy") is not None
needs_dspy = pytest.mark.skipif(not INSTALLED, reason="dspy is an extra: pip install 'sevenstep[dspy]'")
GOOD = "Name the hours and nothing else."


def taught(part: str, hours: int) -> Taught:
    text = f"The {part} is changed every {hours} hours. Its casing is grey."
    return Taught(f"How often is the {part} changed?", [f"{hours} hours"], [Passage(part, "", text, 0, len(text), 1.0)])


QUESTIONS = [taught(part, hours) for part, hours in (("oil", 500), ("belt", 200), ("filter", 100), ("seal", 900))]


def writes(messages: Messages) -> str:
    """Proposes one good prompt, and answers well where it is told by it."""
    text = "\n".join(message["content"] for message in messages)
    if "proposed_instruction" in text:
        return (
            f"[[ ## proposed_instruction ## ]]\n{GOOD}\n\n[[ ## proposed_prefix_for_output_field ## ]]\nAnswer:\n\n"
            "[[ ## completed ## ]]"
        )
    hours = re.findall(r"every (\d+ hours)", messages[-1]["content"])
    answer = f"{hours[0]} [1]" if GOOD in text and hours else "I do not care to say"
    return f"[[ ## answer ## ]]\n{answer}\n\n[[ ## completed ## ]]"


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour(writes)


@pytest.fixture
def writing(behaviour: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writing]:
    monkeypatch.setenv("SEVENSTEP_CALLS", "")
    with serving(behaviour) as url:
        keep_calls(tmp_path, "r1")
        yield Writing("tiny", PROMPTS["plain"], Endpoint(url, attempts=1, input_price=10.0).to_json())


@needs_dspy
def test_a_prompt_that_makes_the_model_answer_is_found_and_keeps_the_rules(writing: Writing, tmp_path: Path) -> None:
    found = prompts_by_dspy(writing, QUESTIONS, "en", breadth=2, depth=1)
    assert found[0].prompt == f"{GOOD} {RULES}"
    assert found[0].figure == pytest.approx(1.0)
    assert found[-1].figure == 0.0  # the prompt it began with
    kept = CallBook(tmp_path / CALLS_FILE).calls()
    assert kept and {row["purpose"] for row in kept} == {"optimise"}


@needs_dspy
def test_examples_are_questions_the_model_gets_right_with_the_sentence_it_cites(writing: Writing) -> None:
    told = Writing(writing.model, f"{GOOD} {RULES}", writing.endpoint)
    shots = examples_by_dspy(told, QUESTIONS, "en", count=2)
    assert len(shots) == 2
    assert all(shot.answer in shot.sentence and shot.question in {one.question for one in QUESTIONS} for shot in shots)


@needs_dspy
def test_without_an_answer_that_is_right_there_is_no_example(writing: Writing) -> None:
    assert examples_by_dspy(writing, QUESTIONS, "en", count=2) == []


@needs_dspy
def test_a_spent_budget_ends_the_optimisation(writing: Writing, behaviour: Behaviour, tmp_path: Path) -> None:
    keep_calls(tmp_path, "r2", Limits(usd=0.02))
    with pytest.raises(BudgetSpent):
        prompts_by_dspy(writing, QUESTIONS, "en", breadth=2, depth=1)
    assert sum(row["usd"] for row in CallBook(tmp_path / CALLS_FILE).calls(run="r2")) <= 0.02


@pytest.mark.skipif(INSTALLED, reason="dspy is installed")
def test_without_dspy_it_is_told_what_to_install(writing: Writing) -> None:
    with pytest.raises(InputError, match=r"pip install 'sevenstep\[dspy\]'"):
        prompts_by_dspy(writing, QUESTIONS, "en")


def test_a_model_in_a_folder_is_not_asked_by_an_optimiser() -> None:
    with pytest.raises(InputError, match=r"name rag\.model"):
        examples_by_dspy(Writing("/models/tiny", "p"), QUESTIONS, "en")
