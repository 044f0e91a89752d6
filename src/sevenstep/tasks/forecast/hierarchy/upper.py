"""The part of a released forecast that knows its levels: it forecasts the sums, and makes series and sums add up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.blending import weighted_mean
from sevenstep.tasks.forecast.asking import AskedRows
from sevenstep.tasks.forecast.families.members import FittedMember
from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.hierarchy.bounds import bounds_of
from sevenstep.tasks.forecast.hierarchy.coherence import Way
from sevenstep.tasks.forecast.hierarchy.evidence import BOTTOM_UP, Side, made_coherent
from sevenstep.tasks.forecast.hierarchy.reconcile import Errors
from sevenstep.tasks.forecast.hierarchy.sums import summed
from sevenstep.tasks.forecast.hierarchy.tree import LEVEL, Tree, level_name
from sevenstep.tasks.forecast.panel import Panel, Settings, build_panel

__all__ = ["Coherent", "SumMembers", "Upper"]

Floats = NDArray[np.float64]
SumMembers = Mapping[str, Sequence[tuple[FittedMember, Mapping[str, float]]]]

ENOUGH = 0.5  # share of the usual volume that must be asked for at a time for the sums' own forecasts to mean it


@dataclass(frozen=True)
class Coherent:
    """Forecasts of one target that add up, ``[series or node, column]``.

    Args:
        series: of the series.
        nodes: of the sums.
        bounds: of the sums, by name.
    """

    series: Floats
    nodes: Floats
    bounds: Mapping[str, Floats]


@dataclass(frozen=True)
class Upper:
    """Members that forecast sums, and the way in which each target's forecasts are made to add up.

    Args:
        levels: columns of each level, the total first.
        nodes: the nodes in the order in which the errors of each way count them.
        members: for each target the fitted members of its sums, each with its weight at each level.
        ways: for each target.
    """

    levels: Sequence[tuple[str, ...]]
    nodes: pl.DataFrame
    members: SumMembers
    ways: Mapping[str, Way]

    @property
    def columns(self) -> list[str]:
        """The level and the columns of all levels, as forecasts of sums show them."""
        return self.nodes.columns

    def tree(self, panel: Panel) -> Tree:
        """The sums over the series of a panel."""
        return Tree.of(panel, self.levels)

    def coherent(
        self, target: str, history: Dataset, panel: Panel, tree: Tree, steps: NDArray[np.int32], series: Floats,
        there: NDArray[np.bool_], numbers: NDArray[np.int32], *, floor: bool,
    ) -> Coherent:  # fmt: skip
        """Forecasts of a target at some steps after the last observation, made to add up.

        Args:
            target: which.
            history: the data set with its open rows.
            panel: the same on its grid.
            tree: the sums over the series of ``panel``.
            steps: columns of the panel, ascending; one column of the result each.
            series: ``[series, column]`` own forecasts, 0 where there is no row.
            there: where there is a row.
            numbers: number of each series of the panel in training; past the last for a new one.
            floor: whether forecasts may not be below 0.
        """
        way, lead = self.ways[target], (steps - panel.end).astype(np.int64)
        nodes = np.full((len(tree.level), len(steps)), np.nan)
        if way.name != BOTTOM_UP:
            nodes = self._own(target, history, tree, steps)
            nodes[:, ~_mean_the_sums(panel, target, there)] = np.nan
        side = Side(np.zeros_like(lead), lead, series, series, there, nodes)
        made = made_coherent(way.name, tree, self._errors(way, tree, numbers), side, floor=floor)
        sums = tree.adds @ made
        return Coherent(made, sums, bounds_of(way.bounds, tree, sums, lead, floor=floor))

    def _own(self, target: str, history: Dataset, tree: Tree, steps: NDArray[np.int32]) -> Floats:
        """``[node, column]`` what the sums are forecast to be by themselves."""
        sums = summed(history, self.levels)
        assert sums is not None  # a model with levels has some
        settings = Settings.of(sums)
        own = build_panel(sums, settings)
        row = np.flatnonzero(np.isin(own.steps, steps) & (own.steps > own.end)).astype(np.int64)
        asked = Asked(own.series[row], own.steps[row], np.full(len(row), own.end, dtype=np.int32))
        question = AskedRows(own, asked, row).question(target, settings)
        members = self.members[target]
        made = np.column_stack([fitted.member.predict(question) for fitted, _ in members])
        level = own.keys[LEVEL][asked.series].to_numpy()
        blended = np.full(len(row), np.nan)
        for columns in self.levels:
            mine = level == level_name(columns)
            weights = np.array([weight.get(level_name(columns), 0.0) for _, weight in members])
            blended[mine] = weighted_mean(made[mine][:, weights > 0], weights[weights > 0])
        grid = np.full((len(tree.level), len(steps)), np.nan)
        grid[node_places(own.keys, tree)[asked.series], np.searchsorted(steps, asked.step)] = blended
        return grid

    def _errors(self, way: Way, tree: Tree, numbers: NDArray[np.int32]) -> Errors | None:
        """The errors of training in the order of a panel; what was not there in training errs like the usual one."""
        if way.errors is None:
            return None
        nodes = _numbered(tree.nodes, self.nodes)
        return Errors(
            _taken(way.errors.nodes, nodes, float(np.median(way.errors.nodes))),
            _taken(way.errors.series, numbers, float(np.median(way.errors.series))),
            _taken(way.errors.nodes_common, nodes, 0.0),
            _taken(way.errors.series_common, numbers, 0.0),
        )

    def save(self, folder: Path) -> None:
        """Write nodes, members and ways into the empty ``folder``."""
        self.nodes.write_parquet(folder / "nodes.parquet")
        listed: dict[str, list[dict[str, Any]]] = {}
        for place, (target, members) in enumerate(self.members.items()):
            listed[target] = []
            for number, (fitted, weights) in enumerate(members):
                name = f"member-{place}-{number}"
                (folder / name).mkdir()
                fitted.save(folder / name)
                listed[target].append({"folder": name, "weights": dict(weights)})
        for place, way in enumerate(self.ways.values()):
            (folder / f"way-{place}").mkdir()
            way.save(folder / f"way-{place}")
        about = {"levels": [list(level) for level in self.levels], "members": listed, "ways": list(self.ways)}
        (folder / "upper.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Upper:
        """Read back what `save` wrote."""
        about = json.loads((folder / "upper.json").read_text(encoding="utf-8"))
        members = {
            target: [(FittedMember.load(folder / entry["folder"]), entry["weights"]) for entry in entries]
            for target, entries in about["members"].items()
        }
        ways = {target: Way.load(folder / f"way-{place}") for place, target in enumerate(about["ways"])}
        return cls([tuple(level) for level in about["levels"]], pl.read_parquet(folder / "nodes.parquet"), members, ways)


def node_places(keys: pl.DataFrame, tree: Tree) -> NDArray[np.int64]:
    """The node of a tree that each series of a panel of sums is."""
    return _numbered(keys, tree.nodes)


def _numbered(keys: pl.DataFrame, nodes: pl.DataFrame) -> NDArray[np.int64]:
    """The position of each row of ``keys`` among ``nodes``; past the last for one that is not there."""
    numbered = nodes.with_row_index("number")
    found = keys.join(numbered, on=nodes.columns, how="left", nulls_equal=True, maintain_order="left")["number"]
    return found.fill_null(len(nodes)).cast(pl.Int64).to_numpy()


def _taken(values: Floats, numbers: NDArray[Any], otherwise: float) -> Floats:
    padded = np.concatenate([values, np.full((1, *values.shape[1:]), otherwise)])
    return np.asarray(padded[np.minimum(numbers, len(values))])


def _mean_the_sums(panel: Panel, target: str, there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """For each column whether the series asked for make up enough of what is usual for the sums' own forecasts to mean them."""
    newest = panel.exact_grid(target)[:, : panel.end + 1][:, -_USUAL:]
    size = np.nan_to_num(np.abs(newest)).sum(axis=1)
    return np.asarray(size @ there >= ENOUGH * size.sum())


_USUAL = 60  # newest steps that tell what is usual
