"""The library as a project folder: the spec, the documents, questions with judgements, and a README."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from sevenstep.templates.manuals.library import Library, make_library
from sevenstep.templates.manuals.traps import WRONG

__all__ = ["write_project"]

_MINUTES = {"small": 3, "medium": 8, "large": 20}


def write_project(folder: Path, *, seed: int = 0, size: str = "small") -> list[Path]:
    """Write the whole project into ``folder``, which exists and is empty; returns its files, the spec first.

    Equal arguments give equal bytes. Use `sevenstep.templates.catalog.write_template` to do it whole or not at all.
    """
    library = make_library(seed, size)
    names = ["sevenstep.yaml", "README.md"]
    words = _words(library, seed, size)
    for name in names:
        text = files("sevenstep.templates.manuals").joinpath("files", name).read_text(encoding="utf-8")
        _write(folder / name, Template(text).substitute(words))
    for name, text in library.files.items():
        _write(folder / "documents" / name, text)
    _write(folder / "questions.jsonl", _lines(library.questions))
    _write(folder / "judgements.jsonl", _lines(library.judgements))
    written = [f"documents/{name}" for name in library.files]
    return [folder / name for name in (*names, *written, "questions.jsonl", "judgements.jsonl")]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _lines(rows: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _words(library: Library, seed: int, size: str) -> dict[str, str]:
    without = sum(not row["answers"] for row in library.questions)
    return {
        "seed": str(seed), "size": size, "minutes": str(_MINUTES[size]), "machines": f"{len(library.machines):,}",
        "files": f"{len(library.files):,}", "questions": f"{len(library.questions):,}", "unanswerable": f"{without:,}",
        "older": "\n".join(f"- `{name}`" for name in library.older), "traps": "\n".join(f"- `{name}`" for name in library.traps),
        "wrong": WRONG, "first": library.machines[0].model,
    }  # fmt: skip
