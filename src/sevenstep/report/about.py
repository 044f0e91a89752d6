"""What the report says about the run as a whole, beside its chapters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sevenstep.chapter import Chapter, Figure

__all__ = ["ReportAbout", "goal_bound", "kpis_of", "pretty_goal", "verdict_of"]

_GOAL = re.compile(r"(?P<sign><=|>=|<|>|≤|≥)\s*(?P<value>-?[\d.,]*\d)\s*(?P<percent>%?)")
_VERDICTS = ("go", "go_with_risk", "no_go")


@dataclass(frozen=True)
class ReportAbout:
    """The frame of a report; all values are plain JSON, and none may differ between runs on equal inputs.

    Args:
        name: name of the project.
        task: kind of problem (``forecast``).
        charter: the person's sentences by ``problem``, ``decision`` and ``worst_error``; other keys show as they are.
        made_of: what the report was made of, as hashes or versions by ``spec``, ``data``, ``code``, …
        kpis: one mapping per KPI: ``id``, ``metric``, ``goal`` (text, "<= 0.085"), ``value``, ``low``, ``high``, ``n``,
            ``state``, and optionally ``format`` (of `sevenstep.chapter.Column`), ``unit`` and ``target``. Left out, they are
            taken from the last chapter that holds a figure of the form ``thread``.
        headline: the sentence under the title; left out, the answer of the last chapter.
    """

    name: str
    task: str
    charter: Mapping[str, str] = field(default_factory=dict)
    made_of: Mapping[str, str] = field(default_factory=dict)
    kpis: Sequence[Mapping[str, Any]] = ()
    headline: str = ""


def verdict_of(chapters: Sequence[Chapter]) -> str:
    """The feasibility verdict: the gate of the first chapter that holds one, or ``""``."""
    return next((chapter.gate for chapter in chapters if chapter.gate in _VERDICTS), "")


def kpis_of(about: ReportAbout, chapters: Sequence[Chapter]) -> list[dict[str, Any]]:
    """The KPIs to show at the top: those of ``about``, else the newest measured stage of each KPI's thread."""
    if about.kpis:
        return [dict(kpi) for kpi in about.kpis]
    figures = (block for chapter in reversed(chapters) for block in chapter.blocks if isinstance(block, Figure))
    thread = next((figure for figure in figures if figure.form == "thread"), None)
    return _newest(thread) if thread else []


def _newest(thread: Figure) -> list[dict[str, Any]]:
    newest: dict[str, Mapping[str, Any]] = {}
    for row in thread.rows:
        if row.get("value") is not None or row["kpi"] not in newest:
            newest[row["kpi"]] = row
    shared = {"format": thread.format, "unit": thread.unit}
    return [shared | dict(row) | {"id": kpi, "goal": _goal_text(thread, row)} for kpi, row in newest.items()]


def _goal_text(thread: Figure, row: Mapping[str, Any]) -> str:
    goal = row.get("goal", thread.goal)
    return str(row.get("goal_label") or thread.goal_label or ("" if goal is None else goal))


def goal_bound(text: str) -> tuple[str, float] | None:
    """The sign (``<=``, ``>=``, ``<``, ``>``) and the number of a goal such as "<= 8.5 %", or None where there is none."""
    match = _GOAL.search(text)
    if match is None:
        return None
    sign = match["sign"].replace("≤", "<=").replace("≥", ">=")
    value = float(match["value"].replace(",", ""))
    return sign, value / 100 if match["percent"] else value


def pretty_goal(text: str) -> str:
    """A goal as people write it: "<= 0.085" becomes "≤ 0.085"."""
    return text.replace("<=", "≤").replace(">=", "≥")
