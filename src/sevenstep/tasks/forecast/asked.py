"""What a person may ask of the comparison of forecasts."""

from __future__ import annotations

from collections.abc import Sequence

from sevenstep.spec.brief import Brief
from sevenstep.tasks.forecast.candidates import CATALOG, CHOICES, PARAMETERS, Entry, Situation
from sevenstep.tasks.wanted import Menu
from sevenstep.tasks.wanted import wanted as wanted_of

__all__ = ["MENU", "wanted"]

MENU = Menu(
    "a forecast",
    "FORECAST",
    [entry.name for entry in CATALOG],
    PARAMETERS,
    CHOICES,
    {"seasons": "numbers", "extra_trees": "truth"},
)


def wanted(brief: Brief, target: str, situation: Situation, catalog: Sequence[Entry]) -> list[Entry]:
    """The candidates of a target; see `sevenstep.tasks.wanted.wanted`."""
    return wanted_of(MENU, brief, target, catalog, lambda entry: entry.fits(situation))
