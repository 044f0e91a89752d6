"""All that an exploration found, in one record from which facts, insights, recipe and pictures are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.tabular.explore.drift import Drift, drift_of
from sevenstep.tasks.tabular.explore.relations import Extremes, Gap, correlated_groups, extremes, gaps
from sevenstep.tasks.tabular.explore.separation import Separation, separation_of
from sevenstep.tasks.tabular.explore.strength import Pair, Strength, interactions, strengths
from sevenstep.tasks.tabular.explore.view import View, view_of

__all__ = ["Findings", "find"]

_TOLD = 12  # inputs whose way of separating is put in words


@dataclass(frozen=True)
class Findings:
    """What was found.

    Args:
        view: the rows looked at.
        strengths: every input, the strongest first.
        separations: of the strongest inputs, how they separate.
        pairs: interactions.
        groups: columns that say the same.
        gaps: columns with missing values.
        extremes: columns with values far out.
        drift: what moved over time, or None.
        left_out: columns that are no inputs, with the reason.
        codes: numbers that mean missing, by column.
        units: the unit written behind the numbers of a column.
    """

    view: View
    strengths: Sequence[Strength]
    separations: Mapping[str, Separation]
    pairs: Sequence[Pair]
    groups: Sequence[Sequence[str]]
    gaps: Sequence[Gap]
    extremes: Sequence[Extremes]
    drift: Drift | None
    left_out: Mapping[str, str]
    codes: Mapping[str, Sequence[float]]
    units: Mapping[str, str]

    @property
    def told(self) -> list[Strength]:
        """Inputs that say more than chance."""
        return [one for one in self.strengths if one.told]

    def counts(self) -> dict[str, int]:
        """Rows looked at by class; empty where the target is a number."""
        classes = self.view.problem.classes
        return (
            dict(zip(classes, np.bincount(self.view.outcome.codes, minlength=len(classes)).tolist(), strict=True))
            if classes
            else {}
        )

    def to_json(self) -> dict[str, Any]:
        """The facts of the profile."""
        return {
            "rows": self.view.known,
            "looked_at": len(self.view.rows),
            "classes": self.counts(),
            "inputs": {one.column: {"share": one.share, "q": one.q} for one in self.strengths},
            "interactions": [{"columns": list(pair.columns), "share": pair.share, "q": pair.q} for pair in self.pairs],
            "alike": [list(group) for group in self.groups],
            "missing": {gap.column: {"rows": gap.missing, "share": gap.share, "q": gap.q} for gap in self.gaps},
            "extremes": {one.column: one.share for one in self.extremes},
            "drift": _drift(self.drift),
        }


def _drift(drift: Drift | None) -> dict[str, Any] | None:
    if drift is None:
        return None
    return {"p": drift.p, "moved": {one.column: one.size for one in drift.moved}, "tested": drift.tested}


def find(data: Dataset, seed: int) -> Findings:
    """Look at the rows whose target is known, or at a sample of them."""
    view = view_of(data, seed)
    ranked = strengths(view)
    told = {one.column: separation_of(view, one.column) for one in ranked[:_TOLD] if one.told}
    named = {name: fact["value"] for name, fact in data.facts.items()}
    return Findings(
        view,
        ranked,
        {name: separation for name, separation in told.items() if separation},
        interactions(view, ranked),
        correlated_groups(view, ranked),
        gaps(view),
        extremes(view),
        drift_of(view),
        named.get("left_out", {}),
        named.get("codes", {}),
        named.get("units", {}),
    )
