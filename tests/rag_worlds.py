"""Small corpora with known properties, as data sets of the task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sevenstep.data.dataset import Dataset
from sevenstep.data.intake import intake
from sevenstep.spec import brief_for, read_spec
from sevenstep.spec.brief import Brief
from sevenstep.tasks.rag.grammar import GRAMMAR
from sevenstep.tasks.rag.roles import find_roles
from sevenstep.tasks.registry import grammars

KPIS = '[{id: found, metric: mrr@10, goal: ">= 0.8", baseline: bm25}, {id: answered, metric: answer_f1, goal: ">= 0.5"}]'
_PLACES = ("harbour", "quarry", "station", "mill", "bridge", "tower", "market", "garden", "library", "tunnel")
_NAMES = ("Oslo", "Porto", "Turin", "Malmo", "Gdansk", "Leeds", "Bruges", "Varna", "Split", "Patras")


def facts_corpus(folder: Path, documents: int = 60) -> dict[str, Any]:
    """Documents that each tell when something was built and how long it is; two questions about each, with their answers."""
    corpus, questions, judgements = [], [], []
    for number in range(documents):
        place, name = _PLACES[number % 10], _NAMES[number // 10 % 10]
        year, length = 1700 + 3 * number, 20 + 7 * number
        text = f"The {place} of {name} is well known. It was built in {year} by the town. The {place} is {length} metres long."
        corpus.append({"id": f"d{number}", "title": f"{place} {name}", "text": text})
        for kind, asked, answer in (
            ("when", f"When was the {place} of {name} built?", str(year)),
            ("long", f"How long is the {place} of {name}?", f"{length} metres"),
        ):
            questions.append({"id": f"q{number}-{kind}", "question": asked, "answers": [answer], "kind": kind})
            judgements.append({"question_id": f"q{number}-{kind}", "document_id": f"d{number}", "quote": answer})
    for name, rows in (("corpus", corpus), ("questions", questions), ("judgements", judgements)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {"corpus": corpus, "questions": questions, "judgements": judgements}


def spec_text(data: str = "", kpis: str = KPIS, more: str = "") -> str:
    """A spec over `facts_corpus`."""
    usual = "{documents: {path: corpus.jsonl}, questions: {path: questions.jsonl}, judgements: {path: judgements.jsonl, "
    data = data or usual + "quote: quote}}"
    return f"task: rag\nname: facts\ndata: {data}\nkpis: {kpis}\nbudget: {{time: 2min}}\n{more}"


def dataset(folder: Path, text: str = "", step: str = "define") -> tuple[Dataset, Brief]:
    """The data set of a spec with the brief of a step."""
    (folder / "sevenstep.yaml").write_text(text or spec_text(), encoding="utf-8")
    spec = read_spec(folder, grammars())
    taken = intake(spec.data, spec.base, spec.targets)
    roles, facts = find_roles(taken.items, brief_for("collect", spec, GRAMMAR), taken.source_columns)
    return Dataset({"items": taken.items, **taken.beside}, roles, facts), brief_for(step, spec, GRAMMAR)
