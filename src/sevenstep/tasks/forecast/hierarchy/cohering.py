"""Step 6 for a hierarchy: from out-of-fold scores of series and sums to scores, tables and a model whose forecasts add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from sevenstep.chapter import Block
from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.tasks.contract import Fitted, Model
from sevenstep.tasks.forecast.families.members import FittedMember
from sevenstep.tasks.forecast.folds import MOST_JUDGED
from sevenstep.tasks.forecast.hierarchy.choosing import choose
from sevenstep.tasks.forecast.hierarchy.coherence import Way, coherent_scores, level_scores, level_tables
from sevenstep.tasks.forecast.hierarchy.evidence import BOTTOM_UP, Side
from sevenstep.tasks.forecast.hierarchy.tree import Tree, levels_of
from sevenstep.tasks.forecast.hierarchy.upper import Upper, node_places
from sevenstep.tasks.forecast.model import ForecastModel
from sevenstep.tasks.forecast.panel import Panel
from sevenstep.tasks.leading import leading_kpi, leading_metric
from sevenstep.tasks.scoretable import ScoreTable

__all__ = ["Cohered", "cohere"]


@dataclass(frozen=True)
class Cohered:
    """What was found out, see `sevenstep.tasks.abilities.Coherence`."""

    scores: Mapping[str, ScoreTable]
    sums: Mapping[str, ScoreTable]
    blocks: Sequence[Block]
    tree: Tree
    ways: Mapping[str, Way]

    @property
    def needs(self) -> Sequence[str]:
        """Targets whose sums must be forecast by themselves; the others are added up."""
        return [target for target, way in self.ways.items() if way.name != BOTTOM_UP]

    def taken_in(self, model: Model, members: Mapping[str, Sequence[tuple[Fitted, Mapping[str, float]]]]) -> Model:
        """The model with its levels."""
        kept = {target: [(cast(FittedMember, fitted), weights) for fitted, weights in own] for target, own in members.items()}
        return replace(cast(ForecastModel, model), upper=Upper(self.tree.levels, self.tree.nodes, kept, self.ways))


def cohere(own: Mapping[str, ScoreTable], sums: Mapping[str, ScoreTable], data: Dataset, panel: Panel, brief: Brief) -> Cohered:
    """Choose for every target how series and sums are made to add up.

    Args:
        own: judged scores of the series, by target.
        sums: out-of-fold scores of the sums; ``cluster`` counts the nodes in the order of their keys.
        data: the data set of the series.
        panel: the same on its grid.
        brief: of step 6.
    """
    levels = levels_of(brief.section.hierarchy, data.roles)
    tree = Tree.of(panel, levels)
    keys = tree.nodes.sort(tree.nodes.columns)
    places = node_places(keys, tree)
    whole = panel.shape[0] <= MOST_JUDGED
    scores, nodes, blocks, ways = {}, {}, list[Block](), {}
    for target, table in own.items():
        floor = bool((data.items[target].drop_nulls() >= 0).all())
        leads = leading_kpi(brief.kpis, target, brief.targets)
        side = Side.of(table.frame, sums[target].frame, places, tree)
        chosen = choose(side, tree, table.frame, "wape" if leads is None else leading_metric(leads), floor=floor, whole=whole)
        scores[target] = coherent_scores(table, chosen, floor=floor)
        nodes[target] = level_scores(table, chosen, tree, floor=floor)
        blocks += level_tables(target, chosen, tree, nodes[target], brief.seed)
        ways[target] = Way.of(chosen, tree)
    return Cohered(scores, nodes, blocks, tree, ways)
