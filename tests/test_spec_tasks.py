"""Tasks of other packages join through an entry point, and are imported only when they are asked for."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sevenstep.spec import read_spec
from sevenstep.tasks import registry

MODULE = """\
from pydantic import BaseModel, Field
from sevenstep.tasks.contract import Grammar

class Section(BaseModel, extra="forbid"):
    depth: int = Field(default=10, description="how many to rank")

GRAMMAR = Grammar("ranking", Section, (), ("recall@k",), ("bm25",), {"train": ("depth",)}, "none")

def load():
    return "the ranking task"
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that brings a task called ranking, and one that tries to replace forecast."""
    (tmp_path / "ranking_task.py").write_text(MODULE)
    about = tmp_path / "ranking_task-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: ranking-task\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[sevenstep.tasks]\nranking = ranking_task\nforecast = ranking_task\n")
    monkeypatch.syspath_prepend(tmp_path)
    _forget()
    yield
    monkeypatch.delitem(sys.modules, "ranking_task", raising=False)
    _forget()


def _forget() -> None:
    registry.grammars.cache_clear()
    registry._added.cache_clear()


@pytest.mark.usefixtures("installed")
def test_a_task_of_another_package_is_listed_read_and_loaded(tmp_path: Path) -> None:
    assert registry.task_names() == ["forecast", "classification", "regression", "rag", "ranking"]
    assert "ranking_task" not in sys.modules
    text = 'task: ranking\ndata: {source: a.csv}\nranking: {depth: 3}\nkpis: [{id: found, metric: recall@5, goal: ">= 0.9"}]\n'
    (tmp_path / "sevenstep.yaml").write_text(text)
    assert read_spec(tmp_path, registry.grammars()).section.depth == 3
    assert registry.load_task("ranking") == "the ranking task"


@pytest.mark.usefixtures("installed")
def test_no_other_package_replaces_a_task_of_this_one() -> None:
    assert registry.grammars()["forecast"].section.__module__ == "sevenstep.tasks.forecast.section"
