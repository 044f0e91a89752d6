"""Which parts of the spec each step may read, as one table."""

from __future__ import annotations

from typing import Any

from sevenstep.spec.brief import Brief, Seen
from sevenstep.spec.grammar import Grammar
from sevenstep.spec.model import Spec

__all__ = ["STEP_PARTS", "brief_for"]

STEP_PARTS: dict[str, tuple[str, ...]] = {
    "define": ("charter", "kpis", "targets", "flags", "data", "budget", "seed"),
    "collect": ("data", "targets", "flags"),
    "prepare": ("data", "targets", "seed"),
    "design": ("kpis", "targets", "design", "budget", "spending", "seed"),
    "train": ("kpis", "targets", "spending", "seed"),
    "tune": ("kpis", "targets", "budget", "spending", "seed"),
    "operate": ("name", "charter", "kpis", "targets"),
}
"""Parts of the spec by step, in the order of the steps; every step also reads its keys of the task's section."""


def brief_for(step: str, spec: Spec, grammar: Grammar) -> Brief:
    """What ``step`` may read of ``spec``; raises KeyError for a step that is none of the seven."""
    parts = {part: _part(spec, part) for part in STEP_PARTS[step]}
    return Brief(parts, Seen(spec.section, grammar.sees.get(step, ())))


def _part(spec: Spec, part: str) -> Any:
    if part == "budget":
        return spec.budget.time.seconds
    if part == "spending":
        return {"usd": spec.budget.usd, "tokens": spec.budget.tokens}
    return getattr(spec, part)
