"""The forecast task: the contract's methods, each one line into the room that does the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.chapter import Block
from sevenstep.data.dataset import Dataset, Finding, Roles
from sevenstep.spec.brief import Brief
from sevenstep.tasks.abilities import Bound, Coherence, WhatIf
from sevenstep.tasks.blending import weighted_mean
from sevenstep.tasks.contract import Candidate, Feasibility, Fitted, Fold, Model, Plan, Profile, Stage
from sevenstep.tasks.forecast import calibrate
from sevenstep.tasks.forecast.checks import check
from sevenstep.tasks.forecast.families.members import FittedMember, fit_member
from sevenstep.tasks.forecast.feasibility import probe
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.table import FeatureTable, build_table
from sevenstep.tasks.forecast.folds import everything_up_to
from sevenstep.tasks.forecast.grammar import GRAMMAR
from sevenstep.tasks.forecast.hierarchy.cohering import cohere
from sevenstep.tasks.forecast.hierarchy.sums import summed
from sevenstep.tasks.forecast.identities.binding import bind
from sevenstep.tasks.forecast.model import ForecastModel
from sevenstep.tasks.forecast.panel import Panel, Settings, build_panel
from sevenstep.tasks.forecast.parting import in_parts
from sevenstep.tasks.forecast.pictures import pictures
from sevenstep.tasks.forecast.plan import make_plan, target_weights
from sevenstep.tasks.forecast.roles import find_roles
from sevenstep.tasks.forecast.scoring import score_member, segment_scores, segments_of
from sevenstep.tasks.forecast.whatif import what_if
from sevenstep.tasks.scoretable import ScoreTable

__all__ = ["ForecastTask"]

_panels: dict[str, Panel] = {}


def _panel(data: Dataset) -> Panel:
    """The panel of a data set; the newest one is kept, because a worker fits many candidates on the same data."""
    if data.fingerprint not in _panels or not data.fingerprint:
        _panels.clear()
        _panels[data.fingerprint] = build_panel(data, Settings.of(data))
    return _panels[data.fingerprint]


class ForecastTask:
    """Demand and other series over time, with inputs that are known ahead."""

    grammar = GRAMMAR

    def roles(
        self, items: pl.DataFrame, brief: Brief, sources: Mapping[str, Sequence[str]]
    ) -> tuple[Roles, Mapping[str, Mapping[str, Any]]]:
        """See `Task.roles`."""
        return find_roles(items, brief, sources)

    def check(self, data: Dataset, brief: Brief) -> Sequence[Finding]:
        """See `Task.check`."""
        return check(data, brief)

    def probe(self, data: Dataset, brief: Brief) -> Sequence[Feasibility]:
        """See `Task.probe`."""
        return probe(data, brief)

    def explore(self, data: Dataset, brief: Brief) -> Profile:
        """See `Task.explore`."""
        from sevenstep.tasks.forecast.explore import explore  # late: whoever predicts explores nothing

        return explore(data, brief)

    def plan(self, data: Dataset, profile: Mapping[str, Any], recipe: Mapping[str, Any], brief: Brief) -> Plan:
        """See `Task.plan`."""
        return make_plan(data, recipe, brief)

    def summed(self, data: Dataset, how: Mapping[str, Any]) -> Dataset:
        """See `AddsUp.summed`."""
        sums = summed(data, how["hierarchy"])
        assert sums is not None  # the plan has sums
        return sums

    def cohere(self, own: Mapping[str, ScoreTable], sums: Mapping[str, ScoreTable], data: Dataset, brief: Brief) -> Coherence:
        """See `AddsUp.cohere`."""
        return cohere(own, sums, data, _panel(data), brief)

    def bind(self, own: Mapping[str, ScoreTable], data: Dataset, brief: Brief) -> Bound | None:
        """See `Binds.bind`."""
        return bind(own, data, _panel(data), brief)

    def what_if(self, model: Model, changes: Mapping[str, Any], series: Mapping[str, Any], first: Any, last: Any) -> WhatIf:
        """See `AsksWhatIf.what_if`."""
        return what_if(cast(ForecastModel, model), changes, series, first, last)

    def parted(self, data: Dataset, brief: Brief) -> Dataset:
        """See `LearnsFromParts.parted`."""
        return in_parts(data, brief)

    def stage(self, stage: Mapping[str, Any], data: Dataset) -> Stage:
        """The feature table of a target, see `build_table`."""
        return build_table(_panel(data), FeatureRecipe.from_json(stage["recipe"]), stage["cutoffs"])

    def load_stage(self, folder: Path) -> Stage:
        """See `Task.load_stage`."""
        return FeatureTable.load(folder)

    def fit(self, candidate: Candidate, fold: Fold, data: Dataset, stage: Stage | None, seed: int) -> Fitted:
        """See `Task.fit`."""
        return fit_member(candidate, fold, _panel(data), Settings.of(data), cast(FeatureTable | None, stage), seed)

    def whole(self, everything: Fold, data: Dataset) -> Fold:
        """See `Task.whole`: learnt up to the newest observation."""
        return everything_up_to(_panel(data), int(everything.test["steps"]))

    def load_fitted(self, folder: Path) -> Fitted:
        """See `Task.load_fitted`."""
        return FittedMember.load(folder)

    def score(self, fitted: Fitted, candidate: Candidate, fold: Fold, data: Dataset, stage: Stage | None) -> ScoreTable:
        """See `Task.score`."""
        member, table = cast(FittedMember, fitted), cast(FeatureTable | None, stage)
        return score_member(member, candidate, fold, _panel(data), Settings.of(data), table)

    def blend(self, predictions: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Task.blend`."""
        return weighted_mean(predictions, weights)

    def calibrate(self, scores: ScoreTable, brief: Brief) -> Mapping[str, Any]:
        """See `Task.calibrate`."""
        return calibrate.calibrate(scores, brief)

    def apply_calibration(self, scores: ScoreTable, calibration: Mapping[str, Any]) -> ScoreTable:
        """See `Task.apply_calibration`."""
        return calibrate.apply(scores, calibration)

    def combine(
        self,
        members: Mapping[str, Sequence[tuple[Fitted, float]]],
        calibration: Mapping[str, Mapping[str, Any]],
        data: Dataset,
        brief: Brief,
    ) -> Model:
        """See `Task.combine`."""
        kept = {target: [(cast(FittedMember, fitted), weight) for fitted, weight in group] for target, group in members.items()}
        floors = {target: bool((data.items[target].drop_nulls() >= 0).all()) for target in calibration}
        final = {target: {**found, "floor_zero": floors[target]} for target, found in calibration.items()}
        weights = {target: target_weights(brief, target) for target in members}
        return ForecastModel(data, brief.section.horizon, kept, final, _panel(data).keys, weights)

    def load_model(self, folder: Path) -> Model:
        """See `Task.load_model`."""
        return ForecastModel.load(folder)

    def segment(self, scores: ScoreTable, data: Dataset) -> tuple[ScoreTable, Mapping[str, str]]:
        """See `Task.segment`."""
        return segment_scores(scores, segments_of(data), _panel(data), Settings.of(data))

    def pictures(self, step: str, data: Dataset, scores: ScoreTable | None, brief: Brief, model: Model | None) -> Sequence[Block]:
        """See `Task.pictures`."""
        return pictures(step, data, scores, brief, cast(ForecastModel | None, model), _panel(data))
