"""What a drift check finds in a column: how far it has moved, what speaks for it, and whether that is an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Drifted", "Evidence", "Limits"]


@dataclass(frozen=True)
class Limits:
    """From what size on a difference matters: significance alone never alarms, as in a million rows every trifle is significant.

    The two limits of the population stability index are the convention of credit scoring: below 0.1 no change that matters, from
    0.25 on a large one (Lewis 1994, An introduction to credit scoring; Siddiqi 2017, Intelligent credit scoring). They are no
    test: what the index is by chance depends on bins and rows (Yurdakul and Naranjo 2020, Statistical properties of the
    population stability index). For the distance there is no such convention; the same figures mean that at least a tenth, or a
    quarter, of the rows lie elsewhere. The other limits are a choice of this package.

    Args:
        psi: population stability index, moderate and large.
        distance: Kolmogorov-Smirnov distance of numbers, total variation distance of categories, moderate and large.
        missing: change of the share of missing values.
        unseen: share of values in categories the reference does not have.
        outside: share of values beyond the smallest or the largest of the reference.
    """

    psi: tuple[float, float] = (0.1, 0.25)
    distance: tuple[float, float] = (0.1, 0.25)
    missing: float = 0.02
    unseen: float = 0.01
    outside: float = 0.01


@dataclass(frozen=True)
class Evidence:
    """One question asked of a column.

    Args:
        about: ``distribution``, ``missing``, ``unseen`` (categories) or ``outside`` (the range of the reference; where blocks are
            known it is told and not judged, as each new day or lot may go beyond all others).
        p: p value of "nothing has changed", never 0. Where blocks are known it is the larger of two: for independent rows and
            against the differences between blocks.
        matters: whether the size of the change reaches its limit.
        as_far: groups of reference blocks that lie as far from the others as the window does from the reference.
        groups: of reference blocks there were; 0 where rows are taken as independent.
        p_holm: ``p`` corrected for all questions asked of all columns together; None before they are read together.
        alarm: whether it alarms; False before they are read together.
    """

    about: Literal["distribution", "missing", "unseen", "outside"]
    p: float
    matters: bool
    as_far: int = 0
    groups: int = 0
    p_holm: float | None = None
    alarm: bool = False


@dataclass(frozen=True)
class Drifted:
    """How far a column has moved from its reference; figures are None where one side has no values to compare.

    Args:
        evidence: what was asked, with p values.
        n: values of the window that are not missing.
        n_reference: the same of the reference.
        psi: population stability index over deciles of the reference, or over its categories.
        distance: Kolmogorov-Smirnov distance of numbers, total variation distance of categories.
        unsure: by how much more the distance may be, where the reference keeps order statistics in place of all values.
        size: ``none``, ``moderate`` or ``large`` by `Limits`, whether significant or not.
        shift: of the mean, in standard deviations of the reference.
        scale: 10, 100, 1,000 or one over them, where dividing by it makes the window look like the reference; None otherwise.
        missing: share of missing values; ``missing_reference`` likewise.
        outside: share of values beyond the range of the reference.
        unseen: share of values in categories the reference does not have.
        unseen_names: the most frequent of them.
        method: how p values came about, and what they take for granted.
    """

    evidence: tuple[Evidence, ...]
    n: int
    n_reference: int
    missing: float | None
    missing_reference: float | None
    method: str
    psi: float | None = None
    distance: float | None = None
    unsure: float = 0.0
    size: Literal["none", "moderate", "large"] = "none"
    shift: float | None = None
    scale: float | None = None
    outside: float | None = None
    unseen: float | None = None
    unseen_names: tuple[str, ...] = ()

    @property
    def alarm(self) -> bool:
        """Whether any of the evidence alarms."""
        return any(one.alarm for one in self.evidence)
