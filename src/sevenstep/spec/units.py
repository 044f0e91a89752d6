"""Small quantities a person writes as text: a goal (``<= 0.12``) and a duration (``10min``).

Both print back to the text they were read from in its shortest form, so that the plan, the report and the fingerprint show
what the person wrote and not a number without its unit.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Duration", "Goal", "Operator", "shortest"]

Operator = Literal["<=", "<", ">=", ">"]

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_GOAL = re.compile(rf"\s*(<=|>=|<|>)\s*({_NUMBER})\s*")
_SECONDS = {"d": 86400, "h": 3600, "min": 60, "s": 1}
_DURATION_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(d|h|min|s)(?![a-z])\s*")


def shortest(value: float) -> str:
    """The shortest text that reads back as ``value``, whole numbers without a point: ``1300`` and ``0.085``."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


@dataclass(frozen=True)
class Goal:
    """What a KPI must reach: an operator and a number in the unit of the metric."""

    operator: Operator
    value: float

    @classmethod
    def parse(cls, text: str) -> Goal:
        """Read ``"<= 0.12"``; raises ValueError unless ``text`` is ``<=``, ``<``, ``>=`` or ``>`` and one finite number."""
        match = _GOAL.fullmatch(text)
        if match is None or not math.isfinite(float(match[2])):
            raise ValueError(f"not a goal: {text!r}")
        sign: Operator = match[1]  # type: ignore[assignment]  # the pattern admits these four alone
        return cls(sign, float(match[2]))

    @property
    def direction(self) -> Literal["lower", "higher"]:
        """Which way is better for a figure held against this goal."""
        return "lower" if self.operator in ("<=", "<") else "higher"

    def met_by(self, value: float) -> bool:
        """Whether ``value`` reaches the goal; NaN never does."""
        return _COMPARE[self.operator](value, self.value)

    def __str__(self) -> str:
        return f"{self.operator} {shortest(self.value)}"


@dataclass(frozen=True)
class Duration:
    """A length of time in ``seconds``, written with its unit."""

    seconds: float

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read ``"10min"``, ``"90s"``, ``"1.5h"`` or ``"1h 30min"``; raises ValueError otherwise or when it is not above zero."""
        parts = list(_DURATION_PART.finditer(text))
        seconds = sum(float(part[1]) * _SECONDS[part[2]] for part in parts)
        if "".join(part[0] for part in parts) != text or seconds <= 0:
            raise ValueError(f"not a duration: {text!r}")
        return cls(seconds)

    def __str__(self) -> str:
        if self.seconds != int(self.seconds):
            return f"{self.seconds!r}s"
        rest, parts = int(self.seconds), []
        for unit, size in _SECONDS.items():
            count, rest = divmod(rest, size)
            if count:
                parts.append(f"{count}{unit}")
        return " ".join(parts)
