"""A whole project whose answers a model behind an address on loopback writes: compared, chosen, paid for, released, asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_server import Behaviour, Messages, serving
from sevenstep import Project
from sevenstep.endpoints.book import CALLS_FILE, CallBook
from sevenstep.live.releases import champion

MACHINES, PARTS = ("pump", "crane", "press", "lathe", "mixer", "dryer"), ("oil", "belt", "filter", "seal")


def write_project(folder: Path, url: str, usd: float) -> Path:
    articles = []
    for at, machine in enumerate(MACHINES):
        paragraphs = []
        for other, part in enumerate(PARTS):
            answer = f"{100 + 13 * (10 * at + other)} hours"
            text = f"The {machine} is described here. The {part} of the {machine} is changed every {answer}. Its casing is grey."
            question = f"How often is the {part} of the {machine} changed?"
            answers = [{"text": answer, "answer_start": text.index(answer)}]
            paragraphs.append({"context": text, "qas": [{"id": f"{machine}-{part}", "question": question, "answers": answers}]})
        articles.append({"title": machine, "paragraphs": paragraphs})
    (folder / "questions.json").write_text(json.dumps({"version": "1.1", "data": articles}))
    spec = folder / "sevenstep.yaml"
    spec.write_text(
        f"""spec: 1
name: written
task: rag
data: {{format: squad, source: questions.json, language: en}}
rag:
  model: {{endpoint: "{url}", name: tiny, price: {{input: 100, output: 200}}}}
kpis: [{{id: answered, metric: answer_f1, goal: ">= 0.5", baseline: best_sentence}}]
budget: {{time: 30s, usd: {usd}}}
"""
    )
    return spec


def writes(messages: Messages) -> str:
    """Reads the first passage that names a number of hours."""
    found = re.search(r'number="(\d+)"[^>]*>\n[^<]*?(\d+ hours)', messages[-1]["content"])
    return f"{found[2]} [{found[1]}]" if found else "NO ANSWER"


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour(writes)


@pytest.fixture
def address(behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("SEVENSTEP_CALLS", "")
    with serving(behaviour) as url:
        yield url


@pytest.mark.slow
def test_a_model_that_writes_is_compared_chosen_released_and_asked_with_every_call_kept(
    address: str, behaviour: Behaviour, tmp_path: Path
) -> None:
    project = Project(write_project(tmp_path, address, 5.0))
    run = project.run()
    tune = next(step for step in run.result.steps if step.name == "tune")
    assert "answered 100.0 % meets" in tune.headline
    book = CallBook(project.store / CALLS_FILE)
    kept = [row for row in book.calls() if row["status"] == "ok"]
    assert len(kept) == len(behaviour.seen) == 24  # a question is paid for once, whatever is fitted and scored
    assert all(row["run"] for row in kept)
    model = project.task.load_model(champion(project.store).model_folder)
    answer = model.ask("How often is the oil of the crane changed?")
    assert answer.text == "230 hours"
    assert answer.citations[0].quote in answer.evidence[0].text


@pytest.mark.slow
def test_beyond_its_budget_of_money_a_run_calls_nothing_more(address: str, behaviour: Behaviour, tmp_path: Path) -> None:
    project = Project(write_project(tmp_path, address, 0.085))
    project.run()
    spent = sum(row["usd"] for row in CallBook(project.store / CALLS_FILE).calls())
    assert 0 < len(behaviour.seen) < 24
    assert spent <= 0.085
