"""What is known, read back from the ledger: of each cell of each item the value published last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import sqlalchemy as sa

from sevenstep.data.intake import intake
from sevenstep.live.arriving import PREDICTION_ID
from sevenstep.live.collected import Collected
from sevenstep.live.items import KEY, TIME, from_texts
from sevenstep.live.ledger.tables import observations
from sevenstep.live.served import inputs_of
from sevenstep.spec.model import Spec

__all__ = ["decoded", "known_rows", "newest", "with_earlier", "with_joined"]

_ROW = "__place__"


def known_rows(
    connection: sa.Connection,
    schema: Mapping[str, pl.DataType],
    after: int = 0,
    published_by: datetime | None = None,
    between: tuple[str, str] | None = None,
) -> pl.DataFrame:
    """What is known of each item, one row each: `items.KEY`, `items.TIME` and the columns of ``schema``, null where nothing is.

    Args:
        connection: of the ledger.
        schema: columns with the types they shall have.
        after: only items of which a row with a higher number than this came.
        published_by: only what was published by this moment; all when not given.
        between: texts between which the times of items lie; all when not given.
    """
    table = observations.c
    last: sa.ColumnElement[datetime] = table.confirmed
    if published_by is not None:
        last = sa.case((table.confirmed <= published_by, table.confirmed), else_=table.published)  # as it was known then
    statement = sa.select(table.key, table.time, table.columns).where(*_by(published_by))
    if between is not None:
        statement = statement.where(table.time.between(*between))
    if after:
        touched = sa.select(table.key, table.time).where(table.id > after, *_by(published_by)).distinct().subquery()
        statement = statement.join(touched, sa.and_(table.key == touched.c.key, table.time == touched.c.time))
    rows = connection.execute(statement.order_by(last, table.id)).all()
    told = pl.DataFrame({KEY: [row[0] for row in rows], TIME: [row[1] for row in rows]}, schema={KEY: pl.String, TIME: pl.String})
    values = decoded(pl.Series([row[2] for row in rows], dtype=pl.String), {PREDICTION_ID: pl.String(), **schema})
    found = told.hstack(values).group_by(KEY, TIME, maintain_order=True).agg(pl.all().drop_nulls().last())
    return _with_inputs(connection, found, schema)


def newest(connection: sa.Connection, published_by: datetime | None = None) -> int:
    """Highest number of an observation, of those published by a moment where one is given: what is known up to here.

    0 where there is none.
    """
    return int(connection.scalar(sa.select(sa.func.max(observations.c.id)).where(*_by(published_by))) or 0)


def _by(moment: datetime | None) -> list[sa.ColumnElement[bool]]:
    return [] if moment is None else [observations.c.published <= moment]


def decoded(texts: pl.Series, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """JSON objects as columns, in the types of ``schema``; null where an object lacks a field or it is of another type."""
    fields = texts.str.json_decode(pl.Struct(dict.fromkeys(schema, pl.String))).struct.unnest()
    return pl.DataFrame([from_texts(fields[name], kind) for name, kind in schema.items()])


def _with_inputs(connection: sa.Connection, rows: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The truth of served predictions beside what they were predicted from."""
    ids = rows[PREDICTION_ID].drop_nulls()
    if ids.is_empty():
        return rows.drop(PREDICTION_ID)
    served = list(inputs_of(connection, ids))
    texts = pl.Series([text for _, text in served], dtype=pl.String)
    inputs = decoded(texts, schema).with_columns(pl.Series(PREDICTION_ID, [name for name, _ in served], dtype=pl.String))
    return with_earlier(rows, inputs, [PREDICTION_ID]).drop(PREDICTION_ID)


def with_earlier(rows: pl.DataFrame, earlier: pl.DataFrame, on: Sequence[str]) -> pl.DataFrame:
    """The rows with their empty cells filled by those of ``earlier`` that agree in the columns ``on``."""
    both = [name for name in earlier.columns if name not in on]
    joined = rows.join(earlier, on=list(on), how="left", suffix="__", maintain_order="left")
    filled = [pl.coalesce(name, f"{name}__").alias(name) if name in rows.columns else pl.col(name) for name in both]
    return joined.select(*(name for name in rows.columns if name not in both), *filled)


def with_joined(spec: Spec, known: Collected, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their empty cells filled from the other sources of the spec, joined as they were in training."""
    others = [name for name in spec.data.tables() if name != spec.data.main()]
    if not others or rows.is_empty():
        return rows
    own = [name for name in rows.columns if rows[name].null_count() < len(rows) and not _composed(known, name)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        rows.select(own).write_parquet(path)
        taken = intake(spec.data.with_rows_from(str(path), joined=True), spec.base, given=True, one_row_per_time=False)
    numbered = rows.with_row_index(_ROW, offset=1).with_columns(pl.col(_ROW).cast(pl.Int64))
    added = [name for source in others for name in taken.source_columns[source]]
    found = taken.items.select(added).with_columns(taken.rows.alias(_ROW))
    plain = {name: name.removesuffix(f"_{source}") for source in others for name in taken.source_columns[source]}
    again = {name: short for name, short in plain.items() if name not in known.schema and short in own}
    found = found.rename(again)
    typed = found.with_columns(pl.col(name).cast(known.schema[name]) for name in found.columns if name in known.schema)
    return with_earlier(numbered, typed, [_ROW]).drop(_ROW)


def _composed(known: Collected, name: str) -> bool:
    return bool(known.roles.time_parts) and name == known.roles.time
