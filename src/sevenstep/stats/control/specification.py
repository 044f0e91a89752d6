"""What a part has to keep, and an index of how well it does, with its interval."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Index", "Specification"]


@dataclass(frozen=True)
class Specification:
    """Limits a part has to keep, either of which may be missing, and the value aimed at (their middle when not given)."""

    lower: float | None = None
    upper: float | None = None
    target: float | None = None

    @property
    def aim(self) -> float | None:
        """The value aimed at; None where there is neither a target nor two limits."""
        if self.target is not None or self.lower is None or self.upper is None:
            return self.target
        return (self.lower + self.upper) / 2


@dataclass(frozen=True)
class Index:
    """An index or a share with its interval; None where the specification or the values have not what it needs."""

    value: float | None
    low: float | None
    high: float | None
    method: str
