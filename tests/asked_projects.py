"""Projects of documents and questions small enough to run within a test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sevenstep.project import Project

THINGS = ("filter", "belt", "pump", "valve", "motor", "fan", "gear", "hose")
SQUAD = """spec: 1
name: manuals
task: rag
data: {format: squad, source: manuals.json}
kpis:
  - {id: found, metric: recall@5, goal: ">= 0.5"}
  - {id: answered, metric: answer_f1, goal: ">= 0.1"}
design: {folds: 2, candidates: [bm25]}
budget: {time: 60s}
"""
JUDGED = """spec: 1
name: papers
task: rag
data:
  documents: {path: corpus.jsonl, id: _id, access: access}
  questions: {path: queries.jsonl, id: _id, text: text}
  judgements: {path: judged.tsv, question: query-id, document: corpus-id, grade: score}
kpis: [{id: found, metric: ndcg@10, goal: ">= 0.5"}]
design: {folds: 2, candidates: [bm25]}
budget: {time: 60s}
"""


def paragraphs(thing: str, number: int) -> list[tuple[str, list[tuple[str, str]]]]:
    """Two paragraphs about a thing, each with questions and answers."""
    hours, price, bar = 100 * number + 50, 10 * number + 5, number + 2
    return [
        (
            f"The {thing} is changed every {hours} hours. A new {thing} costs {price} euros.",
            [
                (f"How often is the {thing} changed?", f"every {hours} hours"),
                (f"What does a new {thing} cost?", f"{price} euros"),
            ],
        ),
        (
            f"The {thing} stands a pressure of {bar} bar. It is cleaned with water alone, never with oil.",
            [(f"Which pressure does the {thing} stand?", f"{bar} bar")],
        ),
    ]


def squad(things: tuple[str, ...] = THINGS) -> dict[str, Any]:
    """Articles in the form of SQuAD."""
    data = []
    for number, thing in enumerate(things, start=1):
        told = []
        for text, asked in paragraphs(thing, number):
            qas = [
                {"id": f"{thing}-{text.index(answer)}", "question": question,
                 "answers": [{"text": answer, "answer_start": text.index(answer)}]}
                for question, answer in asked
            ]  # fmt: skip
            told.append({"context": text, "qas": qas})
        data.append({"title": thing.title(), "paragraphs": told})
    return {"version": "1.1", "data": data}


def squad_project(folder: Path) -> Path:
    """A project of paragraphs and answered questions that was run."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manuals.json").write_text(json.dumps(squad()), encoding="utf-8")
    (folder / "sevenstep.yaml").write_text(SQUAD, encoding="utf-8")
    Project(folder).run(report=False)
    return folder


def judged_project(folder: Path) -> Path:
    """A project of judged documents that was run; the last of them bears a tag."""
    folder.mkdir(parents=True, exist_ok=True)
    documents, queries, judged = [], [], ["query-id\tcorpus-id\tscore"]
    for number, thing in enumerate(THINGS, start=1):
        for part, (text, asked) in enumerate(paragraphs(thing, number)):
            name = f"{thing}-{part}"
            tags = ["board"] if thing == THINGS[-1] else []
            documents.append({"_id": name, "title": thing.title(), "text": text, "access": tags})
            for place, (question, _) in enumerate(asked):
                queries.append({"_id": f"q-{name}-{place}", "text": question})
                judged.append(f"q-{name}-{place}\t{name}\t1")
    for file, rows in (("corpus.jsonl", documents), ("queries.jsonl", queries)):
        (folder / file).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "judged.tsv").write_text("\n".join(judged) + "\n", encoding="utf-8")
    (folder / "sevenstep.yaml").write_text(JUDGED, encoding="utf-8")
    Project(folder).run(report=False)
    return folder
