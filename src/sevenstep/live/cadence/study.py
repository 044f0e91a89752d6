"""What age does to a forecast, measured on the project's own past.

The members of the release are learnt anew from the data before a stretch of the past, which is then replayed step by step: each
time of its second half has been forecast at every lead, by a model that had seen neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.errors import InputError
from sevenstep.live.cadence.curve import Curve, age_curve
from sevenstep.live.refitting import Recipe, refitted
from sevenstep.live.replay import leads_up_to, replayed
from sevenstep.tasks.contract import Model, Task

__all__ = ["curve_of", "studied", "times_known", "with_truth"]

STRETCH = 28  # times judged at every lead, at most


def times_known(data: Dataset) -> list[Any]:
    """Times at which a target is known, oldest first."""
    known = pl.any_horizontal(pl.col(target).is_not_null() for target in data.roles.targets)
    found: list[Any] = data.items.filter(known)[str(data.roles.time)].unique().sort().to_list()
    return found


def studied(task: Task, recipe: Recipe, model: Model, data: Dataset, horizon: int, seed: int) -> pl.DataFrame:
    """Forecasts at the leads of a curve for the newest known times, with their ``truth``: rows for `Model.judge`.

    Args:
        task: of the project.
        recipe: what the run chose.
        model: the release's model.
        data: all that is known.
        horizon: longest lead, in steps.
        seed: seed of the fits.

    Raises:
        InputError: ``CADENCE-SHORT``, there is too little past for it.
    """
    times = times_known(data)
    judged = min(STRETCH, horizon)
    if len(times) < 3 * (horizon + judged):
        rule = f"the study of age needs {3 * (horizon + judged)} times, to learn from, to grow old and to be judged"
        fix = "shorten the horizon, or come back with more history"
        raise InputError("CADENCE-SHORT", f"the data have {len(times)} known times", rule, fix)
    start = len(times) - horizon - judged
    learnt = refitted(task, recipe, model, data.known_at(times[start - 1]), seed)
    name = str(data.roles.time)
    arrivals = ((moment, data.items.filter(pl.col(name) == moment)) for moment in times[start:-1])
    made = pl.concat(replayed(learnt, arrivals, leads_up_to(horizon)))
    return with_truth(made.filter(pl.col(name) > times[-judged - 1]), data)


def with_truth(made: pl.DataFrame, data: Dataset) -> pl.DataFrame:
    """Predictions beside what came true; those whose truth is not known are left out."""
    names = [*data.roles.keys, str(data.roles.time)]
    targets = list(data.roles.targets)
    truth = data.items.select(*names, *targets).unpivot(targets, index=names, variable_name="target", value_name="truth")
    return made.join(truth.drop_nulls("truth"), on=[*names, "target"], how="inner", nulls_equal=True, maintain_order="left")


def curve_of(model: Model, made: pl.DataFrame, target: str, metric: str, leads: Sequence[int], seed: int) -> Curve:
    """The curve of one target's metric over predictions with their truth."""
    return age_curve(model.judge(made.filter(pl.col("target") == target)), metric, leads, seed)
