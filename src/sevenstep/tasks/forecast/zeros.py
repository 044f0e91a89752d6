"""Steps without a row where a gap means no demand: the one place that turns them into rows with a target of 0.

`build_panel` calls it, and so do the steps that count rows or draw samples before they lay them on a grid; whoever reads a panel
need not know what a gap means.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from sevenstep.data.dataset import Roles
from sevenstep.tasks.forecast.clock import Clock
from sevenstep.tasks.forecast.settings import Settings

__all__ = ["telling_inputs", "with_zero_rows"]

_STEP, _LAST = "__step__", "__last__"
_MORE_OFTEN = 0.02  # share of values lacking in added rows, over that in recorded ones, from which the lack tells them apart


def with_zero_rows(items: pl.DataFrame, roles: Roles, settings: Settings, targets: Sequence[str] | None = None) -> pl.DataFrame:
    """The items and, after them, a row for every step without one, where ``settings.gaps`` is ``zero``; else the items.

    Added are the steps from the first known target of a series to the last observation of the panel (of the series, where each
    has a clock of its own); never the future. In an added row targets are 0 from their own first value on, static columns are
    those of the series, and what is known ahead has a value where the column is a fact of the calendar, the same for all series
    at every step. All else is unknown. A row that is there keeps what it says: a null target stays unknown.

    Args:
        items: rows with a time; ``targets`` (by default those of the roles) tell which rows are observed.
    """
    if settings.gaps != "zero":
        return items
    time = str(roles.time)
    clock = Clock.of(items[time], settings.frequency)
    rows = items.with_columns(clock.steps(pl.col(time)).alias(_STEP))
    known = rows.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in targets or roles.targets))
    steps = _all_steps(known, roles, shared=settings.shared)
    lacking = steps.join(rows, on=[*roles.keys, _STEP], how="anti", nulls_equal=True)
    if lacking.is_empty():
        return items
    times = clock.times(pl.col(_STEP)).cast(items.schema[time]).alias(time)
    zeros = [
        pl.when(pl.col(_STEP) >= pl.col(_first(name))).then(pl.lit(0).cast(items.schema[name])).alias(name)
        for name in roles.targets
    ]
    added = _described(lacking, known, roles).with_columns(times, *zeros)
    added = added.select(name for name in items.columns if name in added.columns)
    return pl.concat([items, added], how="diagonal")


def _first(target: str) -> str:
    return f"__first_{target}__"


def _all_steps(known: pl.DataFrame, roles: Roles, *, shared: bool) -> pl.DataFrame:
    """Every step each series should have, with the step of each target's first value."""
    step = pl.col(_STEP)
    firsts = [step.filter(pl.col(name).is_not_null()).min().alias(_first(name)) for name in roles.targets]
    ends = [step.min().alias(_STEP), step.max().alias(_LAST), *firsts]
    spans = (known.group_by(roles.keys, maintain_order=True).agg(ends) if roles.keys else known.select(ends)).drop_nulls(_STEP)
    last = pl.col(_LAST).max() if shared else pl.col(_LAST)
    return spans.with_columns(pl.int_ranges(_STEP, last + 1, dtype=pl.Int32).alias(_STEP)).drop(_LAST).explode(_STEP)


def _described(lacking: pl.DataFrame, known: pl.DataFrame, roles: Roles) -> pl.DataFrame:
    """Added rows with what their series and their step tell about them."""
    facts = _calendar_facts(known, roles)
    if facts:
        told = known.group_by(_STEP).agg(pl.col(facts).first())
        lacking = lacking.join(told, on=_STEP, how="left", maintain_order="left")
    if roles.static:
        own = known.group_by(roles.keys).agg(pl.col(roles.static).first())
        lacking = lacking.join(own, on=list(roles.keys), how="left", nulls_equal=True, maintain_order="left")
    return lacking


def _calendar_facts(known: pl.DataFrame, roles: Roles) -> list[str]:
    """Columns on which all series agree at every step, as far as any step has two of them."""
    names = [name for name in dict.fromkeys([*roles.known_ahead, *roles.time_parts.values()]) if name in known.columns]
    names = [name for name in names if name not in (roles.time, *roles.keys, *roles.targets)]
    shared = known.filter(pl.len().over(_STEP) > 1) if names else known.clear()
    if shared.is_empty():
        return []
    most = shared.group_by(_STEP).agg(pl.col(names).n_unique()).select(pl.col(names).max()).row(0, named=True)
    return [name for name in names if most[name] == 1]


def telling_inputs(items: pl.DataFrame, filled: pl.DataFrame, roles: Roles) -> dict[str, str]:
    """Known-ahead columns that must not be inputs, with the reason: that they lack a value would tell that nothing was sold.

    ``filled`` is what `with_zero_rows` made of ``items``.
    """
    added = filled[len(items) :]
    if added.is_empty():
        return {}
    reason = (
        "is not known for steps without a row, which count as 0: that it is missing would give the 0 away; "
        "give rows with a target of 0 for those steps"
    )
    lacks = {name: (added[name].null_count() / len(added), items[name].null_count() / len(items)) for name in roles.known_ahead}
    return {name: reason for name, (new, old) in lacks.items() if new > old + _MORE_OFTEN}
