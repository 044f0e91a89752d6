"""Items of one cluster (a lot) are alike: how much so, and what that does to the variance of a weighted sum of outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sevenstep.stats.scored import BoolArray, FloatArray

__all__ = ["Clusters"]

_HIGHEST = 0.9
_UPPER = 1.645


@dataclass(frozen=True)
class Clusters:
    """Clusters of rows that are sorted by them: ``starts`` is the first row of each, ``n`` the number of rows."""

    starts: NDArray[np.intp]
    n: int

    @classmethod
    def of(cls, sorted_labels: NDArray[Any]) -> Clusters:
        """From the label of each row, equal labels side by side."""
        changes = np.flatnonzero(sorted_labels[1:] != sorted_labels[:-1]) + 1
        return cls(np.concatenate([[0], changes]).astype(np.intp), len(sorted_labels))

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Rows of each cluster."""
        return np.diff(np.append(self.starts, self.n))

    @property
    def labels(self) -> NDArray[np.intp]:
        """Number of the cluster of each row."""
        return np.repeat(np.arange(len(self)), self.sizes)

    @property
    def matrix(self) -> sparse.csr_array:
        """Adds up rows by cluster, ``[clusters, n]``."""
        return sparse.csr_array((np.ones(self.n), np.arange(self.n), np.append(self.starts, self.n)), shape=(len(self), self.n))

    def sums(self, values: FloatArray) -> FloatArray:
        """Rows ``[n]`` added up by cluster."""
        added: FloatArray = np.add.reduceat(values, self.starts)
        return added

    def likeness(self, residuals: FloatArray, variances: FloatArray) -> float:
        """Correlation of two items of one cluster, from residuals ``[n]`` and their variances; 0 where it would be negative."""
        products, pairs = self._products(residuals, variances)
        return _correlation(products.sum(), pairs.sum())

    def highest_likeness(self, residuals: FloatArray, variances: FloatArray, without: BoolArray) -> float:
        """Upper 95 % limit of the correlation in those clusters that hold no item of ``without`` ``[n]``.

        For judging a single cluster by the others: it must not hide behind the spread it makes itself, and how much clusters
        differ is known only roughly.
        """
        products, pairs = self._products(residuals, variances)
        others = self.sums(without.astype(np.float64)) == 0
        products, pairs = products[others], pairs[others]
        middle = _correlation(products.sum(), pairs.sum())
        error = float(np.sqrt(((products - middle * pairs) ** 2).sum()))
        return _correlation(products.sum() + _UPPER * error, pairs.sum())

    def _products(self, residuals: FloatArray, variances: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sum of products over the pairs of items of each cluster, counted both ways, and their number."""
        standardised = residuals / np.sqrt(variances)
        return self.sums(standardised) ** 2 - self.sums(standardised**2), (self.sizes * (self.sizes - 1)).astype(np.float64)

    def variance(self, factors: FloatArray, variances: FloatArray, likeness: float) -> float:
        """Variance of ``sum factors * outcome``, the items of a cluster equally correlated."""
        scaled = factors * np.sqrt(variances)
        return float((1 - likeness) * (scaled**2).sum() + likeness * (self.sums(scaled) ** 2).sum())


def _correlation(products: float, pairs: float) -> float:
    return min(max(float(products / pairs), 0.0), _HIGHEST) if pairs else 0.0
