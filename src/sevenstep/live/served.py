"""Predictions that were served, found again by the id the server answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import polars as pl
import sqlalchemy as sa

from sevenstep.data.quarantine import Quarantine
from sevenstep.live.arriving import PREDICTION_ID, Arriving
from sevenstep.live.ledger.tables import predictions

__all__ = ["inputs_of", "without_unserved"]

_AT_ONCE = 500  # requests asked for in one statement


def without_unserved(connection: sa.Connection, came: Arriving) -> Arriving:
    """Rows that name a prediction nobody was served are set aside; others are left as they are."""
    if not came.names_predictions or came.table.is_empty():
        return came
    ids = came.table[PREDICTION_ID]
    found = ids.is_in([name for name, _ in inputs_of(connection, ids.to_list())])
    quarantine = Quarantine()
    reason = "no prediction of this id was served"
    lost = came.table.filter(~found).select(pl.exclude("^__.*__$"))
    quarantine.set_aside("", lost, code="OBSERVE-UNSERVED", column=PREDICTION_ID, reason=reason)
    aside = pl.concat([came.aside, quarantine.frame()])
    return replace(came, table=came.table.filter(found), published=came.published.filter(found), aside=aside)


def inputs_of(connection: sa.Connection, ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    """For each id of a served prediction that is known, the id and what was predicted from (JSON), once."""
    wanted = set(ids)
    asked = sorted({name.rpartition("-")[0] for name in wanted})
    told = set()
    columns = [predictions.c[name] for name in ("request", "row", "inputs")]
    for start in range(0, len(asked), _AT_ONCE):
        rows = sa.select(*columns).where(predictions.c.request.in_(asked[start : start + _AT_ONCE]))
        for request, row, inputs in connection.execute(rows):
            name = f"{request}-{row}"
            if name in wanted and name not in told:
                told.add(name)
                yield name, inputs
