"""Forecasts as they would have been made on past days: a model that knows the past of each day, and nothing after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import polars as pl

from sevenstep.tasks.contract import Model

__all__ = ["LEADS", "leads_up_to", "replayed"]

LEADS = (1, 2, 3, 4, 5, 6, 7, 10, 14, 18, 21, 24, 28, 35, 42, 56, 70, 84)
"""Leads a curve is measured at, in steps: dense near the day, where refreshes pay most."""


def leads_up_to(horizon: int) -> list[int]:
    """The leads of `LEADS` within a horizon, and the horizon itself."""
    return sorted({lead for lead in LEADS if lead < horizon} | {horizon})


def replayed(model: Model, arrivals: Iterable[tuple[Any, pl.DataFrame]], leads: Sequence[int]) -> Iterator[pl.DataFrame]:
    """What the model predicts at some leads after each arrival of new actuals, in their order."""
    for _, rows in arrivals:
        model = model.refresh(rows)
        yield model.outlook(leads)
