"""Step 4 for a forecast: candidates with reasons, folds, and how much work the time budget carries.

The budget becomes planned work through a cost model that knows only the data (rows, features, rounds), never a clock, so that
equal inputs give an equal plan on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from math import gcd
from typing import Any

import numpy as np
import polars as pl

from sevenstep.chapter import Block, Column, Table
from sevenstep.data.dataset import Dataset
from sevenstep.errors import InputError
from sevenstep.spec.brief import Brief
from sevenstep.tasks.contract import Candidate, Fold, Plan, SumsPlan
from sevenstep.tasks.forecast.asked import wanted
from sevenstep.tasks.forecast.candidates import BOOSTING, CATALOG, SMOOTHED, Entry, Situation, shares_season
from sevenstep.tasks.forecast.features.published import without_published
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.smoothing import TOLD, longest_past
from sevenstep.tasks.forecast.features.units import best_base
from sevenstep.tasks.forecast.folds import plan_folds
from sevenstep.tasks.forecast.hierarchy.sums import recipe_of_sums, summed
from sevenstep.tasks.forecast.hierarchy.tree import LEVEL
from sevenstep.tasks.forecast.identities.stated import derived_names, identities_of
from sevenstep.tasks.forecast.panel import Panel, Settings, build_panel
from sevenstep.tasks.forecast.roles import must_exist
from sevenstep.tasks.planning import CORES
from sevenstep.wording import roughly

__all__ = ["make_plan", "target_weights"]

SUMS_SHARE = 0.12  # of the time budget for the sums of a hierarchy, which are few
CV_SHARE = 0.48  # of the time budget for cross-validation; search, final fit and the other steps take the rest
BOOSTING_SHARE = 0.22  # of a fold's seconds for each boosting candidate: room for two of them and the statistical ones
SMOOTHED_SHARE = 0.3  # of a fold's seconds at most for smoothing forecasts as features, which all folds share
SECONDS_PER_CELL = 1.6e-8  # one core: rows x rounds x features looked at, at 63 leaves; measured with LightGBM 4.7
MOST_ROWS, FEWEST_ROWS = 400_000, 60_000
FEW_ROWS = 50_000  # below this, trees are smaller
FEW_CYCLES = 5  # of a season that trees start from as shared with similar series
MANY_SERIES = 100  # from which on the rows of a day fill leaves of their own
FEW_POINTS = 150_000  # below this, each value is seen from several origins


def make_plan(data: Dataset, recipe: Mapping[str, Any], brief: Brief) -> Plan:
    """Candidates for every target, the folds, and the reasons for both; with a hierarchy also for its sums."""
    _check_names(data, brief)
    sums = summed(data, brief.section.hierarchy)
    if sums is None:
        return _plan(data, recipe, brief)
    own = {target: recipe_of_sums(fields, sums) for target, fields in recipe["targets"].items()}
    below = _plan(sums, {**recipe, "targets": own}, brief.with_budget(SUMS_SHARE * brief.budget))
    plan = _plan(data, recipe, brief.with_budget((1.0 - SUMS_SHARE) * brief.budget))
    blocks = [replace(block, title=f"{block.title} for the sums") for block in below.blocks if isinstance(block, Table)]
    how = {"hierarchy": [list(level) for level in brief.section.hierarchy]}
    return replace(plan, blocks=[*plan.blocks, *blocks], sums=SumsPlan(below, how, LEVEL))


def _check_names(data: Dataset, brief: Brief) -> None:
    """The columns of the levels must be there, and the one that names the level of a row must be free."""
    for level in brief.section.hierarchy:
        for name in level:
            must_exist(name, data.items, "forecast.hierarchy")
    derived_names(identities_of(brief.section.identities), data)
    if brief.section.hierarchy and LEVEL in data.items.columns:
        given, rule = (
            f"a column is called '{LEVEL}'",
            "forecasts of a hierarchy name the level of each row in a column of that name",
        )
        raise InputError("FORECAST-NAME", given, rule, f"rename it in the source, for example to '{LEVEL}_id'")


def _plan(data: Dataset, recipe: Mapping[str, Any], brief: Brief) -> Plan:
    settings = Settings.of(data)
    panel = build_panel(data, settings)
    folds, everything, reason = plan_folds(panel, settings, brief.section.horizon, brief.design.folds)
    if data.parts is not None:
        of_all = f"{panel.shape[0]:,} of {len(data.parts.keys):,} series are learnt from and judged"
        reason = f"{reason}; {of_all}, one of every {data.parts.count} in the order of their keys"
    _check(panel, folds, brief)
    seconds = CV_SHARE * brief.budget * CORES / (len(brief.targets) * len(folds))
    candidates: list[Candidate] = []
    notes: list[str] = []
    for target in brief.targets:
        features = _features(panel, target, recipe["targets"][target], brief, seconds)
        situation = _situation(panel, settings, target, features)
        features = replace(features, shares=_few_cycles(situation, features))
        stages = _Stages(panel, features, folds, _smoothed_every(situation, features, panel.shape[1], seconds))
        entries = wanted(brief, target, situation, _catalog(situation, stages))
        chosen, left_out = _affordable(entries, situation, features, stages, seconds)
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


def _smoothed_every(situation: Situation, features: FeatureRecipe, columns: int, seconds: float) -> int:
    """From every how many steps smoothing forecasts can be made as features within their share of a fold's time; 0 where that
    is rarer than once in a horizon. Steps are chosen so that all phases of the seasons come up.
    """
    per_value = sum(entry.per_point for entry in CATALOG if entry.name in TOLD)
    longest = longest_past(features.seasons)
    whole = per_value * situation.points * min(columns / 2, longest)
    every = max(1, int(np.ceil(whole / (SMOOTHED_SHARE * seconds))))
    while any(gcd(every, season) > 1 for season in features.seasons):
        every += 1
    return every if every <= features.horizon else 0


def _few_cycles(situation: Situation, features: FeatureRecipe) -> bool:
    """Whether the season that trees start from is better shared: groups are named, and no series could know its own well."""
    named = bool(features.groups and features.seasons)  # a season longer than every history is no part of the recipe
    return named and shares_season(situation) and situation.length <= FEW_CYCLES * situation.season


def _features(panel: Panel, target: str, recipe: Mapping[str, Any], brief: Brief, seconds: float) -> FeatureRecipe:
    points = int(panel.rows[target].is_not_null().sum())
    horizon = brief.section.horizon
    base = FeatureRecipe.from_json({**recipe, "target": target, "horizon": horizon, "seed": brief.seed})
    base = without_published(base, panel)
    weights = target_weights(brief, target)
    for name in weights:
        must_exist(name, panel.rows, "a KPI's weights")
    per_row = BOOSTING["rounds"] * BOOSTING["feature_share"] * _width(base) * SECONDS_PER_CELL
    affordable = int(seconds * BOOSTING_SHARE / per_row)
    return replace(
        base,
        weights=weights,
        samples=int(np.clip(round(FEW_POINTS / max(points, 1)), 1, min(horizon, 12))),
        most_rows=int(np.clip(affordable, FEWEST_ROWS, MOST_ROWS)),
    )


def target_weights(brief: Brief, target: str) -> dict[str, float]:
    """Weights of the rows of a target, which all its weighted KPIs must share: a score table has one weight per row."""
    found = [dict(kpi.weights) for kpi in brief.kpis if kpi.target in (target, None) and kpi.weights]
    if any(weights != found[0] for weights in found):
        given = f"two KPIs of '{target}' weigh its rows differently"
        rule = "all weighted KPIs of a target share their weights"
        raise InputError("FORECAST-WEIGHTS", given, rule, "give both the same weights")
    return found[0] if found else {}


def _check(panel: Panel, folds: Sequence[Fold], brief: Brief) -> None:
    """What would otherwise be found only after all the training."""
    if brief.section.hierarchy and np.ptp(panel.offsets):
        given, rule = "forecast.hierarchy over series that share no calendar", "a sum adds up what happened at the same time"
        raise InputError("FORECAST-LEVEL", given, rule, "take forecast.hierarchy out, or say forecast: {clock: common}")
    first = min(int(fold.test["after"]) for fold in folds)
    for target in brief.targets:
        last = panel.rows.filter(pl.col(target).is_not_null())["step"].max()
        if last is None or int(last) <= first:  # type: ignore[arg-type]
            given = f"'{target}' has no value after {panel.clock.time_at(first + int(panel.offsets.max()))}"
            rule = "every target is judged on the newest origins of all of them"
            raise InputError("FORECAST-ENDED", given, rule, f"bring '{target}' up to date, or give it a project of its own")


def _width(recipe: FeatureRecipe) -> int:
    return 10 + 4 * len(recipe.seasons) + 3 * bool(recipe.events) + 6 * bool(recipe.year) + _ahead(recipe)


def _units_width(recipe: FeatureRecipe) -> int:
    return 13 + 3 * len(recipe.seasons)


def _ahead(recipe: FeatureRecipe) -> int:
    return len(recipe.numbers) + len(recipe.categories) + 6 * len(recipe.shifted) + 15 * bool(recipe.calendar)


@dataclass(frozen=True)
class _Stages:
    """The feature tables boosting candidates need: one for all that see the past as it is, one for those that see it in units."""

    panel: Panel
    features: FeatureRecipe
    folds: Sequence[Fold]
    smoothed: int

    def of(self, scale: str) -> Mapping[str, Any]:
        recipe = self.in_units if scale == "units" else self.features
        return {"kind": "features", "recipe": recipe.to_json(), "cutoffs": self._cutoffs()}

    @cached_property
    def in_units(self) -> FeatureRecipe:
        """The recipe of the past in units, around the base that has been the best guess up to the first fold."""
        few = -(-self.features.horizon // max(self.smoothed, 1))  # leads a row may have
        recipe = replace(self.features, transform="units", smoothed=self.smoothed, shares=False)
        recipe = replace(recipe, samples=min(recipe.samples, few))
        return replace(recipe, base=best_base(self.panel.grid(recipe.target), recipe, min(self._cutoffs())))

    def _cutoffs(self) -> list[int]:
        return [fold.train["until"] for fold in self.folds]


def _table_rows(situation: Situation, features: FeatureRecipe) -> int:
    return min(features.most_rows, situation.points * features.samples)


def _catalog(situation: Situation, stages: _Stages) -> list[Entry]:
    """The catalogue, with smaller trees where there are few rows to grow them from, or little left to learn of a smoothing
    forecast, and cuts drawn at random where many series share their days: by a calendar or what is known ahead, trees could learn
    single days by heart.
    """
    features = stages.features
    small = {"leaves": 31, "least_in_leaf": 20} if _table_rows(situation, features) < FEW_ROWS else {}
    told = bool(features.calendar or features.numbers or features.categories)
    own = small | {"extra_trees": told and situation.series >= MANY_SERIES}

    def start(entry: Entry) -> Mapping[str, Any]:
        in_units = entry.parameters.get("scale") == "units" and entry.fits(situation)
        return SMOOTHED if in_units and stages.in_units.base == "smoothed" else {}

    return [
        replace(entry, parameters={**entry.parameters, **start(entry), **own}) if entry.family == "boosting" else entry
        for entry in CATALOG
    ]


def _affordable(
    entries: Sequence[Entry],
    situation: Situation,
    features: FeatureRecipe,
    stages: _Stages,
    seconds: float,
) -> tuple[list[Candidate], list[str]]:
    """Candidates in order until the planned time is used up; what the person asked for is always in."""
    chosen, notes, spent = [], [], 0.0
    for entry in entries:
        candidate = _candidate(entry, situation, features, stages)
        if not candidate.baseline and spent + candidate.cost > seconds:
            takes = f"{entry.name} of {features.target} takes about {candidate.cost:.0f} s a fold of the {seconds:.0f} s planned"
            notes.append(f"{takes}; it is run because the spec asks for it" if entry.asked else f"{takes}: it is left out")
            if not entry.asked:
                continue
        spent += candidate.cost
        chosen.append(candidate)
    return chosen, notes


def _told(situation: Situation) -> dict[str, Any]:
    """What reasons may say of the situation, as people write it."""
    known = "1 input is" if situation.inputs == 1 else f"{situation.inputs} inputs are"
    return asdict(situation) | {"series": f"{situation.series:,}", "zeros": roughly(situation.zeros), "known": known}


def _candidate(entry: Entry, situation: Situation, features: FeatureRecipe, stages: _Stages) -> Candidate:
    parameters = {**_read_off(entry, features), **entry.parameters, "weights": dict(features.weights)}
    if isinstance(parameters.get("seasons"), (int, float)):
        parameters["seasons"] = [parameters["seasons"]]
    reason = entry.reason.format(**_told(situation))
    needed = stages.of(str(parameters["scale"])) if entry.family == "boosting" else None
    cost = round(_cost(entry, situation, features, parameters), 2)
    return Candidate(
        entry.name, entry.family, features.target, reason, parameters, entry.space, needed, cost, entry.baseline, entry.asked,
        entry.searched,
    )  # fmt: skip


def _read_off(entry: Entry, features: FeatureRecipe) -> dict[str, Any]:
    """What the data say about a family's parameters; what the entry states itself goes before it."""
    longest = longest_past(features.seasons)
    if entry.family == "statistical":
        return {"seasons": list(features.seasons), "longest": longest}
    if entry.family == "smoothed":
        return {"seasons": list(features.seasons), "longest": longest, "groups": list(features.groups)}
    if entry.family == "drivers":
        return {"recipe": features.to_json()}
    if entry.family == "naive":
        return {"season": features.season, "recipe": features.to_json()}
    return {}


def _cost(entry: Entry, situation: Situation, features: FeatureRecipe, parameters: Mapping[str, Any]) -> float:
    """Planned seconds of one fit and its scoring."""
    if entry.family == "boosting":
        rows = min(_table_rows(situation, features), int(parameters.get("most_rows", MOST_ROWS)))
        width = _width(features) + (_units_width(features) if parameters.get("scale") == "units" else 0)
        return 1.0 + rows * float(parameters["rounds"]) * float(parameters["feature_share"]) * width * SECONDS_PER_CELL
    if entry.family == "drivers":
        cells = situation.points * float(parameters["rounds"]) * float(parameters["feature_share"]) * _ahead(features)
        return 1.0 + cells * SECONDS_PER_CELL
    if entry.family in ("statistical", "smoothed"):
        values = min(situation.points, situation.series * int(parameters["longest"]))
        start = 4.0 if entry.family == "statistical" else 0.5
        return start + entry.per_point * values * max(len(parameters["seasons"]), 1)
    return 0.1 + 2e-7 * situation.points


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
