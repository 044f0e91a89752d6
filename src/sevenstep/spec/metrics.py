"""What the spec must know of a metric to judge a goal: which way is better, and whether it takes weights.

Names only: the room ``stats`` computes them. A metric a third-party task declares and this table lacks is accepted with a goal in
either direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["METRICS", "MetricSense", "metric_sense"]


@dataclass(frozen=True)
class MetricSense:
    """Which values of a metric are better.

    Args:
        direction: ``lower`` (an error), ``higher`` (a share of right answers) or ``target`` (best at ``ideal``, so that a
            goal may bound it from either side).
        ideal: the best value.
        takes_weights: whether a KPI may give ``weights`` with it.
        share: whether it is a share, so that a goal of 20 is most likely meant as 0.20.
    """

    direction: Literal["lower", "higher", "target"]
    ideal: float
    takes_weights: bool = False
    share: bool = False


_ERROR = MetricSense("lower", 0.0)
_SHARE = MetricSense("lower", 0.0, share=True)
_RIGHT = MetricSense("higher", 1.0, share=True)

METRICS: dict[str, MetricSense] = {
    "wape": _SHARE,
    "mae": _ERROR,
    "rmse": _ERROR,
    "rmspe": _SHARE,
    "mape": _SHARE,
    "smape": _ERROR,
    "mase": _ERROR,
    "rmsse": _ERROR,
    "wmae": MetricSense("lower", 0.0, takes_weights=True),
    "bias": MetricSense("target", 0.0, share=True),
    "pinball": _ERROR,
    "coverage_80": MetricSense("target", 0.80, share=True),
    "coverage_95": MetricSense("target", 0.95, share=True),
    "msis": _ERROR,
    "rmsle": _ERROR,
    "r2": MetricSense("higher", 1.0),
    "accuracy": _RIGHT,
    "balanced_accuracy": _RIGHT,
    "f1": _RIGHT,
    "macro_f1": _RIGHT,
    "precision": _RIGHT,
    "recall": _RIGHT,
    "mcc": MetricSense("higher", 1.0),
    "roc_auc": _RIGHT,
    "average_precision": _RIGHT,
    "log_loss": _ERROR,
    "brier": _ERROR,
    "calibration_error": _SHARE,
    "cost_per_item": _ERROR,
    "set_coverage_80": MetricSense("target", 0.80, share=True),
    "set_coverage_95": MetricSense("target", 0.95, share=True),
    "ndcg@k": _RIGHT,
    "recall@k": _RIGHT,
    "precision@k": _RIGHT,
    "mrr@k": _RIGHT,
    "map@k": _RIGHT,
    "hit@k": _RIGHT,
    "answer_f1": _RIGHT,
    "exact_match": _RIGHT,
    "groundedness": _RIGHT,
    "judged_groundedness": _RIGHT,
    "abstention_error": _SHARE,
    "latency_ms": _ERROR,
    "cost_usd": _ERROR,
}


def metric_sense(metric: str) -> MetricSense | None:
    """The sense of ``metric`` (``recall@5`` is looked up as ``recall@k``), or None when this table lacks it."""
    name, at, _ = metric.partition("@")
    return METRICS.get(f"{name}@k" if at else name)
