"""What values of a few lots are worth: parts of one lot are alike, so that many of them tell less than as many on their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevenstep.stats.control.process import sizes_of
from sevenstep.stats.scored import FloatArray

__all__ = ["Worth"]


@dataclass(frozen=True)
class Worth:
    """How many independent values (``mean``) the mean of all is worth, and degrees of freedom (``spread``) of their deviation."""

    mean: float
    spread: float

    @classmethod
    def of(cls, values: FloatArray) -> Worth:
        """Of single values ``[k]``, taken as independent, or of subgroups ``[k, m]``; NaN stands for "no value".

        From the variances between and within subgroups (one-way random effects); degrees of freedom by Satterthwaite (1946), An
        approximate distribution of estimates of variance components, Biometrics Bulletin 2.
        """
        n = float((~np.isnan(values)).sum())
        if values.ndim == 1:
            return cls(n, n - 1)
        groups = values[sizes_of(values) > 0]
        sizes, k = sizes_of(groups), len(groups)
        if n - k < 1 or k < 2:
            return cls(n, n - 1)
        between, within = _components(groups, sizes)
        if between <= 0:
            return cls(n, n - 1)
        total = between + within
        mean = total / (between * float((sizes**2).sum()) / n**2 + within / n)
        return cls(min(mean, n), min(total**2 / (between**2 / (k - 1) + within**2 / (n - k)), n - 1))


def _components(groups: FloatArray, sizes: FloatArray) -> tuple[float, float]:
    """Variance between and within subgroups, from the analysis of variance; the first may come out negative."""
    n, k = sizes.sum(), len(groups)
    means = np.nansum(groups, axis=1) / sizes
    within = float(np.nansum((groups - means[:, None]) ** 2) / (n - k))
    about = float((sizes * (means - np.nansum(groups) / n) ** 2).sum() / (k - 1))
    typical = (n - float((sizes**2).sum()) / n) / (k - 1)
    return (about - within) / typical, within
