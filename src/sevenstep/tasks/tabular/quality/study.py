"""The quality of a data set, put together: what the third chapter shows, and what monitoring goes on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from sevenstep.data.dataset import Dataset
from sevenstep.stats.causes import Ranking
from sevenstep.stats.control.capability import LEAST, Capability, capability
from sevenstep.stats.control.process import deviations_of, sizes_of
from sevenstep.stats.control.specification import Specification
from sevenstep.stats.scored import FloatArray
from sevenstep.tasks.tabular.quality.charted import Charted, chart_number, chart_rate
from sevenstep.tasks.tabular.quality.ordered import Ordered
from sevenstep.tasks.tabular.quality.subgroups import Subgroups
from sevenstep.tasks.tabular.quality.suspects import find_causes

__all__ = ["QualityStudy", "study_quality"]

_MOST_CHARTS = 4


@dataclass(frozen=True)
class QualityStudy:
    """What the quality tools found.

    Args:
        ordered: the rows they looked at.
        charted: control charts, the target's first; none where rows have no time.
        able: capability by column that has a tolerance in the spec.
        tolerances: the tolerances of those columns.
        ranking: ranked causes of a defect, or of a number being higher or lower; None where there are too few rows to tell.
    """

    ordered: Ordered
    charted: tuple[Charted, ...]
    able: Mapping[str, Capability]
    tolerances: Mapping[str, Specification]
    ranking: Ranking | None

    def settings(self) -> list[dict[str, Any]]:
        """Frozen limits of every stable chart as JSON values, for `watch.watch_blocks` to go on with after release."""
        return [asdict(one.settings) for one in self.charted if one.baseline is not None and one.baseline.stable]


def study_quality(data: Dataset, tolerances: Mapping[str, Specification], seed: int) -> QualityStudy:
    """Chart the target and the inputs that matter most, judge numbers by their tolerances, and rank causes.

    Args:
        data: the data set; charts need a time.
        tolerances: specification by column; without one nothing is said about capability.
        seed: of what is drawn at random.
    """
    ordered = Ordered.of(data)
    ranking = find_causes(ordered, seed)
    able = _capabilities(ordered, tolerances)
    return QualityStudy(ordered, tuple(_charts(ordered, ranking, tolerances)), able, dict(tolerances), ranking)


def _charts(ordered: Ordered, ranking: Ranking | None, tolerances: Mapping[str, Specification]) -> list[Charted]:
    if ordered.time is None:
        return []
    target = ordered.problem.target
    lots = ordered.lots
    if ordered.defect is None:
        first = chart_number(target, ordered.values, lots)
    else:
        first = chart_rate(target, f"share of rows where {ordered.defect_text}", ordered.defects, lots)
    important = _most_important(ordered, ranking, tolerances)
    charts = [chart_number(name, ordered.columns.numbers(name), lots) for name in important]
    return [chart for chart in (first, *charts) if chart is not None]


def _most_important(ordered: Ordered, ranking: Ranking | None, tolerances: Mapping[str, Specification]) -> list[str]:
    """Numbers that are ranked causes, then those with a tolerance, then those that go most with the target."""
    causes = [column for cause in (ranking.causes if ranking else ()) for column in cause.columns]
    strength = {name: _strength(ordered, name) for name in ordered.numbers}
    rest = sorted(strength, key=lambda name: (-strength[name], name))
    named = [name for name in (*causes, *tolerances, *rest) if name in strength]
    return list(dict.fromkeys(named))[:_MOST_CHARTS]


def _strength(ordered: Ordered, name: str) -> float:
    """Rank correlation with the target (with being a defect, of classes), regardless of its sign."""
    values = ordered.columns.numbers(name)
    target = ordered.values if ordered.defect is None else ordered.defects
    known = ~np.isnan(values)
    if known.sum() < LEAST or np.ptp(values[known]) == 0 or np.ptp(target[known]) == 0:
        return 0.0
    return abs(float(stats.spearmanr(values[known], target[known]).statistic))


def _capabilities(ordered: Ordered, tolerances: Mapping[str, Specification]) -> dict[str, Capability]:
    values = {name: _numbers(ordered, name) for name in tolerances}
    grouped = {name: _by_group(ordered, known) for name, known in values.items() if known is not None and _enough(known)}
    return {name: capability(known, tolerances[name]) for name, known in grouped.items()}


def _numbers(ordered: Ordered, name: str) -> FloatArray | None:
    """The column as numbers; None where it is not among the columns that are read."""
    if name == ordered.problem.target and ordered.defect is None:
        return ordered.values
    if name in ordered.numbers:
        return ordered.columns.numbers(name)
    numeric = name in ordered.rows.columns and ordered.rows[name].dtype.is_numeric()
    return ordered.rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() if numeric else None


def _by_group(ordered: Ordered, values: FloatArray) -> FloatArray:
    """In subgroups where the spec names groups and enough of them have several values, else one by one in order of time."""
    clusters = ordered.clusters
    if clusters is None:
        return values[~np.isnan(values)]
    groups = Subgroups.of_lots(clusters, 1).matrix(values)
    several = sizes_of(groups) > 1
    return groups if several.sum() > 1 and (deviations_of(groups)[several] > 0).any() else values[~np.isnan(values)]


def _enough(values: FloatArray) -> bool:
    known = values[~np.isnan(values)]
    return len(known) >= LEAST and float(np.ptp(known)) > 0
