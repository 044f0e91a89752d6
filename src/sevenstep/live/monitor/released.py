"""What a release was judged on before it served: the yardstick that live rows are held against."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from sevenstep.engine.store import Store
from sevenstep.live.collected import Collected, collected
from sevenstep.live.monitor.daily import windows
from sevenstep.live.operation import Operation
from sevenstep.live.releases import Release
from sevenstep.tasks.scoretable import CLASS_COLUMNS, CORE_COLUMNS, HARDNESS

__all__ = ["NEAR", "Released"]

NEAR = 7
"""Lead at which forecasts are watched, where the horizon is not shorter: near enough to be used, far enough to show a shift."""

_LONGEST = 14  # days of a window of live rows at most
_LEADS = (1, 2, 3, 14, 28)
_MOST_READ = 2  # releases kept at hand: the champion, and the one before or after it


@dataclass(frozen=True)
class Released:
    """The champion with its own out-of-fold scores.

    Args:
        release: which release.
        scores: of its final model, out of fold; None where the store no longer has them.
        collected: the data set it learnt from.
    """

    release: Release
    scores: pl.DataFrame | None
    collected: Collected

    @classmethod
    def of(cls, operation: Operation, release: Release) -> Released:
        """Read what the run of a release left, once in a process, as it never changes; raises InputError as `collected` does."""
        place = operation.store, release.number, json.dumps(release.manifest["files"], sort_keys=True)
        known = _READ.get(place)
        if known is None:
            tune = Store(operation.store).find(str(release.manifest.get("model", ""))) if release.manifest.get("model") else None
            known = cls(release, None if tune is None else tune.frame("scores"), collected(operation.store, release))
            if known.scores is not None:
                _READ[place] = known
            while len(_READ) > _MOST_READ:
                del _READ[next(iter(_READ))]
        return known

    @cached_property
    def horizon(self) -> int:
        """Longest lead it was judged at; 0 where time plays no part."""
        longest = None if self.scores is None else self.scores["lead"].max()
        return int(longest) if isinstance(longest, int) else 0

    @property
    def lead(self) -> int:
        """The lead that is watched."""
        return min(NEAR, max(self.horizon, 1))

    @property
    def leads(self) -> list[int]:
        """The leads that figures are told of."""
        return sorted({lead for lead in (*_LEADS, self.lead, self.horizon) if 0 < lead <= max(self.horizon, 1)})

    @property
    def window(self) -> int:
        """Days of live rows a KPI is told over: so many that the scores of the release hold several such windows."""
        return min(_LONGEST, max(self.horizon // 2, min(NEAR, max(self.horizon, 1))))

    @cached_property
    def segments(self) -> list[str]:
        """Segment columns that tell groups of series apart, rather than kinds of days."""
        if self.scores is None:
            return []
        there = [name for name in self.collected.roles.segments if name in self.sliced]
        spread = self.scores.group_by("cluster").agg(pl.col(name).n_unique() for name in there)
        return [name for name in there if spread[name].max() == 1]

    @property
    def sliced(self) -> list[str]:
        """All columns its scores can be sliced by."""
        known = (*CORE_COLUMNS, *CLASS_COLUMNS, HARDNESS)
        return [] if self.scores is None else [name for name in self.scores.columns if name not in known]

    @cached_property
    def windows(self) -> Mapping[str, Sequence[pl.DataFrame]]:
        """Its scores of each target in windows as long as those of live rows; none where time plays no part."""
        if self.scores is None or not self.horizon:
            return {}
        parts = self.scores.partition_by("target", as_dict=True)
        return {str(target): windows(part, self.window) for (target,), part in parts.items()}

    def of_target(self, target: str) -> pl.DataFrame | None:
        """Its scores of one target; None where there are none."""
        found = None if self.scores is None else self.scores.filter(pl.col("target") == target)
        return None if found is None or found.is_empty() else found


_READ: dict[tuple[Path, int, str], Released] = {}
