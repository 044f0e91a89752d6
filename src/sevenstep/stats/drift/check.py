"""The check of one column, and of all columns together with a stated chance of any false alarm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sevenstep.stats.compare import holm
from sevenstep.stats.drift.blocks import Labels, Window, window_of
from sevenstep.stats.drift.categories import check_categories
from sevenstep.stats.drift.columns import Categories, Values
from sevenstep.stats.drift.found import Drifted, Evidence, Limits
from sevenstep.stats.drift.numbers import check_numbers
from sevenstep.stats.drift.reference import CategoryReference, Reference

__all__ = ["ALPHA", "check", "check_all", "read_together"]

ALPHA = 0.01
"""Chance that a check of all columns of a window alarms though nothing has changed."""

_LIMITS = Limits()


def check(reference: Reference, values: Values, blocks: Labels | None = None, limits: Limits = _LIMITS) -> Drifted:
    """Compare a window of one column with its reference; its p values are not corrected and nothing alarms yet.

    Args:
        reference: of the column, from `reference_of`.
        values: of the window, of the same kind as the reference was built from.
        blocks: label of each row's block, as in `reference_of`; without labels the window is one block. Read only where the
            reference has blocks.
        limits: from what size on a difference matters.

    Raises:
        TypeError: when numbers are held against categories or the other way round.
        ValueError: when there is not one label for each row.
    """
    return _check(reference, values, window_of(len(values), blocks), limits)


def _check(reference: Reference, values: Values, window: Window, limits: Limits) -> Drifted:
    if isinstance(reference, CategoryReference):
        if not isinstance(values, Categories):
            raise TypeError(f"the reference holds categories, the window values of type {values.dtype}: use Categories.of")
        return check_categories(reference, values, window, limits)
    if isinstance(values, Categories) or values.dtype.kind not in "fiub":
        raise TypeError("the reference holds numbers, the window does not")
    return check_numbers(reference, values, window, limits)


def check_all(
    references: Mapping[str, Reference],
    columns: Mapping[str, Values],
    blocks: Labels | None = None,
    *,
    alpha: float = ALPHA,
    limits: Limits = _LIMITS,
) -> dict[str, Drifted]:
    """Compare a window of rows with its references and say which columns alarm.

    Where nothing has changed, the chance that any column alarms is at most ``alpha``: p values are corrected over all columns
    and all that is asked of them (Holm). An alarm needs a corrected p value of at most ``alpha``, a size that matters
    (`Limits`) and, where blocks are known, that among the blocks of the reference no more than ``alpha`` lay as far off.

    Args:
        references: by column.
        columns: by column, each with a reference; a mapping may load them one by one, only one is held at a time.
        blocks: label of each row's block, ``[n]``, or None: the window is one block.
        alpha: chance of any false alarm.
        limits: from what size on a difference matters.

    Raises:
        KeyError: when a column has no reference.
        TypeError: when numbers are held against categories or the other way round.
        ValueError: when the columns do not have one row for each label.
    """
    window: Window | None = None
    found: dict[str, Drifted] = {}
    for name in columns:
        values = columns[name]
        window = window_of(len(values), blocks) if window is None or window.rows != len(values) else window
        found[name] = _check(references[name], values, window, limits)
    return dict(zip(found, read_together(list(found.values()), alpha), strict=True))


def read_together(found: Sequence[Drifted], alpha: float = ALPHA) -> list[Drifted]:
    """Correct the p values of all evidence together, and say what alarms; for columns that were checked one by one."""
    evidence = [one for drifted in found for one in drifted.evidence]
    corrected = holm([one.p for one in evidence]).tolist()
    judged = iter([_judged(one, p, alpha) for one, p in zip(evidence, corrected, strict=True)])
    return [replace(drifted, evidence=tuple(next(judged) for _ in drifted.evidence)) for drifted in found]


def _judged(one: Evidence, p_holm: float, alpha: float) -> Evidence:
    unheard_of = one.as_far <= max(alpha * (one.groups + 1) - 1, 0)
    return replace(one, p_holm=p_holm, alarm=bool(p_holm <= alpha and one.matters and unheard_of))
