"""What separates a quick measurement from a finished model: figures learnt from finished projects, as data.

A finished run searches, combines and learns from all rows, which no probe can do in seconds. How much that brings is an
experience, so it stands here as a table to be checked against achieved KPIs and replaced by better figures, not in the code.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CLEARLY_OUT", "INTERVAL_Z", "MOST_FROM_ROWS", "NEAR", "Experience", "experience_for"]


@dataclass(frozen=True)
class Experience:
    """Share of the loss that a finished model saves: in the middle, the spread of its logarithm, and where that was measured."""

    gain: float
    spread: float
    source: str


_RANKED = Experience(
    0.04, 0.04, "best published model against one boosting fit, loss 1 - AUC: adult 2.7 %, bank 2.5 %, churn 5.3 %"
)
_DECIDED = Experience(
    0.12, 0.10, "best published model against one boosting fit, loss 1 - macro F1: steel plates 22 %; ranking metrics 4 %"
)
_PICTURES = Experience(
    0.60, 0.50, "all features and all pictures against a few features of a sample, loss 1 - accuracy: surface defects of steel"
)
_NUMBERS = Experience(0.05, 0.04, "best published model against one boosting fit: California housing RMSE 4.3 %")

_KINDS = {
    "roc_auc": _RANKED, "average_precision": _DECIDED, "log_loss": _RANKED, "brier": _RANKED, "accuracy": _DECIDED,
    "balanced_accuracy": _DECIDED, "f1": _DECIDED, "macro_f1": _DECIDED, "precision": _DECIDED, "recall": _DECIDED,
    "mcc": _DECIDED, "cost_per_item": _DECIDED, "calibration_error": _DECIDED,
}  # fmt: skip


def experience_for(metric: str, *, pictures: bool) -> Experience:
    """The experience with a metric; figures of numbers where it is none of classes."""
    return _PICTURES if pictures else _KINDS.get(metric, _NUMBERS)


MOST_FROM_ROWS = 0.25
"""Most of the loss that is granted for learning from all rows in place of the sample's folds."""

INTERVAL_Z = 1.645
"""Half-width of the reachable interval in standard deviations: nine in ten achieved values should lie inside."""

NEAR = 0.15
"""A goal whose loss lies up to this share beyond the optimistic end is called near."""

CLEARLY_OUT = 1.5
"""A goal so many times nearer to perfect than the optimistic end is out of reach."""
