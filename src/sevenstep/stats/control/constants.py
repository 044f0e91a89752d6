"""The constants of control charts, computed: what ASTM and NIST print to three or four digits, for any subgroup size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

__all__ = ["ControlConstants", "c4", "constants", "d2", "d3"]

_REACH = 12.0  # beyond it a normal density is below 1e-31
_NORMAL_POINTS = 481
_RANGE_POINTS = 200


@dataclass(frozen=True)
class ControlConstants:
    """The constants of one subgroup size ``n``, under the names of ASTM E2587 and of every handbook.

    Limits of means are ``mean +- A2 R`` and ``mean +- A3 S`` (R mean range, S mean standard deviation), of individual values
    ``mean +- E2 R``, of ranges ``D3 R`` to ``D4 R``, of standard deviations ``B3 S`` to ``B4 S``. ``c4``, ``d2`` and ``d3``
    are the mean of S, the mean of R and the standard deviation of R in samples of a normal distribution of standard deviation 1.
    """

    n: int
    A2: float
    A3: float
    B3: float
    B4: float
    c4: float
    d2: float
    d3: float
    D3: float
    D4: float
    E2: float


def c4(n: int) -> float:
    """Mean of the standard deviation of ``n`` standard normal values, ``sqrt(2 / (n - 1)) gamma(n / 2) / gamma((n - 1) / 2)``.

    Raises:
        ValueError: when ``n`` is below 2.
    """
    _check(n)
    return float(np.sqrt(2 / (n - 1)) * np.exp(special.gammaln(n / 2) - special.gammaln((n - 1) / 2)))


def d2(n: int) -> float:
    """Mean of the range of ``n`` standard normal values; raises ValueError when ``n`` is below 2."""
    return _range_moments(n)[0]


def d3(n: int) -> float:
    """Standard deviation of the range of ``n`` standard normal values; raises ValueError when ``n`` is below 2."""
    return _range_moments(n)[1]


def constants(n: int) -> ControlConstants:
    """All constants of subgroups of ``n`` values, 2 or more; raises ValueError below."""
    mean, deviation, of_deviations = d2(n), d3(n), c4(n)
    root, spread = np.sqrt(n), float(np.sqrt(1 - of_deviations**2))
    return ControlConstants(
        n=n,
        A2=float(3 / (mean * root)),
        A3=float(3 / (of_deviations * root)),
        B3=max(0.0, 1 - 3 * spread / of_deviations),
        B4=1 + 3 * spread / of_deviations,
        c4=of_deviations,
        d2=mean,
        d3=deviation,
        D3=max(0.0, 1 - 3 * deviation / mean),
        D4=1 + 3 * deviation / mean,
        E2=3 / mean,
    )


def _check(n: int) -> None:
    if n < 2:
        raise ValueError(f"subgroups of {n} have no spread; their size must be 2 or more")


@lru_cache(maxsize=256)
def _range_moments(n: int) -> tuple[float, float]:
    """Mean and standard deviation of the range R of ``n`` standard normal values.

    ``P(R > r) = 1 - n integral phi(x) (Phi(x + r) - Phi(x))^(n-1) dx`` (Tippett 1925), ``E R = integral P(R > r) dr`` and
    ``E R^2 = 2 integral r P(R > r) dr``. The trapezoidal rule converges exponentially for the inner integral, whose integrand is
    smooth and vanishes at both ends; the outer one is Gauss and Legendre's.
    """
    _check(n)
    x = np.linspace(-_REACH, _REACH, _NORMAL_POINTS)
    nodes, weights = np.polynomial.legendre.leggauss(_RANGE_POINTS)
    ranges, weights = _REACH * (nodes + 1), _REACH * weights
    between = special.ndtr(x + ranges[:, None]) - special.ndtr(x)
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    beyond = 1 - n * (density * between ** (n - 1)).sum(axis=1) * (x[1] - x[0])
    mean = float(weights @ beyond)
    return mean, float(np.sqrt(2 * weights @ (ranges * beyond) - mean**2))
