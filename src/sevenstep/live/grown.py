"""The data a project was made from, grown by what was observed since: what a challenger learns from, and what it is judged on.

The newest part is held back from the challenger. Champion and challenger then predict the same rows, which neither has learnt
from, with the same knowledge of what was before: a verdict now, where waiting for new rows would cost as long as `shadow`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from sevenstep.data.clock import compose_time
from sevenstep.data.coercion import Expected, coerce
from sevenstep.data.quarantine import ROW, Quarantine
from sevenstep.data.record import Record
from sevenstep.data.sources import read_source
from sevenstep.engine.durable import PARTIAL, make_folder, remove_abandoned, replace_file
from sevenstep.errors import InputError
from sevenstep.live.collected import Collected, collected
from sevenstep.live.grown_answers import KEY_OF_DATA, documents_observed, held_rows, told_of_answers, with_observed
from sevenstep.live.items import KEY, TIME
from sevenstep.live.ledger.tables import observations
from sevenstep.live.observing import observed
from sevenstep.live.operation import Operation
from sevenstep.live.recalling import known_rows, newest, with_joined
from sevenstep.spec.model import Spec
from sevenstep.spec.sources import Data

__all__ = ["FOLDER", "Grown", "grown"]

FOLDER = "observed"
_DAY = 86_400.0


@dataclass(frozen=True)
class Grown:
    """Data grown by observations, in two parts.

    Args:
        spec: the project with the grown data in place of its main source; the newest truth is left out.
        known: what was observed, as rows of the data set, with what is held back hidden: brings the champion to the same state.
        held: rows whose truth was held back, with it.
        observed: number of the newest observation.
        since: where what is held back begins, in words.
    """

    spec: Spec
    known: pl.DataFrame
    held: pl.DataFrame
    observed: int
    since: str


def grown(operation: Operation, connection: sa.Connection, now: datetime) -> Grown:
    """The data set with what was observed by ``now``, written as one file into the store.

    The newest ``operate.retrain.shadow`` is held back, or the newer half of what came since the champion learnt where that is
    less, so that there is something new to learn as well as to judge by.

    Raises:
        InputError: ``RETRAIN-NOTHING-NEW``, no truth was observed since the champion learnt; or the main source is at fault.
    """
    if KEY_OF_DATA in operation.task.grammar.data_keys:
        return _by_answers(operation, connection, now)
    known = collected(operation.store)
    if operation.task.grammar.one_row_per_time:
        return _by_time(operation, connection, now, known)
    return _by_arrival(operation, connection, now, known)


def _by_time(operation: Operation, connection: sa.Connection, now: datetime, known: Collected) -> Grown:
    seen, time, targets = observed(operation, connection, 0, now), str(known.roles.time), known.roles.targets
    told = pl.any_horizontal(pl.col(target).is_not_null() for target in targets)
    learnt = pl.scan_parquet(known.items_file).filter(told).select(pl.col(time).max()).collect().item()
    last = seen.filter(told)[time].max()
    if last is None or last <= learnt:
        _nothing_new(f"the champion has learnt up to {learnt!s}, and nothing later was observed")
    cut = _cut(learnt, last, operation.spec.operate.retrain.shadow.seconds)
    later = pl.col(time) > cut
    hidden = [*targets, *(name for name in known.roles.observed if name not in known.roles.time_parts.values())]
    main = _Main(operation, known)
    own = known_rows(connection, main.schema, 0, now).drop(KEY, TIME)
    table = main.merged(own, [*known.roles.keys, *main.time_columns])
    names = [name for name in (*hidden, *operation.spec.flags) if name in table.columns]
    table = table.with_columns(pl.when(~main.times(table).gt(cut)).then(pl.col(name)).alias(name) for name in names)
    before = seen.with_columns(pl.when(~later).then(pl.col(name)).alias(name) for name in hidden)
    return Grown(main.spec_of(table), before, seen.filter(later & told), newest(connection, now), f"after {cut}")


def _cut(learnt: Any, last: Any, shadow: float) -> Any:
    """The time after which truth is held back: one step at least, half of what is new at most."""
    if isinstance(last, int):
        return last - max(1, min(round(shadow / _DAY), (last - learnt) // 2))
    if isinstance(last, datetime):
        return last - min(timedelta(seconds=shadow), (last - learnt) / 2)
    assert isinstance(last, date)
    return last - timedelta(days=max(1, min(round(shadow / _DAY), (last - learnt).days // 2)))


def _by_arrival(operation: Operation, connection: sa.Connection, now: datetime, known: Collected) -> Grown:
    main = _Main(operation, known)
    border = _border(connection, now - timedelta(seconds=operation.spec.operate.retrain.shadow.seconds), now)
    own = known_rows(connection, main.schema, 0, now)
    told = {name: known.schema[name] for name in known.types}
    newer = known_rows(connection, told, border, now)
    truth = pl.all_horizontal(pl.col(target).is_not_null() for target in known.roles.targets)
    held = with_joined(operation.spec, known, newer.filter(truth))
    if held.is_empty():
        _nothing_new("no truth was observed since")
    older = own.join(newer, on=KEY, how="anti")
    table = main.appended(older)
    rows = held.select(name for name in known.schema if name in held.columns)
    since = f"arrived after observation {border}"
    return Grown(main.spec_of(table), rows.clear(), rows, newest(connection, now), since)


def _by_answers(operation: Operation, connection: sa.Connection, now: datetime) -> Grown:
    """Documents are known to both, as they stand; of what was told of answers the newest part is held back."""
    told = told_of_answers(connection, now)
    moment = now - timedelta(seconds=operation.spec.operate.retrain.shadow.seconds)
    border = max(sum(one.published <= moment for one in told), (len(told) + 1) // 2 if len(told) > 1 else 0)
    if border >= len(told):
        _nothing_new("nothing right was told of an answer since")
    documents = documents_observed(operation, connection, now)
    spec = with_observed(operation.spec, operation.store / FOLDER, documents, told[:border])
    held = held_rows(told[border:], operation.spec.targets)
    return Grown(spec, documents, held, newest(connection, now), f"told from observation {told[border].number} on")


def _border(connection: sa.Connection, moment: datetime, now: datetime) -> int:
    """Number of the last observation that is not held back: of those older than the moment, or the older half."""
    table = observations.c
    numbers = list(connection.scalars(sa.select(table.id).where(table.published <= now).order_by(table.id)))
    older = connection.scalar(sa.select(sa.func.max(table.id)).where(table.published <= moment)) or 0
    return max(int(older), int(numbers[(len(numbers) - 1) // 2])) if len(numbers) > 1 else 0


def _nothing_new(given: str) -> None:
    rule, fix = "a challenger learns from what came since, and is judged on it", "observe actuals first: sevenstep observe"
    raise InputError("RETRAIN-NOTHING-NEW", given, rule, fix)


class _Main:
    """The main source as the spec reads it, and what becomes of it with other rows."""

    def __init__(self, operation: Operation, known: Collected) -> None:
        self.spec, self.store, self.known = operation.spec, operation.store, known
        self.name = self.spec.data.main()
        self.frame = self._read()
        self.schema = dict(self.frame.schema)
        if self.spec.flags:
            self.schema |= {target: pl.String() for target in known.roles.targets}

    @property
    def time_columns(self) -> list[str]:
        """The person's own columns of time."""
        roles = self.known.roles
        return list(roles.time_parts.values()) or ([roles.time] if roles.time else [])

    def _read(self) -> pl.DataFrame:
        data, roles = self.spec.data, self.known.roles
        source = data.tables()[self.name]
        needs = [*self.time_columns, *roles.keys, *roles.targets, *self.spec.flags]
        record, quarantine = Record(), Quarantine()
        raw = read_source(self.name, source, self.spec.base, record, quarantine, needs=[] if self.spec.flags else needs)
        times = [roles.time_parts["date"]] if "date" in roles.time_parts else [] if roles.time_parts else self.time_columns
        expected = Expected(
            targets=[*roles.targets, *self.spec.flags],
            times=times,
            keys=roles.keys,
            types=data.types,
            missing=(*data.missing, *source.missing),
            timezone=data.timezone,
        )
        return coerce(raw, self.name, expected, record, quarantine).drop(ROW)

    def times(self, table: pl.DataFrame) -> pl.Series:
        """The time of each row."""
        parts = self.known.roles.time_parts
        if not parts:
            return table[str(self.known.roles.time)]
        numbered = table.with_row_index(ROW).with_columns(pl.col(ROW).cast(pl.Int64))
        made = compose_time(numbered, self.name, parts, Record(), Quarantine())
        composed = made.select(ROW, pl.col(str(self.known.roles.time)))
        return numbered.select(ROW).join(composed, on=ROW, how="left", maintain_order="left").to_series(1)

    def merged(self, rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
        """The source with the rows taken in: what they say of the same keys and time replaces what it says, the others follow."""
        rows = self._flagged(rows)
        said = [name for name in self.frame.columns if name not in names]
        joined = self.frame.join(rows, on=list(names), how="left", nulls_equal=True, suffix="__", maintain_order="left")
        same = joined.select(
            *names, *(pl.coalesce(f"{name}__", name).alias(name) if f"{name}__" in joined.columns else name for name in said)
        )
        new = rows.join(self.frame, on=list(names), how="anti", nulls_equal=True)
        return pl.concat([same, new.sort(names)], how="diagonal").select(self.frame.columns)

    def appended(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The source with the rows taken in; those named by columns of the source replace what it says of them."""
        table = self.frame
        for (names,), part in (
            rows.with_columns(pl.col(KEY).map_elements(_columns_of, pl.String))
            .partition_by(KEY, as_dict=True, maintain_order=True)
            .items()
        ):
            own = json.loads(str(names))
            part = part.drop(KEY, TIME)
            if all(name in table.columns for name in own):
                kept, self.frame = self.frame, table
                table, self.frame = self.merged(part, own), kept
            else:
                table = pl.concat([table, self._flagged(part).select(table.columns)])
        return table

    def _flagged(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows with the class told by its flags, as the source tells it."""
        if not self.spec.flags:
            return rows
        named = pl.col(self.known.roles.targets[0])
        flags = [pl.coalesce((named == flag).cast(self.frame.schema[flag]), flag).alias(flag) for flag in self.spec.flags]
        return rows.with_columns(flags).drop(self.known.roles.targets[0])

    def spec_of(self, table: pl.DataFrame) -> Spec:
        """The project with the table, written into the store, in place of its main source."""
        content = BytesIO()
        table.write_parquet(content, compression="zstd", compression_level=1)
        folder = make_folder(self.store / FOLDER)
        remove_abandoned(folder.glob(f".*{PARTIAL}"))
        path = folder / f"{sha256(content.getvalue()).hexdigest()[:32]}.parquet"
        for older in folder.glob("*.parquet"):
            if older != path:
                older.unlink(missing_ok=True)
        if not path.exists():
            replace_file(path, content.getvalue())
        return self.spec.model_copy(update={"data": _read_from(self.spec.data, path, self.spec.base)})


def _columns_of(key: str) -> str:
    return json.dumps(sorted(json.loads(key))) if key else "[]"


def _read_from(data: Data, path: Path, base: Path) -> Data:
    """The section with a Parquet file as its main source, in all else the same."""
    tables, main = data.tables(), data.main()
    unset: dict[str, Any] = dict.fromkeys(("url", "query", "format", "delimiter", "encoding", "sheet"))
    own = tables[main].model_copy(update={"path": (os.path.relpath(path.resolve(), base.resolve()),), **unset})
    told = {**tables, main: own}
    alone: dict[str, Any] = dict.fromkeys(("source", "query", "format", "delimiter", "encoding", "sheet"))
    return data.model_copy(update={**alone, "sources": told})
