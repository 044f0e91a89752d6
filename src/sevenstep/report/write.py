"""Writes the report of a run, only when something in it changed."""

from __future__ import annotations

import json
from pathlib import Path

from sevenstep.chapter import Chapter
from sevenstep.engine.durable import replace_file
from sevenstep.engine.fingerprints import code_version
from sevenstep.engine.results import RunResult
from sevenstep.engine.store import Store
from sevenstep.spec.model import Spec

__all__ = ["write_report"]

STAMP = "report-stamp.json"


def write_report(path: Path, spec: Spec, result: RunResult, store: Store) -> Path:
    """Render the chapters of a run to ``path``; a report that says the same already stays as it is.

    ``report.file`` of the spec names a second place for it.
    """
    stamp = json.dumps({"report": result.report_hash, "code": code_version(["report"]), "name": spec.name})
    noted = path.with_name(STAMP)
    fresh = path.is_file() and noted.is_file() and noted.read_text(encoding="utf-8") == stamp
    if not fresh:
        replace_file(path, _rendered(spec, result, store).encode())
        replace_file(noted, stamp.encode())
    if spec.report.file is not None:
        copy = spec.base / spec.report.file
        if not fresh or not copy.is_file():
            replace_file(copy, path.read_bytes())
    return path


def _rendered(spec: Spec, result: RunResult, store: Store) -> str:
    from sevenstep.report.render import ReportAbout, render_report

    artifacts = [store.open(step.fingerprint) for step in result.steps]
    chapters: list[Chapter] = [chapter for artifact in artifacts if (chapter := artifact.chapter()) is not None]
    charter = {name: text for name, text in spec.charter.model_dump().items() if text}
    made_of = {step.name: step.fingerprint[:12] for step in result.steps} | {"report": result.report_hash[:12]}
    return render_report(chapters, ReportAbout(spec.name, spec.task, charter, made_of))
