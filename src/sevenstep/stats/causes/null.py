"""What the causes found so far explain: the model that a further cause has to add to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevenstep.stats.causes.clustering import Clusters
from sevenstep.stats.scored import BoolArray, FloatArray

__all__ = ["Null"]


@dataclass(frozen=True)
class Null:
    """A model fitted without the causes that are still to be judged; rows are sorted by cluster.

    Args:
        fitted: what the model expects of each item, ``[n]``.
        residuals: outcome less ``fitted``.
        variances: of each item's outcome.
        inputs: constant and design of the model, ``[n, k]``.
        inverse: of the inputs' products, weighted by the variances.
        likeness: correlation of two items of one cluster.
    """

    fitted: FloatArray
    residuals: FloatArray
    variances: FloatArray
    inputs: FloatArray
    inverse: FloatArray
    likeness: float

    @classmethod
    def of(cls, outcome: FloatArray, fitted: FloatArray, variances: FloatArray, design: FloatArray, clusters: Clusters) -> Null:
        """From an outcome and what a model on ``design`` ``[n, k]`` expects of it."""
        inputs, residuals = np.column_stack([np.ones(len(outcome)), design]), outcome - fitted
        inverse = np.asarray(np.linalg.pinv((inputs * variances[:, None]).T @ inputs), np.float64)
        return cls(fitted, residuals, variances, inputs, inverse, clusters.likeness(residuals, variances))

    def freed(self, exposed: BoolArray) -> FloatArray:
        """A look ``[n]`` less what the model's inputs tell of it."""
        weighted = (self.inputs * self.variances[:, None])[exposed].sum(axis=0)
        return np.asarray(exposed - self.inputs @ (self.inverse @ weighted), np.float64)
