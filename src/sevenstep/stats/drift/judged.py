"""What numbers and categories are judged by alike: their distribution and their missing share, with and without blocks."""

from __future__ import annotations

from typing import Any, Literal

from sevenstep.stats.drift.blocks import Against, Blocks, Window
from sevenstep.stats.drift.found import Evidence, Limits
from sevenstep.stats.drift.independent import proportions_p
from sevenstep.stats.drift.reference import Reference
from sevenstep.stats.scored import FloatArray
from sevenstep.wording import counted

__all__ = ["both", "distribution", "missing", "said", "size_of"]


def said(reference: Reference, rows: int, absent: int, window: Window) -> dict[str, Any]:
    """The fields of `Drifted` that are told of every column."""
    return {
        "n": rows - absent,
        "n_reference": reference.present,
        "missing": absent / rows if rows else None,
        "missing_reference": reference.missing / reference.rows if reference.rows else None,
        "method": _method(reference.blocks, window),
    }


def _method(blocks: Blocks | None, window: Window) -> str:
    if blocks is None:
        return "rows taken as independent of each other: where they are not, chance explains larger differences than this says"
    here = counted(len(window.sizes), "block")
    return f"{here} of rows beside {counted(blocks.told, 'block')} of the reference, and how much those differ from each other"


def size_of(psi: float, distance: float, limits: Limits) -> Literal["none", "moderate", "large"]:
    """The larger of what the index and the distance say."""
    if psi >= limits.psi[1] or distance >= limits.distance[1]:
        return "large"
    return "moderate" if psi >= limits.psi[0] or distance >= limits.distance[0] else "none"


def distribution(
    blocks: Blocks | None, p: float, sizes: tuple[float, float], shares: FloatArray, n: int, window: Window, limits: Limits
) -> Evidence:
    """Judge the distribution by the p value of independent rows, and by blocks where there are any.

    Args:
        blocks: of the reference.
        p: for independent rows.
        sizes: stability index and distance.
        shares: of the properties that blocks count.
        n: values of the window.
        window: its blocks.
        limits: from what size on it matters.
    """
    matters = size_of(*sizes, limits) != "none"
    return both("distribution", p, matters, None if blocks is None else blocks.judge_counts(shares, n, window))


def missing(reference: Reference, absent: int, window: Window, limits: Limits) -> list[Evidence]:
    """Judge the share of missing values; no evidence where either side has no rows."""
    rows = window.rows
    if rows == 0 or reference.rows == 0:
        return []
    share = absent / rows
    p = proportions_p(absent, rows, reference.missing, reference.rows)
    matters = abs(share - reference.missing / reference.rows) >= limits.missing
    against = None if reference.blocks is None else reference.blocks.judge_missing(share, rows, window)
    return [both("missing", p, matters, against)]


def both(about: Literal["distribution", "missing", "unseen"], p: float, matters: bool, against: Against | None) -> Evidence:
    """The evidence of rows taken as independent and of blocks: the larger p value counts."""
    if against is None:
        return Evidence(about, p, matters)
    return Evidence(about, max(p, against.p), matters, against.as_far, against.groups)
