"""Fitting a candidate of any family, and reading a fitted member back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sevenstep.tasks.contract import Candidate, Fold
from sevenstep.tasks.forecast.families.boosting import BoostingMember, fit_boosting
from sevenstep.tasks.forecast.families.drivers import DriversMember, fit_drivers
from sevenstep.tasks.forecast.families.naive import NaiveMember
from sevenstep.tasks.forecast.families.question import Member
from sevenstep.tasks.forecast.families.smoothed import SmoothedMember
from sevenstep.tasks.forecast.families.statistical import StatisticalMember, fit_statistical
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.table import FeatureTable
from sevenstep.tasks.forecast.panel import Panel, Settings

__all__ = ["FittedMember", "fit_member"]

_KINDS: dict[str, Any] = {
    "naive": NaiveMember,
    "statistical": StatisticalMember,
    "smoothed": SmoothedMember,
    "boosting": BoostingMember,
    "drivers": DriversMember,
}


@dataclass(frozen=True)
class FittedMember:
    """A fitted member under the name of its candidate."""

    name: str
    family: str
    member: Member

    def save(self, folder: Path) -> None:
        """Write the member's files and ``member.json``."""
        about = {"name": self.name, "family": self.family, "about": self.member.save(folder)}
        (folder / "member.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> FittedMember:
        """Read back what `save` wrote."""
        about = json.loads((folder / "member.json").read_text(encoding="utf-8"))
        return cls(about["name"], about["family"], _KINDS[about["family"]].load(folder, about["about"]))


def fit_member(
    candidate: Candidate, fold: Fold, panel: Panel, settings: Settings, table: FeatureTable | None, seed: int
) -> FittedMember:
    """Fit a candidate on what was observed up to and including the fold's cutoff."""
    until = int(fold.train["until"])
    parameters = candidate.parameters
    member: Member
    if candidate.family == "naive":
        member = NaiveMember(parameters["rule"], int(parameters["season"]), FeatureRecipe.from_json(parameters["recipe"]))
    elif candidate.family == "statistical":
        member = fit_statistical(panel, settings, candidate.target, until, int(fold.test["steps"]), parameters)
    elif candidate.family == "smoothed":
        member = SmoothedMember(parameters)
    elif candidate.family == "drivers":
        member = fit_drivers(panel, until, parameters, seed)
    else:
        assert table is not None
        rows = np.flatnonzero((np.asarray(table.cutoff) == -1) & (np.asarray(table.step) <= until))
        member = fit_boosting(table, rows, parameters, seed)
    return FittedMember(candidate.name, candidate.family, member)
