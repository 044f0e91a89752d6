"""Names of the rungs, and counts that people would collect."""

from __future__ import annotations

import math

__all__ = ["RUNG_NAMES", "rounded_up"]

RUNG_NAMES = {
    "majority": "Most frequent class",
    "never": "Never the positive class",
    "always": "Always the positive class",
    "prior": "Share of each class",
    "single_rule": "Single best column",
    "logistic": "Logistic regression",
    "mean": "Mean",
    "median": "Median",
    "linear": "Linear regression",
    "quick boosting": "Quick boosting",
}


def rounded_up(count: float) -> int:
    """A count to two digits, upwards: nobody collects 1,463 rows rather than 1,500."""
    unit = 10.0 ** max(math.floor(math.log10(count)) - 1, 0) if count > 0 else 1.0
    return math.ceil(count / unit - 1e-9) * int(unit)
