"""The docs say what the code does: pages made from it are fresh, commands that are shown exist, examples read."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from sevenstep import __version__
from sevenstep.cli.main import COMMANDS
from sevenstep.spec.read import read_spec
from sevenstep.tasks.registry import grammars
from small_projects import sevenstep

ROOT = Path(__file__).resolve().parent.parent
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]
MADE_BY_HAND = [page for page in PAGES if page not in ("docs/commands.md", "docs/spec.md", "docs/errors.md")]


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, *kinds: str) -> list[str]:
    """Fenced blocks of a page that are marked as one of the kinds."""
    return re.findall(rf"^```(?:{'|'.join(kinds)})\n(.*?)^```", text(page), re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[list[str]]:
    """The words of each ``sevenstep …`` on a page, in blocks for the shell and in inline code."""
    shell = "\n".join(blocks(page, "sh", "bash", "console"))
    found = re.findall(r"(?:^|&& |\$ )sevenstep( [^#&\n]*)?", shell, re.MULTILINE)
    found += re.findall(r"`sevenstep ([^`]+)`", text(page))
    return [words.split() for words in found if words.strip()]


def test_the_pages_made_from_the_code_are_fresh() -> None:
    ended = subprocess.run([sys.executable, "docs/build.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_a_stale_page_is_found(tmp_path: Path) -> None:
    for path in (path for path in (ROOT / "docs").iterdir() if path.is_file()):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "spec.md").write_text("# Keys of the spec\n", encoding="utf-8")
    ended = subprocess.run([sys.executable, "build.py", "--check"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "spec.md" in ended.stderr
    assert "errors.md" not in ended.stderr


@pytest.mark.parametrize("page", MADE_BY_HAND)
def test_every_command_that_is_shown_exists_with_its_options(page: str) -> None:
    for words in commands(page):
        name = words[0]
        assert name in COMMANDS or name.startswith("-"), f"{page} shows 'sevenstep {' '.join(words)}'"
        helped = sevenstep(name, "--help").out if name in COMMANDS else sevenstep("--help").out
        for flag in (word.partition("=")[0] for word in words if word.startswith("--")):
            assert flag in helped, f"{page} shows 'sevenstep {' '.join(words)}'"


def test_the_readme_shows_every_command_a_person_needs_first() -> None:
    assert {words[0] for words in commands("README.md")} >= {"init", "run", "plan", "show", "predict", "explain"}


@pytest.mark.parametrize(("place", "task"), [(0, "forecast"), (1, "classification")])
def test_the_examples_of_the_readme_are_specs(tmp_path: Path, place: int, task: str) -> None:
    (tmp_path / "sevenstep.yaml").write_text(blocks("README.md", "yaml")[place], encoding="utf-8")
    assert read_spec(tmp_path, grammars()).task == task


@pytest.mark.parametrize("page", PAGES)
def test_every_link_inside_the_project_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text(page))
    missing = [link for link in links if not ((ROOT / page).parent / link).exists()]
    assert missing == []


def test_every_dependency_is_justified_with_its_range() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    rows = re.findall(r"^\| `([^|`]+)` \| `([^|`]+)` \|", text("docs/dependencies.md"), re.MULTILINE)
    needed = [Requirement(line) for line in project["dependencies"]]
    assert {name: SpecifierSet(found) for name, found in rows} == {one.name: one.specifier for one in needed}


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{__version__}]" in text("CHANGELOG.md")
