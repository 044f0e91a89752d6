"""The baseline ladder: simple rules at the same origins, the floor any model has to beat."""

from __future__ import annotations

from collections.abc import Iterable

from sevenstep.stats.scored import FloatArray
from sevenstep.tasks.forecast.families.naive import RULES, NaiveMember
from sevenstep.tasks.forecast.feasibility.material import Material

__all__ = ["climb", "rungs_of"]


def rungs_of(material: Material, named: Iterable[str | None]) -> list[str]:
    """Rules that make sense for the data, and those a KPI names."""
    rules = ["naive", "moving_average"]
    if material.settings.season > 1:
        rules.append("seasonal_naive")
    if material.recipe.events:
        rules.append("same_event")
    wanted = {name for name in named if name in RULES}
    return [rule for rule in RULES if rule in wanted or rule in rules]


def climb(material: Material, rules: Iterable[str]) -> dict[str, FloatArray]:
    """Each rule's predictions of the judged rows."""
    question, season = material.question, max(material.settings.season, 1)
    return {rule: NaiveMember(rule, season, material.recipe).predict(question) for rule in rules}
