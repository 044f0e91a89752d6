"""Writes the report of a run, only when something in it changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sevenstep.chapter import Chapter, Column, Table
from sevenstep.engine.durable import replace_file
from sevenstep.engine.fingerprints import code_version
from sevenstep.engine.results import RunResult
from sevenstep.engine.store import Store
from sevenstep.spec.model import Spec

if TYPE_CHECKING:
    from sevenstep.engine.artifact import StoredArtifact

__all__ = ["write_report"]

STAMP = "report-stamp.json"
SECONDS = "seconds of "


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
    chapters = [_with_measured(chapter, artifact) for artifact in artifacts if (chapter := artifact.chapter()) is not None]
    charter = {name: text for name, text in spec.charter.model_dump().items() if text}
    made_of = {step.name: step.fingerprint[:12] for step in result.steps} | {"report": result.report_hash[:12]}
    return render_report(chapters, ReportAbout(spec.name, spec.task, charter, made_of, _kpis(artifacts)))


def _with_measured(chapter: Chapter, artifact: StoredArtifact) -> Chapter:
    """The chapter with what its fits took: times differ from run to run, so they are shown but are no part of the chapter."""
    rows = [
        {"what": name.removeprefix(SECONDS), "seconds": seconds}
        for name, seconds in sorted(artifact.measured.items(), key=lambda entry: -entry[1])
        if name.startswith(SECONDS)
    ]
    if not rows:
        return chapter
    columns = [Column("what", "Fits of"), Column("seconds", "Seconds", "seconds")]
    caption = "Measured on this machine, over all folds; fits run side by side, one core each."
    return replace(chapter, blocks=[*chapter.blocks, Table("What it took", columns, rows, caption)])


def _kpis(artifacts: Sequence[StoredArtifact]) -> list[dict[str, Any]]:
    """The KPIs for the top of the page, once they were measured; shares are shown as percent."""
    tune = next((artifact for artifact in artifacts if artifact.name == "tune"), None)
    states: list[dict[str, Any]] = [] if tune is None else tune.json("kpis")
    return [_shown(state) for state in states]


def _shown(state: dict[str, Any]) -> dict[str, Any]:
    from sevenstep.stats.wording import is_share, titled  # late, like the renderer: an unchanged run renders nothing

    metric, sign = state["metric"], state["goal"].split()[0]
    shown = state | {"metric": titled(metric)}
    return shown | {"format": "percent", "goal": f"{sign} {100 * state['goal_value']:.4g} %"} if is_share(metric) else shown
