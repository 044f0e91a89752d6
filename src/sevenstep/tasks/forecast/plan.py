"""Step 4 for a forecast: candidates with reasons, folds, and how much work the time budget carries.

The budget becomes planned work through a cost model that knows only the data (rows, features, rounds), never a clock, so that
equal inputs give an equal plan on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import polars as pl

from sevenstep.chapter import Block, Column, Table
from sevenstep.data.dataset import Dataset
from sevenstep.errors import InputError
from sevenstep.spec.brief import Brief
from sevenstep.tasks.contract import Candidate, Fold, Plan, Range
from sevenstep.tasks.forecast.candidates import BOOSTING, CATALOG, Entry, Situation
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.folds import plan_folds
from sevenstep.tasks.forecast.panel import Panel, Settings, build_panel
from sevenstep.tasks.forecast.roles import must_exist

__all__ = ["make_plan"]

CORES = 2  # the machine a plan is made for
CV_SHARE = 0.48  # of the time budget for cross-validation; search, final fit and the other steps take the rest
BOOSTING_SHARE = 0.22  # of a fold's seconds for each boosting candidate: room for two of them and the statistical ones
SECONDS_PER_CELL = 1.6e-8  # one core: rows x rounds x features looked at, at 63 leaves; measured with LightGBM 4.7
MOST_ROWS, FEWEST_ROWS = 400_000, 60_000
FEW_ROWS = 50_000  # below this, trees are smaller
FEW_POINTS = 150_000  # below this, each value is seen from several origins


def make_plan(data: Dataset, profile: Mapping[str, Any], recipe: Mapping[str, Any], brief: Brief) -> Plan:
    """Candidates for every target, the folds, and the reasons for both."""
    settings = Settings.of(data)
    panel = build_panel(data, settings)
    folds, everything, reason = plan_folds(panel, settings, brief.section.horizon, brief.design.folds)
    _check(panel, folds, brief)
    seconds = CV_SHARE * brief.budget * CORES / (len(brief.targets) * len(folds))
    candidates: list[Candidate] = []
    notes: list[str] = []
    for target in brief.targets:
        features = _features(panel, target, recipe["targets"][target], folds, brief, seconds)
        situation = _situation(panel, settings, target, features)
        entries = _wanted(brief, target, situation, _catalog(_table_rows(situation, features)))
        stage = {"kind": "features", "recipe": features.to_json(), "cutoffs": [fold.train["until"] for fold in folds]}
        chosen, left_out = _affordable(entries, situation, features, stage, seconds, brief)
        candidates += chosen
        notes += left_out
    return Plan(candidates, folds, everything, reason, notes, _blocks(candidates, folds))


def _situation(panel: Panel, settings: Settings, target: str, features: FeatureRecipe) -> Situation:
    rows = panel.rows.filter(pl.col(target).is_not_null())
    values = rows[target].cast(pl.Float64).to_numpy()
    spans = rows.group_by("series").agg(pl.len().alias("n"), (pl.col("step").max() - pl.col("step").min() + 1).alias("span"))
    counts = spans["n"].to_numpy()
    return Situation(
        points=len(rows),
        series=len(spans),
        filled=float(np.sum(counts) / max(np.sum(spans["span"].to_numpy()), 1)),
        zeros=float(np.mean(values == 0)) if len(values) else 0.0,
        negative=bool((values < 0).any()),
        season=settings.season,
        inputs=len(features.numbers) + len(features.categories),
        events=len(features.events),
        length=float(np.median(counts)) if len(counts) else 0.0,
        gaps=settings.gaps,
    )


def _features(
    panel: Panel, target: str, recipe: Mapping[str, Any], folds: Sequence[Fold], brief: Brief, seconds: float
) -> FeatureRecipe:
    points = int(panel.rows[target].is_not_null().sum())
    horizon = brief.section.horizon
    base = FeatureRecipe.from_json({**recipe, "target": target, "horizon": horizon, "seed": brief.seed})
    weights = _weights(panel, target, brief)
    per_row = BOOSTING["rounds"] * BOOSTING["feature_share"] * _width(base) * SECONDS_PER_CELL
    affordable = int(seconds * BOOSTING_SHARE / per_row)
    return replace(
        base,
        weights=weights,
        samples=int(np.clip(round(FEW_POINTS / max(points, 1)), 1, min(horizon, 12))),
        most_rows=int(np.clip(affordable, FEWEST_ROWS, MOST_ROWS)),
    )


def _weights(panel: Panel, target: str, brief: Brief) -> dict[str, float]:
    """Weights of the rows of a target, which all its weighted KPIs must share: a score table has one weight per row."""
    found = [dict(kpi.weights) for kpi in brief.kpis if kpi.target in (target, None) and kpi.weights]
    if any(weights != found[0] for weights in found):
        given = f"two KPIs of '{target}' weigh its rows differently"
        rule = "all weighted KPIs of a target share their weights"
        raise InputError("FORECAST-WEIGHTS", given, rule, "give both the same weights")
    for name in found[0] if found else ():
        must_exist(name, panel.rows, "a KPI's weights")
    return found[0] if found else {}


def _check(panel: Panel, folds: Sequence[Fold], brief: Brief) -> None:
    """What would otherwise be found only after all the training."""
    for level in brief.section.hierarchy:
        for name in level:
            must_exist(name, panel.rows, "forecast.hierarchy")
    first = min(int(fold.test["after"]) for fold in folds)
    for target in brief.targets:
        last = panel.rows.filter(pl.col(target).is_not_null())["step"].max()
        if last is None or int(last) <= first:  # type: ignore[arg-type]
            given = f"'{target}' has no value after {panel.clock.time_at(first + int(panel.offsets.max()))}"
            rule = "every target is judged on the newest origins of all of them"
            raise InputError("FORECAST-ENDED", given, rule, f"bring '{target}' up to date, or give it a project of its own")


def _width(recipe: FeatureRecipe) -> int:
    past = 10 + 4 * len(recipe.seasons) + 3 * bool(recipe.events) + 6 * bool(recipe.year)
    ahead = len(recipe.numbers) + len(recipe.categories) + 6 * len(recipe.shifted) + 15 * bool(recipe.calendar)
    return past + ahead


def _table_rows(situation: Situation, features: FeatureRecipe) -> int:
    return min(features.most_rows, situation.points * features.samples)


def _catalog(rows: int) -> list[Entry]:
    """The catalogue, with smaller trees where there are few rows to grow them from."""
    small = {"leaves": 31, "least_in_leaf": 20} if rows < FEW_ROWS else {}
    return [
        replace(entry, parameters={**entry.parameters, **small}) if entry.family == "boosting" else entry for entry in CATALOG
    ]


def _wanted(brief: Brief, target: str, situation: Situation, catalog: Sequence[Entry]) -> list[Entry]:
    asked = brief.design.candidates
    named = {kpi.baseline for kpi in brief.kpis if kpi.baseline and kpi.target in (target, None)}
    entries = [entry for entry in catalog if entry.fits(situation) or (entry.baseline and entry.name in named)]
    if asked:
        _check_names([item if isinstance(item, str) else item.name or item.family for item in asked])
        kept = [entry for entry in catalog if entry.baseline or _is_asked(entry, asked, target)]
        entries = [_with_parameters(entry, asked, target) for entry in kept]
    extra = [_extra(item, catalog) for item in brief.design.extra if item.target in (None, target)]
    _check_distinct([entry.name for entry in (*entries, *extra)])
    return entries + extra


def _check_distinct(names: Sequence[str]) -> None:
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        given = f"design.extra names '{twice}', which is the name of another candidate"
        raise InputError("FORECAST-CANDIDATE", given, "scores are told apart by name", "give it a name of its own")


def _check_names(names: Sequence[str]) -> None:
    known = {entry.name for entry in CATALOG} | {entry.family for entry in CATALOG}
    for name in names:
        if name not in known:
            raise InputError(
                "FORECAST-CANDIDATE",
                f"'{name}' in design.candidates is no candidate of a forecast",
                f"there are {', '.join(entry.name for entry in CATALOG)}",
                "name one of them, or a family: naive, statistical, boosting",
            )


def _is_asked(entry: Entry, asked: Sequence[Any], target: str) -> bool:
    for item in asked:
        if isinstance(item, str) and item in (entry.name, entry.family):
            return True
        if not isinstance(item, str) and _means(item, entry) and item.target in (None, target):
            return True
    return False


def _means(item: Any, entry: Entry) -> bool:
    return bool(item.family == entry.family and item.name in (None, entry.name))


def _with_parameters(entry: Entry, asked: Sequence[Any], target: str) -> Entry:
    for item in asked:
        if not isinstance(item, str) and _means(item, entry) and item.target in (None, target):
            fixed, space = _split(item.parameters)
            kept = {name: value for name, value in entry.space.items() if name not in fixed}
            return replace(entry, parameters={**entry.parameters, **fixed}, space={**kept, **space})
    return entry


def _extra(item: Any, catalog: Sequence[Entry]) -> Entry:
    family = [entry for entry in catalog if entry.family == item.family]
    if not family:
        given = f"family '{item.family}' in design.extra"
        raise InputError(
            "FORECAST-CANDIDATE", given, "families of a forecast are naive, statistical and boosting", "name one of them"
        )
    fixed, space = _split(item.parameters)
    kind = {name: fixed[name] for name in ("rule", "method") if name in fixed}
    base = next((entry for entry in family if entry.parameters.items() >= kind.items()), family[0])
    kept = {name: value for name, value in base.space.items() if name not in fixed}
    reason = "asked for in the spec"
    return replace(
        base, name=item.name, reason=reason, parameters={**base.parameters, **fixed}, space={**kept, **space}, baseline=False
    )


def _split(parameters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Range]]:
    """Fixed values, and what the person wants searched."""
    fixed: dict[str, Any] = {}
    space: dict[str, Range] = {}
    for name, value in parameters.items():
        if hasattr(value, "values") and not isinstance(value, Mapping):
            space[name] = Range(choices=tuple(value.values))
            fixed[name] = value.values[0]
        elif hasattr(value, "range"):
            low, high = value.range
            space[name] = Range(low, high, log=value.log, integer=value.integer)
        else:
            fixed[name] = value
    return fixed, space


def _affordable(
    entries: Sequence[Entry],
    situation: Situation,
    features: FeatureRecipe,
    stage: Mapping[str, Any],
    seconds: float,
    brief: Brief,
) -> tuple[list[Candidate], list[str]]:
    """Candidates in order until the planned time is used up; what the person asked for is always in."""
    asked = {item if isinstance(item, str) else item.name for item in (*brief.design.candidates, *brief.design.extra)}
    chosen, notes, spent = [], [], 0.0
    for entry in entries:
        candidate = _candidate(entry, situation, features, stage)
        free = candidate.baseline or entry.name in asked or entry.family in asked
        if not free and spent + candidate.cost > seconds:
            notes.append(f"{entry.name} of {features.target} would take {candidate.cost:.0f} s a fold and is left out")
            continue
        spent += candidate.cost
        chosen.append(candidate)
    return chosen, notes


def _candidate(entry: Entry, situation: Situation, features: FeatureRecipe, stage: Mapping[str, Any]) -> Candidate:
    parameters = {**entry.parameters, "weights": dict(features.weights)}
    boosting = entry.family == "boosting"
    cost = 0.1 + 2e-7 * situation.points
    if boosting:
        rows = _table_rows(situation, features)
        cost = 1.0 + rows * parameters["rounds"] * parameters["feature_share"] * _width(features) * SECONDS_PER_CELL
    elif entry.family == "statistical":
        parameters |= {"seasons": list(features.seasons), "longest": max(1_000, 4 * max(features.seasons, default=1))}
        cost = 4.0 + entry.per_point * situation.points * max(len(features.seasons), 1)
    else:
        parameters |= {"season": features.seasons[0] if features.seasons else 1, "recipe": features.to_json()}
    reason = entry.reason.format(**asdict(situation))
    needed = stage if boosting else None
    return Candidate(
        entry.name, entry.family, features.target, reason, parameters, entry.space, needed, round(cost, 2), entry.baseline
    )


def _blocks(candidates: Sequence[Candidate], folds: Sequence[Fold]) -> list[Block]:
    rows = [
        {"name": item.name, "family": item.family, "target": item.target, "reason": item.reason, "cost": item.cost * len(folds)}
        for item in candidates
    ]
    columns = [
        Column("name", "Candidate"),
        Column("target", "Target"),
        Column("family", "Family"),
        Column("reason", "Why"),
        Column("cost", "Planned", "seconds"),
    ]
    return [Table("Candidates", columns, rows, "Planned seconds are for one core, over all folds.")]
