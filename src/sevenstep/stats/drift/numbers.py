"""How far a window of numbers lies from its reference: one sort, then everything is read off the stored points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sevenstep.stats.drift.blocks import Window
from sevenstep.stats.drift.found import Drifted, Evidence, Limits
from sevenstep.stats.drift.independent import FEW, Numbers, all_in_window, ks_p, ks_p_of_few
from sevenstep.stats.drift.judged import distribution, missing, said, size_of
from sevenstep.stats.drift.reference import NumberReference, in_front
from sevenstep.stats.drift.stability import stability_index
from sevenstep.stats.scored import FloatArray

__all__ = ["Ordered", "check_numbers"]

_FACTORS = (10.0, 100.0, 1000.0, 0.1, 0.01, 0.001)


@dataclass(frozen=True)
class Ordered:
    """A window's values in rising order, NaN left out, in the precision they are compared in."""

    values: Numbers
    missing: int

    @classmethod
    def of(cls, values: npt.NDArray[Any], single: bool) -> Ordered:
        """Sort a copy; NaN comes last and is cut off."""
        ordered = np.sort(values.astype(np.float32 if single or values.dtype == np.float32 else np.float64, copy=False))
        n = int(np.searchsorted(ordered, np.inf, side="right"))
        return cls(ordered[:n], len(values) - n)

    def __len__(self) -> int:
        return len(self.values)

    def shares(self, points: FloatArray, slack: float = 0.0) -> tuple[FloatArray, FloatArray]:
        """Shares of values below each point and up to it, which is widened by ``slack`` of its size."""
        reach = slack * np.where(np.isfinite(points), np.abs(points), 0.0)
        low, high = ((points + side * reach).astype(self.values.dtype) for side in (-1, 1))
        below, up_to = np.searchsorted(self.values, low, side="left"), np.searchsorted(self.values, high, side="right")
        return below / len(self), up_to / len(self)

    def distance(self, reference: NumberReference, factor: float = 1.0) -> float:
        """Kolmogorov-Smirnov distance when the window is divided by ``factor``.

        Both distribution functions are known on either side of each point. Where all values of the reference are points it is
        exact, as between them the reference does not rise; otherwise at most `NumberReference.unsure` too small.
        """
        slack = 0.0 if factor == 1.0 else 8 * float(np.finfo(self.values.dtype).eps)
        below, up_to = self.shares(reference.points * factor, slack)
        reference_below, reference_up_to = (self._told(reference, side) for side in ("below", "up_to"))
        return float(max(np.abs(below - reference_below).max(), np.abs(up_to - reference_up_to).max()))

    def _told(self, reference: NumberReference, side: str) -> FloatArray:
        """Shares of the reference below or up to its points; points that are one in single precision have one share."""
        counts: FloatArray = getattr(reference, side)
        if self.values.dtype == np.float32 and not reference.single:
            points = reference.points.astype(np.float32)
            nearest = np.searchsorted(points, points, side="left" if side == "below" else "right")
            counts = counts[nearest if side == "below" else nearest - 1]
        return counts / reference.present

    def p(self, reference: NumberReference, distance: float) -> float:
        """P value of the distance for independent rows: exact where there are few, and where all values are known."""
        if len(self) * reference.present <= FEW and reference.unsure == 0.0:
            repeats = (reference.up_to - reference.below).astype(np.intp)
            return ks_p_of_few(self.values, np.repeat(reference.points.astype(self.values.dtype), repeats))
        return ks_p(distance, len(self), reference.present)


def check_numbers(reference: NumberReference, values: npt.NDArray[Any], window: Window, limits: Limits) -> Drifted:
    """Compare a window of numbers with its reference; see `sevenstep.stats.drift.check`."""
    ordered = Ordered.of(values, reference.single)
    evidence = missing(reference, ordered.missing, window, limits)
    told = said(reference, len(values), ordered.missing, window)
    if len(ordered) == 0 or reference.present == 0:
        return Drifted(tuple(evidence), **told)
    distance = ordered.distance(reference)
    counts = in_front(ordered.values, reference.cuts, reference.strict)
    psi = stability_index(_bins(reference.cut_counts, reference.present), _bins(counts, len(ordered)))
    p = ordered.p(reference, distance)
    evidence.append(distribution(reference.blocks, p, (psi, distance), counts / len(ordered), len(ordered), window, limits))
    if reference.blocks is None:  # of blocks in time every new one may go beyond the others: no evidence, whatever the share
        evidence.append(_outside(reference, ordered, limits))
    return Drifted(
        tuple(evidence),
        **told,
        psi=psi,
        distance=distance,
        unsure=reference.unsure,
        size=size_of(psi, distance, limits),
        shift=_shift(reference, ordered.values),
        scale=_scale(reference, ordered, distance, limits),
        outside=sum(_outside_counts(reference, ordered)) / len(ordered),
    )


def _bins(in_front: FloatArray, n: int) -> FloatArray:
    return np.diff(in_front, prepend=0.0, append=float(n))


def _outside_counts(reference: NumberReference, ordered: Ordered) -> tuple[int, int]:
    """Values smaller, and larger, than any of the reference."""
    smallest, largest = reference.points[[0, -1]].astype(ordered.values.dtype)
    below = int(np.searchsorted(ordered.values, smallest, side="left"))
    return below, len(ordered) - int(np.searchsorted(ordered.values, largest, side="right"))


def _outside(reference: NumberReference, ordered: Ordered, limits: Limits) -> Evidence:
    """How likely the window holds so many of the largest, or of the smallest, values of both."""
    below, above = _outside_counts(reference, ordered)
    p = min(1.0, 2 * all_in_window(max(below, above), len(ordered), reference.present))
    return Evidence("outside", p, below + above >= limits.outside * len(ordered))


def _shift(reference: NumberReference, values: Numbers) -> float | None:
    """Of the mean, in standard deviations of the reference; None where either is not finite or the deviation is 0."""
    if not (np.isfinite(values[0]) and np.isfinite(values[-1]) and 0 < reference.deviation < np.inf):
        return None
    return (float(values.mean(dtype=np.float64)) - reference.mean) / reference.deviation


def _scale(reference: NumberReference, ordered: Ordered, distance: float, limits: Limits) -> float | None:
    """The power of ten that the window has to be divided by to look like the reference, where it does not as it is."""
    moderate, large = limits.distance
    if distance < large:
        return None
    rests = {factor: ordered.distance(reference, factor) for factor in _FACTORS}
    best = min(rests, key=rests.__getitem__)
    return best if rests[best] <= min(moderate, distance / 2) else None
