"""What one look at live rows found: a figure with its interval, and whether it is an alarm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["SHARES", "Check"]

SHARES: Mapping[str, float] = {
    "kpi": 0.15, "coverage": 0.1, "shift": 0.35, "drift": 0.2, "predictions": 0.1, "silent": 0.05, "estimate": 0.05,
}  # fmt: skip
"""How the share of checks that may raise a false alarm is divided between what is looked at; they add up to 1.

The data contract has no share: a row keeps a rule or breaks it.
"""


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Args:
        kind: ``kpi``, ``coverage``, ``shift``, ``drift``, ``predictions``, ``contract``, ``silent`` or ``estimate``.
        kpi: id of the KPI it bears on.
        subject: what exactly: a segment ("State HE"), a column, a series; empty where it is the KPI as a whole.
        text: what was found, in a sentence.
        alarm: whether that is an alarm.
        value: the figure, with its interval ``low`` to ``high``; None where there is none.
        n: rows (or days, reports) behind it.
        method: how the figure and its interval came about.
        p: p value of "nothing is wrong", corrected for all that was looked at with it; None where nothing was tested.
        cause: the likely cause in words; empty where nothing points to one.
        evidence: more figures, JSON values.
    """

    kind: str
    kpi: str
    subject: str
    text: str
    alarm: bool
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    method: str = ""
    p: float | None = None
    cause: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the alarm is called as long as it is the same one."""
        return f"{self.kind}:{self.kpi}:{self.subject}"

    def figures(self) -> dict[str, Any]:
        """All figures as JSON values, as an alarm keeps them."""
        told = {"value": self.value, "low": self.low, "high": self.high, "n": self.n, "method": self.method, "p": self.p}
        return {**told, **self.evidence}
