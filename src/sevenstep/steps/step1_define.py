"""Step 1, define: is it worth doing, and can it be done?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sevenstep.chapter import Block, Chapter, Column, Notes, Table
from sevenstep.spec.brief import Brief
from sevenstep.spec.model import Kpi
from sevenstep.stats.wording import figure, interval, spoken
from sevenstep.steps.parts import in_parts, parts_note
from sevenstep.steps.taking import as_taken_in
from sevenstep.tasks.contract import Evidence, Feasibility, Task
from sevenstep.tasks.leading import goal_of
from sevenstep.work import Artifact, Leaves, Workbench

__all__ = ["run"]

_ORDER = ("go", "go_with_risk", "no_go")
_SAID = {
    "go": "Every goal is within reach",
    "go_with_risk": "It can be tried, with risk",
    "no_go": "As things stand the goal is out of reach",
}


def run(brief: Brief, inputs: Mapping[str, Artifact], task: Task, bench: Workbench) -> Leaves:
    """The verdict: ``go``, ``go_with_risk`` or ``no_go``, which is that of the worst KPI, with evidence and remedies."""
    intake = inputs["intake"]
    bench.say("probing whether the goals can be reached")
    whole = in_parts(task, as_taken_in(intake, intake.frame("items"), task, brief), brief)
    data, said = whole.part(0), parts_note(whole)
    del whole  # of very many rows the others are no longer needed
    found = task.probe(data, brief)
    verdict = max((item.verdict for item in found), key=_ORDER.index)
    answer = _answer(brief, found, verdict)
    charter = {"verdict": verdict, "kpis": [_plain(item) for item in found], "charter": brief.charter.model_dump()}
    blocks = [*_thread(brief, found), *said, *_task_blocks(found), *_notes(found)]
    chapter = Chapter("define", "Define", answer, verdict, blocks)
    return Leaves(json={"charter": charter}, headline=_headline(brief, found, verdict), gate=verdict, chapter=chapter)


def _plain(item: Feasibility) -> dict[str, Any]:
    return {name: value for name, value in asdict(item).items() if name != "blocks"}


def _headline(brief: Brief, found: Sequence[Feasibility], verdict: str) -> str:
    kpi, first = max(zip(brief.kpis, found, strict=True), key=lambda pair: _ORDER.index(pair[1].verdict))
    reach = interval(first.reachable, first.low, first.high, kpi.metric)
    return f"{verdict}: {kpi.id} {kpi.metric} {reach} expected, goal {goal_of(kpi)}"


def _answer(brief: Brief, found: Sequence[Feasibility], verdict: str) -> str:
    parts = [
        f"{spoken(kpi.metric)}{_about(brief, kpi)} is expected at {figure(item.reachable, kpi.metric)} (goal {goal_of(kpi)})"
        for kpi, item in zip(brief.kpis, found, strict=True)
    ]
    remedies = [item.remedies[0] for item in found if item.verdict == "no_go" and item.remedies]
    return f"{_SAID[verdict]}: {', '.join(parts)}." + (f" What would help most: {remedies[0].rstrip('.')}." if remedies else "")


def _about(brief: Brief, kpi: Kpi) -> str:
    return f" of {kpi.target}" if kpi.target and len(brief.targets) > 1 else ""


def _thread(brief: Brief, found: Sequence[Feasibility]) -> list[Block]:
    rows = [
        {
            "kpi": kpi.id,
            "metric": f"{spoken(kpi.metric)} of {kpi.target or brief.targets[0]}",
            "goal": goal_of(kpi),
            "reach": interval(item.reachable, item.low, item.high, kpi.metric),
            "verdict": item.verdict,
        }
        for kpi, item in zip(brief.kpis, found, strict=True)
    ]
    columns = [Column("kpi", "KPI"), Column("metric", "Metric"), Column("goal", "Goal"), Column("reach", "Expected"),
               Column("verdict", "Verdict", "state")]  # fmt: skip
    return [Table("What is to be reached, and what is expected", columns, rows, "Told before any model was trained.")]


def _task_blocks(found: Sequence[Feasibility]) -> list[Block]:
    """For each KPI the task's pictures, then what they rest on."""
    return [block for item in found for block in (*item.blocks, *_evidence(item))]


def _evidence(item: Feasibility) -> list[Table]:
    if not item.evidence:
        return []
    rows = [{"name": piece.name, "value": _value(piece), "text": piece.text, "n": piece.n} for piece in item.evidence]
    columns = [Column("name", "What"), Column("value", "Value"), Column("text", "What it says"), Column("n", "n", "integer")]
    caption = "Measured values with their 95 % intervals, the reachable value with a 90 % one; n counts what the figure rests on."
    return [Table(f"{item.kpi}: evidence", columns, rows, caption)]


def _value(piece: Evidence) -> str:
    return "" if piece.value is None else interval(piece.value, piece.low, piece.high, piece.metric)


def _notes(found: Sequence[Feasibility]) -> list[Block]:
    remedies = list(dict.fromkeys(remedy for item in found for remedy in item.remedies))
    if not remedies:
        return []
    return [Notes("What would help", [{"text": text, "evidence": "", "tone": "info"} for text in remedies])]
