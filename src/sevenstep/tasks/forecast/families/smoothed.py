"""Smoothing with seasonal indices as a member: forecasts of all asked series at once, from whatever origin they are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.forecast.families.filters import smoothed
from sevenstep.tasks.forecast.families.question import Question
from sevenstep.tasks.forecast.families.regular import aligned, regular
from sevenstep.tasks.forecast.features.indices import groupings_of, own_indices, shared_indices
from sevenstep.tasks.forecast.panel import Panel

__all__ = ["FORMS", "SmoothedMember", "multiplied"]

Floats = NDArray[np.float64]

FORMS = ("adds", "multiplies", "shared")
"""Seasons of a series' own that add or multiply, or that add and are shared with the series of its group."""


@dataclass(frozen=True)
class SmoothedMember:
    """Nothing is fitted beforehand: smoothing learns as it goes along a series.

    Args:
        parameters: ``form`` (one of `FORMS`), ``trend`` (see `smoothed`), ``seasons`` in steps, ``longest`` steps of the past
            that are looked at, and ``groups``, columns of which ``shared`` takes the one that best tells which series are alike.
    """

    parameters: Mapping[str, Any]

    @property
    def method(self) -> str:
        """How it is called in explanations."""
        return f"smoothing_{self.parameters['form']}"

    def predict(self, question: Question) -> Floats:
        """Forecasts in units of the target, not below 0 where a series never was; NaN without any history."""
        asked, grid = question.asked, question.panel.exact_grid(question.target)
        result = np.full(len(asked.series), np.nan)
        for origin in np.unique(asked.origin):
            rows = np.flatnonzero(asked.origin == origin)
            lead = asked.step[rows] - origin
            past = grid[:, max(0, origin + 1 - int(self.parameters["longest"])) : origin + 1]
            wanted = np.unique(asked.series[rows])
            wanted = wanted[np.isfinite(past[wanted]).any(axis=1)]
            made = np.full((len(grid), int(lead.max())), np.nan)
            if len(wanted):
                made[wanted] = self._forecasts(past, wanted, question.panel, made.shape[1])
            result[rows] = made[asked.series[rows], lead - 1]
        return result

    def _forecasts(self, past: Floats, wanted: NDArray[np.integer], panel: Panel, horizon: int) -> Floats:
        form, trend = str(self.parameters["form"]), str(self.parameters["trend"])
        if form == "shared":
            made = self._shared(past, wanted, panel, horizon)
        else:
            filled = _filled(past[wanted])
            made = (multiplied if form == "multiplies" else _added)(filled, horizon, self.parameters["seasons"], trend)
        return np.where((np.nanmin(past[wanted], axis=1) >= 0)[:, None], np.maximum(made, 0.0), made)

    def _shared(self, past: Floats, wanted: NDArray[np.integer], panel: Panel, horizon: int) -> Floats:
        season, columns = int(self.parameters["seasons"][0]), past.shape[1]
        groupings = groupings_of(panel, self.parameters["groups"])
        indices = shared_indices(past, np.isfinite(past), season, groupings)[wanted]
        left = _filled(past[wanted] - indices[:, np.arange(columns) % season])
        ahead: Floats = indices[:, (columns + np.arange(horizon)) % season]
        return ahead + smoothed(left, horizon, self.parameters["trend"])

    def save(self, folder: Path) -> dict[str, Any]:
        """All of it is small."""
        return dict(self.parameters)

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> SmoothedMember:
        """Read back what `save` gave."""
        return cls(about)


def multiplied(filled: Floats, horizon: int, seasons: Sequence[int], trend: str) -> Floats:
    """Forecasts ``[series, lead]`` of series whose seasons multiply: smoothed on the scale of logarithms, which only series above
    0 have; in the others seasons add.

    Args:
        filled: ``[series, step]``, NaN before the first value of a series only.
        horizon: leads wanted.
        seasons: in steps.
        trend: see `smoothed`.
    """
    above = np.nanmin(filled, axis=1) > 0
    made = np.empty((len(filled), horizon))
    made[above] = np.exp(_added(np.log(filled[above]), horizon, seasons, trend))
    made[~above] = _added(filled[~above], horizon, seasons, trend)
    return made


def _added(filled: Floats, horizon: int, seasons: Sequence[int], trend: str) -> Floats:
    """Seasons taken out one after the other, the rest smoothed, and all put together again."""
    left, total = filled, np.zeros((len(filled), horizon))
    for season in seasons:
        indices = own_indices(left, int(season))
        left = left - indices[:, np.arange(left.shape[1]) % season]
        total += indices[:, (left.shape[1] + np.arange(horizon)) % season]
    return smoothed(left, horizon, trend) + total


def _filled(past: Floats) -> Floats:
    """Each series without gaps from its first value on, NaN before it; the columns stay those of ``past``."""
    known = aligned([regular(values) for values in past])
    before = np.full((len(past), past.shape[1] - known.shape[1]), np.nan)
    return np.hstack([before, known])
