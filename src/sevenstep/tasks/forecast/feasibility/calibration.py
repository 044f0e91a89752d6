"""What separates a quick measurement from a finished model: figures learnt from earlier projects, as data.

A finished run tunes, combines and learns from all rows, which no probe can do in seconds. How much that brings is an
experience, so it stands here as a table to be checked against achieved KPIs and replaced by better figures, not in the code.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BOUND_SLACK", "CALIBRATION", "CLEARLY_OUT", "INTERVAL_Z", "MOST_FROM_SERIES", "NEAR", "Calibration"]


@dataclass(frozen=True)
class Calibration:
    """Expected saving of the error from the start to a finished model.

    Args:
        gain: share of the error saved, in the middle.
        spread: standard deviation of the logarithm of (achieved / expected).
        source: what the figures were measured on.
    """

    gain: float
    spread: float
    source: str


CALIBRATION: dict[str, Calibration] = {
    "probe": Calibration(
        0.05,
        0.10,
        "17 KPIs of 8 finished projects (Rossmann, Walmart, parts of M3 and M4): the error on their folds over that expected had "
        "a geometric mean of 1.00 and a spread of 0.095 beyond its own noise",
    ),
    "rule": Calibration(
        0.20,
        0.12,
        "M4 competition: best two methods against the best simple rule, yearly 0.75, quarterly 0.81, weekly 0.76, daily 0.99, "
        "hourly 0.69 of its MASE",
    ),
}
"""By what the start was: the quick ``probe``, or a simple ``rule`` where no probe beat it."""

BOUND_SLACK = 0.30
"""A finished model may explain so much more than the quick twin, so the estimate of the noise lies so much lower.

The most seen was 23 %: a WAPE of 10.8 % was reached where the twin had 14.0 %."""

MOST_FROM_SERIES = 0.04
"""Most that is granted for learning from all series in place of the sample, as the curve is drawn far beyond its points; 3.8 %
was measured on Walmart (3,322 series in place of 400)."""

INTERVAL_Z = 1.645
"""Half-width of the reachable interval in standard deviations: nine in ten achieved values should lie inside."""

NEAR = 0.15
"""A goal up to this share beyond the optimistic end is called near."""

CLEARLY_OUT = 1.5
"""A goal so many times better than the optimistic end is out of reach."""
