"""Through the engine: of documents that changed only those are read, and whatever they hold runs steps 1 to 3 again."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sevenstep.project import Project

SPEC = """\
task: rag
data: {documents: {path: docs/}, questions: {path: questions.jsonl}, judgements: {path: judgements.jsonl}}
kpis: [{id: found, metric: mrr@10, goal: ">= 0.2"}]
budget: {time: 1min}
"""


def write(folder: Path, sheets: int = 12) -> None:
    (folder / "docs").mkdir(parents=True)
    questions, judgements = [], []
    for number in range(sheets):
        text = f"# Sheet {number}\n\nThe lamp of room {number} is fed by fuse {number * 7} in the cellar.\n"
        (folder / "docs" / f"sheet{number}.md").write_text(text)
        questions.append({"id": f"q{number}", "question": f"Which fuse feeds the lamp of room {number}?"})
        judgements.append({"question_id": f"q{number}", "document_id": f"sheet{number}.md"})
    for name, rows in (("questions", questions), ("judgements", judgements)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "sevenstep.yaml").write_text(SPEC)


def run(folder: Path) -> tuple[set[bool], set[str]]:
    """Whether steps came from the store, and the keys under which what files say is kept."""
    result = Project(folder).run(until="prepare", anyway=True, quiet=True, report=False)
    with closing(sqlite3.connect(folder / ".sevenstep" / "documents.sqlite")) as base:
        return {step.cached for step in result.steps}, {key for (key,) in base.execute("SELECT key FROM said")}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path / "project")
    return tmp_path / "project"


def test_a_changed_document_is_the_only_one_that_is_read_again(project: Path) -> None:
    cached, first = run(project)
    assert (cached, len(first)) == ({False}, 12)
    assert run(project) == ({True}, first)
    (project / "docs" / "sheet3.md").write_text("# Sheet 3\n\nThe lamp of room 3 is fed by fuse 99 in the cellar.\n")
    cached, second = run(project)
    assert cached == {False}
    assert (len(second - first), len(first - second), len(second)) == (1, 1, 12)


def test_what_was_kept_changes_no_result(project: Path, tmp_path: Path) -> None:
    run(project)
    (project / "docs" / "sheet3.md").write_text("# Sheet 3\n\nThe lamp of room 3 is fed by fuse 99 in the cellar.\n")
    kept = Project(project).run(until="prepare", anyway=True, quiet=True, report=False)
    shutil.copytree(project, tmp_path / "fresh", ignore=shutil.ignore_patterns(".sevenstep"))
    fresh = Project(tmp_path / "fresh").run(until="prepare", anyway=True, quiet=True, report=False)
    assert fresh.result.report_hash == kept.result.report_hash


def test_the_same_project_in_another_folder_finds_everything_in_its_store(project: Path, tmp_path: Path) -> None:
    _, first = run(project)
    shutil.copytree(project, tmp_path / "moved")
    assert run(tmp_path / "moved") == ({True}, first)


def test_a_file_that_breaks_is_set_aside_and_told_as_a_finding(project: Path) -> None:
    run(project)
    (project / "docs" / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    result = Project(project).run(until="collect", anyway=True, quiet=True, report=False)
    findings = {finding["code"]: finding for finding in result.step("collect").json("quality")["findings"]}
    assert findings["DOCUMENT-BROKEN"]["text"] == "1 document broken, set aside in the quarantine"
