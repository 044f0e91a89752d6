"""How rows make the points of a control chart: neighbouring rows, or whole lots in the order in which they began."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sevenstep.stats.scored import FloatArray

__all__ = ["Subgroups"]


@dataclass(frozen=True)
class Subgroups:
    """Rows in subgroups, one point each.

    Args:
        order: positions of the rows, those of a subgroup side by side; rows that fill no subgroup yet are left out.
        bounds: where in ``order`` each subgroup begins, and the end of the last one.
        size: rows of a subgroup; of whole lots the least a subgroup has.
        lots: whether subgroups are whole lots.
    """

    order: NDArray[np.intp]
    bounds: NDArray[np.intp]
    size: int
    lots: bool

    @classmethod
    def of_rows(cls, rows: int, size: int) -> Subgroups:
        """``size`` neighbouring rows to a subgroup; rows left over at the end wait for more."""
        points = rows // size
        return cls(np.arange(points * size), np.arange(points + 1) * size, size, lots=False)

    @classmethod
    def of_lots(cls, lots: NDArray[np.int64], least: int) -> Subgroups:
        """Whole lots, from the label of each row; lots that follow one another join until they have ``least`` rows."""
        _, first, place = np.unique(lots, return_index=True, return_inverse=True)
        rank = np.argsort(np.argsort(first))[place]
        counts = np.bincount(rank)
        ends, held = [0], 0
        for end, count in zip(np.cumsum(counts).tolist(), counts.tolist(), strict=True):
            held += count
            if held >= least:
                ends.append(end)
                held = 0
        return cls(np.argsort(rank, kind="stable")[: ends[-1]], np.array(ends), least, lots=True)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Rows of each subgroup, ``[k]``."""
        return np.diff(self.bounds)

    @property
    def starts(self) -> list[int]:
        """Position of the first row of each subgroup."""
        return [int(start) for start in self.order[self.bounds[:-1]]]

    def matrix(self, values: FloatArray) -> FloatArray:
        """Values of rows as ``[k, m]``, with NaN where a subgroup has fewer than the largest one."""
        if not len(self):
            return np.empty((0, max(self.size, 1)))
        sizes = self.sizes
        groups = np.full((len(self), int(sizes.max())), np.nan)
        groups[np.arange(groups.shape[1]) < sizes[:, None]] = values[self.order]
        return groups
