"""Smoothing with seasonal indices as a member: forecasts of all asked series at once, from whatever origin they are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.forecast.families.question import Question
from sevenstep.tasks.forecast.features.filters import smoothed
from sevenstep.tasks.forecast.features.indices import groupings_of, shared_indices
from sevenstep.tasks.forecast.features.smoothing import added, filled, from_each_origin, multiplied
from sevenstep.tasks.forecast.panel import Panel

__all__ = ["FORMS", "SmoothedMember"]

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
        grid, asked = question.panel.exact_grid(question.target), question.asked
        return from_each_origin(
            grid, asked, int(self.parameters["longest"]), 1, lambda *known: self._forecasts(question.panel, *known)
        )

    def _forecasts(self, panel: Panel, past: Floats, wanted: NDArray[np.integer], horizon: int) -> Floats:
        form, trend = str(self.parameters["form"]), str(self.parameters["trend"])
        if form == "shared":
            return self._shared(past, wanted, panel, horizon)
        return (multiplied if form == "multiplies" else added)(filled(past[wanted]), horizon, self.parameters["seasons"], trend)

    def _shared(self, past: Floats, wanted: NDArray[np.integer], panel: Panel, horizon: int) -> Floats:
        season, columns = int(self.parameters["seasons"][0]), past.shape[1]
        groupings = groupings_of(panel, self.parameters["groups"])
        indices = shared_indices(past, np.isfinite(past), season, groupings)[wanted]
        left = filled(past[wanted] - indices[:, np.arange(columns) % season])
        ahead: Floats = indices[:, (columns + np.arange(horizon)) % season]
        return ahead + smoothed(left, horizon, self.parameters["trend"])

    def save(self, folder: Path) -> dict[str, Any]:
        """All of it is small."""
        return dict(self.parameters)

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> SmoothedMember:
        """Read back what `save` gave."""
        return cls(about)
