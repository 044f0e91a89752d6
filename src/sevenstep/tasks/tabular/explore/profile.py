"""Step 3 of the tabular tasks, put together: facts for the plan, insights, recipe, pictures and tables."""

from __future__ import annotations

from sevenstep.chapter import Block
from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.tasks.contract import Profile
from sevenstep.tasks.tabular.explore.findings import Findings, find
from sevenstep.tasks.tabular.explore.insights import rank_insights
from sevenstep.tasks.tabular.explore.pictures import drift_figure, gap_figure, separation_figures, strength_figure, target_figure
from sevenstep.tasks.tabular.explore.recipe import make_recipe
from sevenstep.tasks.tabular.explore.tables import alike_table, column_table, recipe_table

__all__ = ["explore"]


def explore(data: Dataset, brief: Brief) -> Profile:
    """What is in the data, and how it will be prepared.

    ``facts`` is that of `Findings.to_json`, ``recipe`` that of `make_recipe`. All kinds of inputs are measured alike, as the
    share of the target's entropy they explain; every relation told passed a test corrected for all inputs looked at.
    """
    from sevenstep.tasks.tabular.quality import quality_findings  # late: only this step draws control charts

    found = find(data, brief.seed)
    recipe = make_recipe(found)
    insights, quality = quality_findings(data, brief)
    blocks = [*_blocks(found), *quality, recipe_table(recipe), column_table(data, found)]
    return Profile(found.to_json(), [*rank_insights(found), *insights], recipe, blocks)


def _blocks(found: Findings) -> list[Block]:
    return [
        target_figure(found),
        *strength_figure(found),
        *separation_figures(found),
        *drift_figure(found),
        *gap_figure(found),
        *alike_table(found),
    ]
