"""What a KPI asks for: its target and its goal in words, which one leads the search, and what candidates are compared on for it.

One rule for feasibility, search and calibration.
"""

from __future__ import annotations

from collections.abc import Sequence

from sevenstep.spec.model import Kpi
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.wording import goal_text
from sevenstep.tasks.scoretable import BOUNDS

__all__ = ["goal_of", "leading_kpi", "leading_metric", "target_of"]


def target_of(kpi: Kpi, targets: Sequence[str]) -> str:
    """The target a KPI is measured on: its own, or the first of the spec."""
    return kpi.target or (targets[0] if targets else "")


def goal_of(kpi: Kpi) -> str:
    """The goal of a KPI as people write it: ``≤ 8.50 %``."""
    return goal_text(kpi.goal.operator, kpi.goal.value, kpi.metric)


def leading_kpi(kpis: Sequence[Kpi], target: str, targets: Sequence[str]) -> Kpi | None:
    """The KPI that leads the search for a target: the first one measured on it, those that need bounds last.

    Candidates have no bounds yet when they are compared.
    """
    own = [kpi for kpi in kpis if target_of(kpi, targets) == target]
    return min(own, key=_needs_bounds, default=None)


def leading_metric(kpi: Kpi) -> str:
    """What candidates are compared on for a KPI: its metric, or, where that needs bounds, which are made last, how near
    predictions come: by the log loss of classes, by the mean absolute error of numbers.
    """
    if not _needs_bounds(kpi):
        return kpi.metric
    return "log_loss" if "label" in METRICS[kpi.metric].needs else "mae"


def _needs_bounds(kpi: Kpi) -> bool:
    return kpi.metric in METRICS and not set(BOUNDS).isdisjoint(METRICS[kpi.metric].needs)
