"""Sums of items that are predicted as well: the same comparison and choice as for the items, on a data set of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.chapter import Block, Column, Table
from sevenstep.data.dataset import Dataset
from sevenstep.search.ensemble import Selection, select
from sevenstep.search.jobs import Fits
from sevenstep.search.judge import FINAL
from sevenstep.search.kpis import leading_kpi, leading_metric
from sevenstep.search.leaderboard import kpi_estimate, metric_named
from sevenstep.search.library import Library
from sevenstep.search.thrift import Rule
from sevenstep.spec.brief import Brief
from sevenstep.stats.wording import interval, titled
from sevenstep.tasks.abilities import AddsUp, Coherence
from sevenstep.tasks.contract import Fitted, Model, SumsPlan, Task
from sevenstep.tasks.planning import seconds_for_the_end
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.work import Artifact, Failure, Workbench

__all__ = ["Sums", "scored_sums", "sums_table"]

Weights = Mapping[str, Mapping[str, float]]


def scored_sums(task: Task, collect: Artifact, sums: SumsPlan, bench: Workbench, seed: int) -> pl.DataFrame:
    """Scores of every candidate on the sums, with the segment they are told apart by; candidates that failed are left out."""
    fits = Fits.of_sums(task, collect, bench, seed, sums.how)
    found = fits.score(sums.plan.candidates, sums.plan.folds, reserve=seconds_for_the_end(sums.plan))
    data = Dataset.load(fits.data.folder("dataset"))
    tables = [task.segment(table, data)[0].frame for table in found if not isinstance(table, Failure)]
    return pl.concat(tables, how="diagonal_relaxed")


def sums_table(brief: Brief, sums: SumsPlan, scores: pl.DataFrame) -> list[Block]:
    """The leaderboard of every target at every level."""
    blocks: list[Block] = []
    for target in brief.targets:
        metric = _metric(brief, target)
        parts = scores.filter(pl.col("target") == target).partition_by(sums.by, "candidate", maintain_order=True)
        rows = [(part, kpi_estimate(ScoreTable(part), metric, brief.seed)) for part in parts]
        told = [
            {
                "level": part[sums.by][0], "candidate": part["candidate"][0], "n": found.n, "at": found.value,
                "value": interval(found.value, found.low, found.high, metric),
            }
            for part, found in rows
        ]  # fmt: skip
        places = {level: place for place, level in enumerate(dict.fromkeys(row["level"] for row in told))}
        told.sort(key=lambda row: (places[row["level"]], row["at"] is None, row["at"] or 0.0, row["candidate"]))
        columns = [Column("level", "Level"), Column("candidate", "Candidate"), Column("value", titled(metric)),
                   Column("n", "n", "integer")]  # fmt: skip
        caption = "Sums predicted by themselves, before they are made to add up; best first."
        blocks.append(Table(f"Leaderboard of the sums of {target}", columns, told, caption))
    return blocks


def _metric(brief: Brief, target: str) -> str:
    """The metric of the leading KPI; WAPE in place of a weighted one, as sums do not carry the weights of their items."""
    kpi = leading_kpi(brief.kpis, target, brief.targets)
    metric = "wape" if kpi is None else leading_metric(kpi)
    return "wape" if "weight" in metric_named(metric).needs else metric


@dataclass(frozen=True)
class Sums:
    """The sums in step 6: out-of-fold scores of what was chosen for them, and how they and the items are made coherent.

    Args:
        plan: of the sums.
        weights: for each target and candidate its weight for each value of ``plan.by``.
        coherence: see `Coherence`.
    """

    plan: SumsPlan
    weights: Mapping[str, Weights]
    coherence: Coherence

    @classmethod
    def of(
        cls, brief: Brief, task: Task, sums: SumsPlan, scores: pl.DataFrame, judged: Mapping[str, ScoreTable], data: Dataset
    ) -> Sums:
        """Choose members for the sums of every target, and have them made coherent with the judged items."""
        weights, tables = {}, {}
        for target in brief.targets:
            own = scores.filter(pl.col("target") == target)
            weights[target], tables[target] = _chosen(brief, task, sums, own, _metric(brief, target))
        return cls(sums, weights, cast(AddsUp, task).cohere(judged, tables, data, brief))

    def taken_in(self, task: Task, model: Model, collect: Artifact, bench: Workbench, seed: int) -> Model:
        """The final model with the members of the sums that it needs, fitted on all rows."""
        candidates = {(item.target, item.name): item for item in self.plan.plan.candidates}
        wanted = [(target, name) for target in self.coherence.needs for name in self.weights[target]]
        if not wanted:
            return self.coherence.taken_in(model, {})
        fits = Fits.of_sums(task, collect, bench, seed, self.plan.how)
        fitted = fits.fit_everything([candidates[one] for one in wanted], self.plan.plan.everything)
        members: dict[str, list[tuple[Fitted, Mapping[str, float]]]] = {}
        for (target, name), artifact in zip(wanted, fitted, strict=True):
            members.setdefault(target, []).append((task.load_fitted(artifact.folder("fitted")), self.weights[target][name]))
        return self.coherence.taken_in(model, members)


def _chosen(brief: Brief, task: Task, sums: SumsPlan, scores: pl.DataFrame, metric: str) -> tuple[Weights, ScoreTable]:
    """Weights of the members for each value of ``by``, and what they predict out of fold."""
    costs = {item.name: item.cost for item in sums.plan.candidates}
    rule = Rule(metric_named(metric), None, brief.seed)
    weights: dict[str, dict[str, float]] = {}
    parts = []
    for (value,), part in scores.partition_by(sums.by, as_dict=True, maintain_order=True).items():
        tables = {str(name): ScoreTable(own) for (name,), own in part.partition_by("candidate", as_dict=True).items()}
        library = Library.of(tables, {name: costs[name] for name in tables})
        selection = select(library, rule, task.blend)
        for name, weight in zip(library.names, selection.weights.tolist(), strict=True):
            if weight > 0:
                weights.setdefault(name, {})[str(value)] = weight
        unseen = pl.Series("prediction", _unseen(task, library, selection))
        parts.append(library.frame.with_columns(pl.lit(FINAL).alias("candidate"), unseen))
    return weights, ScoreTable(pl.concat(parts, how="diagonal_relaxed"))


def _unseen(task: Task, library: Library, selection: Selection) -> NDArray[np.float64]:
    if selection.unseen is not None:
        return selection.unseen
    return task.blend(library.predictions, selection.weights)
