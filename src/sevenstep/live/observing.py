"""Taking observations into the ledger, effectively once, and reading back what is known.

Each file is one transaction: a crash leaves nothing of it, and sending it again completes it. Of two values of a cell the one
published last counts, in whatever order they came in; a cell that says nothing leaves what was known.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import sqlalchemy as sa

from sevenstep.live.arriving import Rows, arriving
from sevenstep.live.collected import collected
from sevenstep.live.items import KEY, TIME
from sevenstep.live.operation import Operation
from sevenstep.live.recalling import known_rows, newest, with_joined
from sevenstep.live.recording import Arrival, record
from sevenstep.live.served import without_unserved

__all__ = ["newest", "observe", "observed"]


def observe(operation: Operation, rows: Rows, source: str, now: datetime, ids: Sequence[str] = ()) -> Arrival:
    """Take in what was observed: actuals, corrections, late rows, or the truth of served predictions.

    Rows are named by their keys and time where those name a row; else by the columns ``ids``, or by a column ``prediction_id`` as
    the server answered it. A column ``published`` (or the one that the main source names so) tells when a row became known.
    The same content twice is told and changes nothing; where rows of it were set aside, they are tried again, so that a mended
    contract lets them in.

    Args:
        operation: the project after release.
        rows: a file in any format a source may have, or mappings of column and value.
        source: who sends it, as the ledger notes it.
        now: when it arrives.
        ids: columns that name a row, where keys and time do not.

    Raises:
        InputError: there is no release; the file is not there or no table, or it lacks the columns that name rows.
    """
    known = collected(operation.store)
    by_time = operation.task.grammar.one_row_per_time
    came = arriving(operation.spec, operation.store, known, rows, ids, by_time=by_time)
    with operation.ledger.writing() as connection:
        return record(connection, without_unserved(connection, came), source, now)


def observed(
    operation: Operation,
    connection: sa.Connection,
    after: int = 0,
    published_by: datetime | None = None,
    between: tuple[Any, Any] | None = None,
) -> pl.DataFrame:
    """What is known of each item observed after release, as rows of the champion's data set, sorted by keys and time.

    Of each cell the value published last, null where no observation says one. Columns of the other sources of the spec are joined
    where rows lack them; the truth of a served prediction stands beside its inputs.

    Args:
        operation: the project after release.
        connection: of its ledger; all is read as of one state.
        after: only items of which an observation with a higher number than this came (see `newest`).
        published_by: only what was published by this moment; all when not given.
        between: first and last time of the data asked for, where they are dates or moments; more may come with them, never less.
    """
    known = collected(operation.store)
    told = known_rows(connection, known.observable, after, published_by, _texts(between))
    rows = with_joined(operation.spec, known, told.drop(KEY, TIME))
    named = [name for name in (*known.roles.keys, known.roles.time) if name is not None]
    untold = (pl.lit(None, kind).alias(name) for name, kind in known.schema.items() if name not in rows.columns)
    whole = rows.with_columns(untold).select(list(dict.fromkeys((*known.schema, *known.observable))))
    return whole.sort(named, maintain_order=True) if named else whole


def _texts(between: tuple[Any, Any] | None) -> tuple[str, str] | None:
    """The days around two times as the ledger writes them; None for counted steps, whose texts do not stand in their order."""
    if between is None or not all(isinstance(end, date) for end in between):
        return None
    days = [end.date() if isinstance(end, datetime) else end for end in between]
    return days[0].isoformat(), (days[1] + timedelta(days=1)).isoformat()
