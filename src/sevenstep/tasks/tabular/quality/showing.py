"""The findings of the quality tools as blocks of a chapter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from sevenstep.chapter import Block, Column, Figure, Notes, Table
from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.stats.causes import Cause, Ranking
from sevenstep.stats.control.capability import Capability, Index, Specification
from sevenstep.stats.control.runlength import rules_run_length
from sevenstep.stats.wording import percent
from sevenstep.tasks.tabular.quality.charted import RULES, Charted
from sevenstep.tasks.tabular.quality.ordered import Ordered
from sevenstep.tasks.tabular.quality.study import QualityStudy, study_quality

__all__ = ["chart_blocks", "quality_blocks", "study_blocks"]

_SURE = 0.01
_NOT_PROOF = (
    "Each further cause is judged among rows of equal risk by the causes above it; p and intervals hold for all looks together. "
    "What goes with defects need not cause them: it is where to look first."
)


def quality_blocks(data: Dataset, brief: Brief) -> Sequence[Block]:
    """Blocks for the chapter of step 3: ranked causes, control charts with run rules, and capability.

    ``brief`` must hold ``seed`` and ``data``, whose ``limits`` are taken as specification limits.
    """
    limits = {name: Specification(limit.min, limit.max) for name, limit in brief.data.limits.items()}
    return study_blocks(study_quality(data, limits, brief.seed))


def study_blocks(study: QualityStudy) -> list[Block]:
    """All blocks of a study, the ranked sentences first; nothing where there was nothing to look at."""
    ordered = study.ordered
    blocks: list[Block] = [*_notes(study), *_cause_table(study.ranking, ordered)]
    return [*blocks, *chart_blocks(study.charted, ordered), *_capability_table(study.able, ordered)]


def chart_blocks(charted: Sequence[Charted], ordered: Ordered) -> Iterator[Block]:
    """A figure for each chart, and one table of the rules that fired."""
    moments = ordered.moments()
    for one in charted:
        yield _figure(one, moments, ordered)
    yield from _violation_table(charted, moments, _when(ordered))


def _notes(study: QualityStudy) -> Iterator[Block]:
    items = [*_cause_notes(study.ranking, study.ordered), *_chart_notes(study.charted), *_able_notes(study.able)]
    if items:
        yield Notes("Quality", items)


def _note(text: str, evidence: str, tone: str) -> Mapping[str, str]:
    return {"text": text, "evidence": evidence, "tone": tone}


def _cause_notes(ranking: Ranking | None, ordered: Ordered) -> Iterator[Mapping[str, str]]:
    if ranking is None:
        return
    evidence = f"n = {ranking.items:,}, {ranking.defects:,} of them so, {ranking.looks:,} possible causes looked at"
    if not ranking.causes:
        yield _note(f"No cause stands out where {ordered.defect_text}", evidence, "info")
        return
    cause = ranking.causes[0]
    with_it, without_it = percent(cause.effect.rate), percent(cause.effect.rate_without)
    text = f"Look first at {cause.text}: there {ordered.defect_text} in {with_it} of rows, else in {without_it}"
    yield _note(text, f"{evidence}, p = {cause.p:.2g}", "warn")


def _chart_notes(charted: Sequence[Charted]) -> Iterator[Mapping[str, str]]:
    for one in charted:
        signals = f"{one.signals} of {len(one.starts)} points signal, limits from {one.settings.points} points"
        evidence = f"{signals}; as many by chance: p = {one.chance:.2g}"
        if one.baseline is not None and not one.baseline.stable:
            yield _note(f"{one.label} has no stable level to take limits from", signals, "bad")
        elif one.chance < _SURE:
            yield _note(f"{one.label} is out of control", evidence, "warn")
        else:
            yield _note(f"{one.label} is in control", evidence, "good")


def _able_notes(able: Mapping[str, Capability]) -> Iterator[Mapping[str, str]]:
    for name, found in able.items():
        if found.ppk.value is None or found.ppk.low is None:
            continue
        sure = found.ppk.low >= 1.33
        text = f"{name} keeps within its limits with Ppk {found.ppk.value:.2f}"
        yield _note(
            text, f"95 % interval {found.ppk.low:.2f} to {found.ppk.high:.2f}, n = {found.n:,}", "good" if sure else "warn"
        )


def _cause_table(ranking: Ranking | None, ordered: Ordered) -> Iterator[Block]:
    if ranking is None or not ranking.causes:
        return
    columns = [
        Column("rank", "Rank", "integer"),
        Column("cause", "Where"),
        Column("n", "Rows", "integer"),
        Column("defects", "Cases", "integer"),
        Column("rate", "Share of rows", "percent"),
        Column("without", "Of rows alike otherwise", "percent"),
        Column("difference", "Difference", "interval"),
        Column("ratio", "Times as often", "interval"),
        Column("share", "Part of all cases", "interval"),
        Column("p", "p", "number"),
        Column("same", "Cannot be told from"),
    ]
    caption = (
        f"Among {ranking.looks:,} levels, stretches of numbers and pairs; {ranking.items:,} rows in {ranking.clusters:,} "
        f"independent groups. {_NOT_PROOF}"
    )
    rows = [_cause_row(cause) for cause in ranking.causes]
    yield Table(f"Where to look first when {ordered.defect_text}", columns, rows, caption)


def _cause_row(cause: Cause) -> dict[str, Any]:
    effect = cause.effect
    return {
        "rank": cause.rank, "cause": cause.text, "n": cause.items, "defects": cause.defects, "rate": effect.rate,
        "without": effect.rate_without, "difference": [effect.difference, effect.difference_low, effect.difference_high],
        "ratio": [effect.ratio, effect.ratio_low, effect.ratio_high],
        "share": [effect.share, effect.share_low, effect.share_high],
        "p": cause.p, "same": ", ".join(cause.same),
    }  # fmt: skip


def _figure(one: Charted, moments: Sequence[Any], ordered: Ordered) -> Block:
    chart = one.charts[0]
    rows = [
        {"x": moments[start], "y": float(point), "low": float(low), "high": float(high)}
        for start, point, low, high in zip(one.starts, chart.points, chart.lower, chart.upper, strict=True)
        if not np.isnan(point)
    ]
    rate = one.settings.form == "rate"
    return Figure(
        f"Control chart of {one.label}", "line", rows, ordered.time or "row", one.label, _when(ordered),
        format="percent" if rate else "number", goal=float(chart.centre[0]), goal_label="centre line", caption=_caption(one),
    )  # fmt: skip


def _caption(one: Charted) -> str:
    many = "each row" if one.settings.size == 1 else f"{one.settings.size} rows in order"
    parts = [f"A point is {many}; the band is the control limits, 3 standard errors wide; {one.reason}."]
    if one.baseline is not None:
        removed = len(one.baseline.removed)
        left_out = f", {removed} of them left out as out of control" if removed else ""
        newer = "; the newer ones are judged by them" if one.frozen < len(one.starts) else ""
        parts.append(f"Limits come from the first {one.frozen} points{left_out}{newer}.")
    return " ".join(parts)


def _when(ordered: Ordered) -> Literal["time", "number"]:
    return "time" if ordered.temporal else "number"


def _violation_table(charted: Sequence[Charted], moments: Sequence[Any], when: Literal["time", "number"]) -> Iterator[Block]:
    rows = [
        {
            "what": one.label, "chart": violation.chart, "rule": violation.rule.name, "text": violation.rule.text,
            "points": len(violation.points), "first": moments[one.starts[violation.points[0]]],
            "last": moments[one.starts[violation.points[-1]]],
        }
        for one in charted
        for violation in one.found
    ]  # fmt: skip
    if not rows:
        return
    length = rules_run_length(RULES)
    columns = [
        Column("what", "What"), Column("chart", "Chart"), Column("rule", "Rule"), Column("text", "Pattern"),
        Column("points", "Points", "integer"), Column("first", "First", when), Column("last", "Last", when),
    ]  # fmt: skip
    caption = (
        f"Read together, the four rules alarm wrongly once in {length.mean:.0f} points ({length.low:.0f} to {length.high:.0f}, "
        f"{length.runs:,} simulated runs of normal values), not once in 370 as the limits alone do."
    )
    yield Table("Run rules that fired", columns, rows, caption)


_INDICES = {"cp": "Cp", "cpk": "Cpk", "pp": "Pp", "ppk": "Ppk", "cpm": "Cpm"}
_OF_ORDER = ("cp", "cpk")
"""Indices of the spread between neighbouring values, which mean nothing where the order of rows means nothing."""


def _capability_table(able: Mapping[str, Capability], ordered: Ordered) -> Iterator[Block]:
    if not able:
        return
    shown = {index: name for index, name in _INDICES.items() if ordered.time is not None or index not in _OF_ORDER}
    rows = [
        {"column": name, "n": found.n, "mean": found.mean, "deviation": found.overall, "note": found.note}
        | {index: _interval(getattr(found, index)) for index in shown}
        for name, found in able.items()
    ]
    columns = [
        Column("column", "Column"), Column("n", "Values", "integer"), Column("mean", "Mean", "number"),
        Column("deviation", "Standard deviation", "number"),
        *(Column(index, name, "interval") for index, name in shown.items()), Column("note", "Note"),
    ]  # fmt: skip
    caption = (
        "The limits of the spec are read as specification limits, their middle as the target. Rows outside of them were set "
        "aside on taking in the data: figures are those of the rows kept. Cp and Cpk take the spread between neighbouring values."
    )
    yield Table("Capability", columns, rows, caption)


def _interval(index: Index) -> list[float | None] | None:
    return None if index.value is None else [index.value, index.low, index.high]
