"""How well probabilities rank: the receiver operating characteristic, and precision against recall."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.chapter import Block, Figure
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.tabular.pictures.decisions import Decisions

__all__ = ["ranking_figures"]

_POINTS, _MOST_CLASSES = 60, 7
Floats = NDArray[np.float64]


def ranking_figures(decisions: Decisions) -> Iterator[Block]:
    """Both curves, of the positive class of two, of each of more (the most frequent seven)."""
    places = _shown(decisions)
    if not places:
        return
    yield _characteristic(decisions, places)
    yield _precision(decisions, places)


def _shown(decisions: Decisions) -> list[int]:
    """Classes that some rows have and others have not."""
    counts = np.bincount(decisions.truth, minlength=len(decisions.classes))
    places = [1] if decisions.problem.binary else np.argsort(-counts, kind="stable")[:_MOST_CLASSES].tolist()
    return [int(place) for place in places if 0 < counts[place] < len(decisions.truth)]


def _characteristic(decisions: Decisions, places: list[int]) -> Figure:
    rows: list[dict[str, Any]] = []
    for place in places:
        alarms, hits, misses = _counts(decisions, place)
        named = f"{decisions.classes[place]} ({_value('roc_auc', decisions, place):.3f})"
        rows += _line(alarms / max(alarms[-1], 1), hits / max(misses, 1), named)
    rows += [{"x": 0.0, "y": 0.0, "group": "guessing"}, {"x": 1.0, "y": 1.0, "group": "guessing"}]
    caption = "Share of the rows of a class that are found against the share of others alarmed; the area under it in brackets."
    return Figure("Found against false alarms (ROC)", "line", rows, "false alarms, share of the others", "found", "number",
                  "percent", caption=caption)  # fmt: skip


def _precision(decisions: Decisions, places: list[int]) -> Figure:
    rows: list[dict[str, Any]] = []
    for place in places:
        alarms, hits, all_ = _counts(decisions, place)
        said = alarms + hits
        known = said > 0
        named = f"{decisions.classes[place]} ({_value('average_precision', decisions, place):.3f})"
        rows += _line(hits[known] / max(all_, 1), hits[known] / said[known], named)
    share = float((decisions.truth == 1).mean()) if decisions.problem.binary else None
    caption = "Share right among those decided for a class against the share of the class found; average precision in brackets."
    return Figure("Right against found (precision and recall)", "line", rows, "found (recall)", "right (precision)", "number",
                  "percent", goal=share, goal_label="" if share is None else "guessing", caption=caption)  # fmt: skip


def _counts(decisions: Decisions, place: int) -> tuple[Floats, Floats, int]:
    """False alarms and hits at every threshold, from the strictest on, and all rows of the class."""
    score, own = decisions.probability[:, place], decisions.truth == place
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    hits = np.concatenate([[0.0], np.cumsum(own[order])[ends]])
    return np.concatenate([[0.0], ends + 1.0]) - hits, hits, int(own.sum())


def _line(x: Floats, y: Floats, group: str) -> list[dict[str, Any]]:
    """At most sixty points of a curve, at even steps along it."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    wanted = np.linspace(0.0, length[-1], _POINTS)
    kept = np.unique(np.clip(np.searchsorted(length, wanted), 0, len(x) - 1))
    return [{"x": round(float(x[place]), 5), "y": round(float(y[place]), 5), "group": group} for place in kept]


def _value(metric: str, decisions: Decisions, place: int) -> float:
    rows = Scored.of((decisions.truth == place).astype(np.float64), decisions.probability[:, place])
    return METRICS[metric].value(rows)
