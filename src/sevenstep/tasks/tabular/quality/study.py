"""The quality of a data set, put together: what the third chapter shows, and what monitoring goes on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats

from sevenstep.data.dataset import Dataset
from sevenstep.stats.causes import Ranking
from sevenstep.stats.control.capability import LEAST, Capability, Specification, capability
from sevenstep.tasks.tabular.quality.charted import Charted, chart_number, chart_rate
from sevenstep.tasks.tabular.quality.ordered import Ordered
from sevenstep.tasks.tabular.quality.suspects import find_causes

__all__ = ["QualityStudy", "study_quality"]

_MOST_CHARTS = 4


@dataclass(frozen=True)
class QualityStudy:
    """What the quality tools found.

    Args:
        ordered: the rows they looked at.
        charted: control charts, the target's first; none where rows have no time.
        able: capability by column that has limits in the spec.
        ranking: ranked causes of a defect, or None where the target is a number or defects are too few.
    """

    ordered: Ordered
    charted: tuple[Charted, ...]
    able: Mapping[str, Capability]
    ranking: Ranking | None

    def settings(self) -> list[dict[str, Any]]:
        """Frozen limits of every stable chart as JSON values, for `watch.watch_blocks` to go on with after release."""
        return [asdict(one.settings) for one in self.charted if one.baseline is not None and one.baseline.stable]


def study_quality(data: Dataset, limits: Mapping[str, Specification], seed: int) -> QualityStudy:
    """Chart the target and the inputs that matter most, judge inputs by their limits, and rank causes of a defect.

    Args:
        data: the data set; charts need a time.
        limits: specification limits by column; only numbers among them are judged.
        seed: of what is drawn at random.
    """
    ordered = Ordered.of(data)
    ranking = find_causes(ordered, seed)
    return QualityStudy(ordered, tuple(_charts(ordered, ranking, limits)), _capabilities(ordered, limits), ranking)


def _charts(ordered: Ordered, ranking: Ranking | None, limits: Mapping[str, Specification]) -> list[Charted]:
    if ordered.time is None:
        return []
    target = ordered.problem.target
    if ordered.defect is None:
        first = chart_number(target, ordered.values)
    else:
        first = chart_rate(target, f"share of rows where {ordered.defect_text}", ordered.defects)
    charts = [chart_number(name, ordered.columns.numbers(name)) for name in _most_important(ordered, ranking, limits)]
    return [chart for chart in (first, *charts) if chart is not None]


def _most_important(ordered: Ordered, ranking: Ranking | None, limits: Mapping[str, Specification]) -> list[str]:
    """Numbers that are ranked causes, then those with limits, then those that go most with the target."""
    causes = [column for cause in (ranking.causes if ranking else ()) for column in cause.columns]
    strength = {name: _strength(ordered, name) for name in ordered.numbers}
    rest = sorted(strength, key=lambda name: (-strength[name], name))
    named = [name for name in (*causes, *limits, *rest) if name in strength]
    return list(dict.fromkeys(named))[:_MOST_CHARTS]


def _strength(ordered: Ordered, name: str) -> float:
    """Rank correlation with the target (with being a defect, of classes), regardless of its sign."""
    values = ordered.columns.numbers(name)
    target = ordered.values if ordered.defect is None else ordered.defects
    known = ~np.isnan(values)
    if known.sum() < LEAST or np.ptp(values[known]) == 0 or np.ptp(target[known]) == 0:
        return 0.0
    return abs(float(stats.spearmanr(values[known], target[known]).statistic))


def _capabilities(ordered: Ordered, limits: Mapping[str, Specification]) -> dict[str, Capability]:
    values = {name: _numbers(ordered, name) for name in limits if name in (*ordered.numbers, ordered.problem.target)}
    return {name: capability(known, limits[name]) for name, known in values.items() if _enough(known)}


def _numbers(ordered: Ordered, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if name == ordered.problem.target:
        return ordered.values if ordered.defect is None else np.empty(0)
    return ordered.columns.numbers(name)


def _enough(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    known = values[~np.isnan(values)]
    steps = np.abs(np.diff(values))
    return len(known) >= LEAST and float(np.ptp(known)) > 0 and bool((steps[~np.isnan(steps)] > 0).any())
