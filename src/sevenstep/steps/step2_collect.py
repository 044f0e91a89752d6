"""Step 2, collect: is this the data, and is it sound?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import polars as pl

from sevenstep.chapter import Block, Chapter, Column, Figure, Notes, Table
from sevenstep.data.contract import Contract, infer_contract
from sevenstep.data.contract_check import ContractCheck, check_contract
from sevenstep.data.contract_text import parse_contract, render_contract
from sevenstep.data.dataset import Dataset, Finding
from sevenstep.data.quality import check_quality
from sevenstep.data.quality_score import FORMULA, harm, quality_score
from sevenstep.data.snapshot import fingerprint_tables
from sevenstep.data.vast import distinct
from sevenstep.errors import InputError
from sevenstep.spec.brief import Brief
from sevenstep.steps.parts import in_parts, parts_note
from sevenstep.steps.taking import as_taken_in
from sevenstep.tasks.contract import Task
from sevenstep.wording import counted, percent
from sevenstep.work import Artifact, Leaves, Workbench

__all__ = ["run"]

SOUND, USABLE = 90, 70  # points of 100 from which data are sound, and from which they can be used
LEAST_HARM = 0.0005  # share of a part's points below which a finding is not said to cost any
_RANK = {"error": 0, "warning": 1, "info": 2}
_TONE = {"error": "bad", "warning": "warn", "info": "info"}


def run(brief: Brief, inputs: Mapping[str, Artifact], task: Task, bench: Workbench) -> Leaves:
    """The data set with the role of each column, what is wrong with it, and the contract that later data must keep."""
    intake = inputs["intake"]
    bench.say("checking the data")
    taken = as_taken_in(intake, intake.frame("items"), task, brief)
    frequency = str(taken.facts.get("frequency", {}).get("value", ""))
    limits = brief.data.limits
    contract = _contract(brief, taken, frequency, one_row_per_time=task.grammar.one_row_per_time)
    numbers = intake.frame("rows")["row"]
    checked = check_contract(taken.items, contract, frequency=frequency, source=brief.data.main(), rows=numbers)
    del numbers
    _stop(checked)
    aside = pl.concat([intake.frame("quarantine"), checked.quarantine])
    data = replace(taken, tables={**taken.tables, "items": checked.items})
    data = replace(data, fingerprint=fingerprint_tables(data.tables, data.roles, data.facts))
    learnt = in_parts(task, data, brief)
    findings = [*checked.findings, *check_quality(data.items, data.roles, aside, limits=limits), *task.check(learnt, brief)]
    findings.sort(key=lambda finding: (-harm(finding), _RANK[finding.severity], -finding.share, finding.code, finding.column))
    quality = quality_score(findings, len(data.items)) | {"findings": [asdict(finding) for finding in findings]}
    chapter = _chapter(data, quality, findings, aside, intake.json("record"), parts_note(learnt))
    return Leaves(
        json={"quality": quality, "record": intake.json("record"), "contract": render_contract(contract),
              "roles": asdict(data.roles),
              "facts": dict(data.facts), "source_columns": intake.json("source_columns")},
        frames={"quarantine": aside},
        folders={"dataset": learnt},
        headline=_headline(data, quality, aside),
        gate=chapter.gate,
        chapter=chapter,
    )  # fmt: skip


def _contract(brief: Brief, taken: Dataset, frequency: str, *, one_row_per_time: bool) -> Contract:
    """The contract in force, or the one the data themselves keep."""
    if brief.contract:
        return parse_contract(brief.contract)
    limits = brief.data.limits
    return infer_contract(taken.items, taken.roles, limits=limits, frequency=frequency, one_row_per_time=one_row_per_time)


def _stop(checked: ContractCheck) -> None:
    broken = next((finding for finding in checked.findings if finding.severity == "error"), None)
    if broken is not None:
        rule = "contract.yaml says that the data must keep to it"
        raise InputError(
            broken.code, broken.text, rule, broken.fix or "mend the data, or edit contract.yaml", where="contract.yaml"
        )


def _open_rows(data: Dataset) -> int:
    """Rows that wait for a prediction: no target is known, and where there is a time line they lie after what is known."""
    waits, rows = pl.all_horizontal([pl.col(target).is_null() for target in data.roles.targets]), data.items.lazy()
    if data.roles.time and "frequency" in data.facts:
        waits &= pl.col(data.roles.time) > rows.filter(~waits).select(pl.col(data.roles.time).max()).collect().item()
    return int(rows.select(waits.sum()).collect().item())


def _headline(data: Dataset, quality: Mapping[str, Any], aside: pl.DataFrame) -> str:
    series = f"{counted(_series(data), 'series')}, " if data.roles.keys and _series(data) < len(data.items) else ""
    kept = f", {len(aside):,} set aside" if len(aside) else ""
    open_ = _open_rows(data)
    waiting = f", {open_:,} to be predicted" if open_ else ""
    return f"{counted(len(data.items), 'row')}, {series}quality {quality['score']}/100{_worth(quality)}{waiting}{kept}"


def _series(data: Dataset) -> int:
    """Distinct keys; as many as rows where each row has one of its own, and there are no series."""
    return int(data.items.lazy().select(data.roles.keys).unique().select(pl.len()).collect(engine="streaming").item())


def _worth(quality: Mapping[str, Any]) -> str:
    """What a score below `SOUND` means, in a few words for the headline."""
    if quality["score"] >= SOUND:
        return ""
    return " (usable)" if quality["score"] >= USABLE else " (not sound)"


def _chapter(
    data: Dataset,
    quality: Mapping[str, Any],
    findings: Sequence[Finding],
    aside: pl.DataFrame,
    record: Sequence[Mapping[str, Any]],
    said: Sequence[Block],
) -> Chapter:
    serious = [finding for finding in findings if finding.severity != "info"]
    answer, gate = _verdict(len(data.items), quality)
    answer += f" {counted(len(aside), 'row')} set aside with the reason." if len(aside) else " No row had to be set aside."
    items = [{"text": finding.text, "evidence": _evidence(finding), "tone": _TONE[finding.severity]} for finding in findings[:30]]
    blocks: list[Block] = [_parts(quality), *said]
    if items:
        title = f"Findings ({counted(len(serious), 'warning')})" if serious else "Findings"
        blocks.append(Notes(title, items))
    blocks += [_columns(data), *_facts(data), *_aside(aside), *_record(record)]
    return Chapter("collect", "Collect", answer, gate, blocks)


def _verdict(rows: int, quality: Mapping[str, Any]) -> tuple[str, str]:
    """Whether the data can be learnt from, by the quality score, with what weighs on it most; and the state to show."""
    score, parts = quality["score"], quality["parts"]
    weakest = min(parts, key=lambda part: parts[part])
    reason = quality["reasons"][weakest]
    taken = f"{counted(rows, 'row')} {'was' if rows == 1 else 'were'} taken in"
    points = f"quality {score} of 100"
    named = f", weakest in '{weakest}': {reason}" if reason else ""
    if score >= SOUND:
        return f"{taken} and sound enough to learn from ({points}{named}).", ""
    if score >= USABLE:
        return f"{taken} and usable, with a weakness in '{weakest}' ({points}): {reason}.", "warn"
    return f"{taken}, but not sound ({points}): mend '{weakest}' first: {reason}.", "warn"


def _evidence(finding: Finding) -> str:
    """How many rows a finding touches, what it takes from the score of its part, and what to do."""
    rows = f"{counted(finding.rows, 'row')} ({percent(finding.share)})" if finding.rows else ""
    costs = f"takes {100 * harm(finding):.3g} of 100 points from '{finding.part}'" if harm(finding) >= LEAST_HARM else ""
    return "; ".join(text for text in (rows, costs, finding.fix) if text)


def _parts(quality: Mapping[str, Any]) -> Figure:
    rows = [{"x": part, "y": value} for part, value in quality["parts"].items()]
    return Figure(
        "Quality by part",
        "bars",
        rows,
        "Part",
        "Points of 100",
        "category",
        "integer",
        caption=FORMULA[0].upper() + FORMULA[1:] + ".",
    )


def _columns(data: Dataset) -> Table:
    roles = data.roles
    named = {
        "target": roles.targets, "time": (roles.time, *roles.time_parts.values()),
        "series" if not roles.keys or _series(data) < len(data.items) else "key": roles.keys,
        "known ahead": roles.known_ahead,
        "static": roles.static, "known afterwards": roles.observed, "segment": roles.segments,
    }  # fmt: skip
    rows = []
    for name, dtype in data.items.schema.items():
        role = ", ".join(label for label, columns in named.items() if name in columns)
        column = data.items[name]
        empty = column.null_count() / max(len(column), 1)
        rows.append({"name": name, "type": str(dtype), "role": role, "missing": empty, "distinct": distinct(column)})
    columns = [Column("name", "Column"), Column("role", "Role"), Column("type", "Type"), Column("missing", "Missing", "percent"),
               Column("distinct", "Distinct values", "integer")]  # fmt: skip
    return Table(
        "Columns", columns, rows, "Columns known afterwards serve as history, never as inputs at the time of the prediction."
    )


def _facts(data: Dataset) -> list[Block]:
    rows = [{"fact": name, "value": str(fact["value"]), "reason": str(fact["reason"])} for name, fact in data.facts.items()]
    columns = [Column("fact", "What"), Column("value", "Value"), Column("reason", "Where from")]
    return [Table("Read off the data", columns, rows)] if rows else []


def _aside(aside: pl.DataFrame) -> list[Block]:
    if aside.is_empty():
        return []
    rows = aside.group_by("source", "column", "reason", maintain_order=True).len("rows").sort("rows", descending=True).to_dicts()
    columns = [
        Column("source", "Source"),
        Column("column", "Column"),
        Column("reason", "Reason"),
        Column("rows", "Rows", "integer"),
    ]
    return [Table("Set aside", columns, rows, "Each row is in quarantine.parquet with its reason.")]


def _record(record: Sequence[Mapping[str, Any]]) -> list[Block]:
    rows = [{"what": entry.get("text", ""), "source": entry.get("source", ""), "rows": entry.get("rows")} for entry in record]
    columns = [Column("source", "Source"), Column("what", "What was done"), Column("rows", "Rows", "integer")]
    return [Table("Record of taking in", columns, rows)] if rows else []
