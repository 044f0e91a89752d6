"""How far a window of categories lies from its reference: counts beside counts, and the categories that are new."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sevenstep.stats.drift.blocks import Window
from sevenstep.stats.drift.columns import Categories
from sevenstep.stats.drift.found import Drifted, Evidence, Limits
from sevenstep.stats.drift.independent import all_in_window, chi_square_p
from sevenstep.stats.drift.judged import both, distribution, missing, said, size_of
from sevenstep.stats.drift.reference import CategoryReference
from sevenstep.stats.drift.stability import stability_index, total_variation
from sevenstep.stats.scored import FloatArray

__all__ = ["check_categories"]

_CELLS = 50
_LEAST_EXPECTED = 10.0
_NAMED = 5


@dataclass(frozen=True)
class _Counted:
    """A window's rows by the reference's categories.

    Args:
        known: rows in each category of the reference, ``[names]``.
        new: positions, in the window's own names, of categories the reference does not name, the most frequent first.
        new_counts: rows in each of them.
        missing: rows without a value.
    """

    known: FloatArray
    new: npt.NDArray[np.intp]
    new_counts: npt.NDArray[np.int64]
    missing: int

    @property
    def n(self) -> int:
        return int(self.known.sum() + self.new_counts.sum())


def check_categories(reference: CategoryReference, values: Categories, window: Window, limits: Limits) -> Drifted:
    """Compare a window of categories with its reference; see `sevenstep.stats.drift.check`."""
    counted = _count(reference, values)
    evidence = missing(reference, counted.missing, window, limits)
    told = said(reference, len(values), counted.missing, window)
    if counted.n == 0 or reference.present == 0:
        return Drifted(tuple(evidence), **told)
    cells = _cells(reference, counted)
    psi, distance = stability_index(*cells), total_variation(*cells)
    unseen = float(counted.new_counts.sum()) / counted.n
    shares = np.append(counted.known[reference.cells] / counted.n, [] if reference.rest else [unseen])
    evidence.append(distribution(reference.blocks, chi_square_p(cells), (psi, distance), shares, counted.n, window, limits))
    size = size_of(psi, distance, limits)
    if reference.rest:
        return Drifted(tuple(evidence), **told, psi=psi, distance=distance, size=size)
    evidence.append(_unseen(reference, counted, unseen, window, limits))
    return Drifted(
        tuple(evidence),
        **told,
        psi=psi,
        distance=distance,
        size=size,
        unseen=unseen,
        unseen_names=tuple(values.names[place] for place in counted.new[:_NAMED]),
    )


def _count(reference: CategoryReference, values: Categories) -> _Counted:
    absent, found = values.counts()
    places = np.array([reference.places.get(name, -1) for name in values.names], np.intp)
    known = np.zeros(len(reference.names))
    known[places[places >= 0]] = found[places >= 0]
    new = np.flatnonzero((places < 0) & (found > 0))
    new = new[np.argsort(-found[new], kind="stable")]
    return _Counted(known, new, found[new], absent)


def _cells(reference: CategoryReference, counted: _Counted) -> FloatArray:
    """Counts of reference and window ``[2, cells]`` in the categories most frequent in both together, and in the others.

    Were the most frequent of the reference chosen, chance that made them so would be taken for drift when it does not repeat.
    """
    of_reference = np.concatenate([reference.counts, np.zeros(len(counted.new))])
    of_window = np.concatenate([counted.known, counted.new_counts])
    together = of_reference + of_window
    smaller = min(reference.present, counted.n) / (reference.present + counted.n)
    order = np.argsort(-together, kind="stable")[:_CELLS]
    order = order[together[order] * smaller >= _LEAST_EXPECTED]
    cells = np.stack([of_reference[order], of_window[order]])
    others = np.array([[reference.present], [counted.n]]) - cells.sum(axis=1, keepdims=True)
    return np.hstack([cells, others]) if others.any() else cells


def _unseen(reference: CategoryReference, counted: _Counted, share: float, window: Window, limits: Limits) -> Evidence:
    """How likely all rows of a category are in the window, times the categories there are, for the most frequent new one.

    New names are nothing new where names seldom repeat (orders, customers), and this says so: a single row of a name tells
    nothing. Where blocks are known, the share of new ones is also held against the share that each block brought.
    """
    if len(counted.new) == 0:
        return Evidence("unseen", 1.0, False)
    categories = len(reference.names) + len(counted.new)
    p = min(1.0, categories * all_in_window(int(counted.new_counts[0]), counted.n, reference.present))
    against = None if reference.blocks is None else reference.blocks.judge_last(share, counted.n, window)
    return both("unseen", p, share >= limits.unseen, against)
