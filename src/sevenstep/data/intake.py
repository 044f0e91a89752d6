"""From the ``data`` section of a spec to one clean table: read, type, join, check identity, sort.

Taking in the same sources twice gives the same rows in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.data.beside import typed_once
from sevenstep.data.clock import TIME, compose_time
from sevenstep.data.coercion import Expected, coerce
from sevenstep.data.documents.parsing import Kept
from sevenstep.data.documents.taking import holds_documents, take_corpus
from sevenstep.data.embedding.files import TABLE, EmbeddingFiles
from sevenstep.data.flags import compose_class
from sevenstep.data.identity import ordered, with_identity, without_duplicates
from sevenstep.data.joins import Joined, join_as_of, join_on_keys
from sevenstep.data.naming import did_you_mean
from sevenstep.data.pictures import named_pictures, with_pictures
from sevenstep.data.quarantine import ROW, Quarantine
from sevenstep.data.record import Record
from sevenstep.data.sources import read_source
from sevenstep.errors import InputError
from sevenstep.spec.sources import Data, Source

__all__ = ["Intake", "intake"]


@dataclass(frozen=True)
class Intake:
    """What came in.

    Args:
        items: the rows, in canonical types, sorted by keys and time (by place in the source where there are none).
        rows: for each of ``items`` the number of its row (from 1) in the main source, for whoever sets it aside later.
        source: name of the main source, which gives the rows.
        quarantine: rows set aside, in the columns of `quarantine.SCHEMA`.
        record: what was done, in order, as JSON values (see `Record`).
        source_columns: for each source, the columns of ``items`` that came from it.
        tables: for each source with ``published``, all its vintages, for backtests that see only what was known.
        time: name of the time column, or None.
        time_parts: the person's own columns by part where ``time`` was composed.
        keys: the series columns; of questions their id.
        beside: tables that stand beside the rows in the data set: the files of the model that ``data.embedding`` names, or the
            documents with what belongs to them.
    """

    items: pl.DataFrame
    rows: pl.Series
    source: str
    quarantine: pl.DataFrame
    record: list[dict[str, Any]]
    source_columns: Mapping[str, list[str]]
    tables: Mapping[str, pl.DataFrame]
    time: str | None
    time_parts: Mapping[str, str]
    keys: tuple[str, ...]
    beside: Mapping[str, pl.DataFrame] = field(default_factory=dict)


def intake(
    data: Data,
    base: Path,
    targets: Sequence[str] = (),
    *,
    flags: Sequence[str] = (),
    one_row_per_time: bool | None = None,
    given: bool = False,
    kept: Kept | None = None,
) -> Intake:
    """Take in the sources of a spec.

    Args:
        data: the ``data`` section; the source without ``on`` gives the rows, the others are joined to it.
        base: folder of the spec, which relative paths start from.
        targets: columns to be predicted; they must be there, and a text among their numbers costs its row.
        flags: flag columns of which the one target is composed (see `compose_class`).
        one_row_per_time: whether keys and time name a row, so that a second row of the same is a duplicate. By default so when
            the section has ``series``; say True for a single series, False where time is only a property (a wafer's test).
        given: whether these are rows to be predicted, which may be few and stay in their order: a column empty in all of them
            stays, and a joined source that has none of them is no fault.
        kept: what files of documents said when they were read earlier.

    Raises:
        InputError: a fault of the section or of the sources, as one sentence.
    """
    if holds_documents(data):
        return _with_documents(data, base, targets, kept)
    single = bool(data.series) if one_row_per_time is None else one_row_per_time
    return _Taking(data, base, targets, tuple(flags), given).run(single)


def _with_documents(data: Data, base: Path, targets: Sequence[str], kept: Kept | None) -> Intake:
    """Questions as rows, with the documents beside them."""
    record, quarantine = Record(), Quarantine()
    taken = take_corpus(data, base, record, quarantine, targets=targets, kept=kept)
    rows, items = taken.items[ROW].rename("row"), taken.items.drop(ROW)
    columns = {data.main(): items.columns}
    keys = (items.columns[0],)
    return Intake(items, rows, data.main(), quarantine.frame(), record.entries, columns, {}, None, {}, keys, taken.tables)


class _Taking:
    """One intake under way: what all its stages share."""

    def __init__(self, data: Data, base: Path, targets: Sequence[str], flags: tuple[str, ...], given: bool) -> None:
        self.data, self.base, self.targets, self.given = data, base, tuple(targets), given
        self.flags, self.named = flags, flags or self.targets
        self.sources = data.tables()
        self.main = data.main()
        self.parts: dict[str, str] = {} if data.time is None or isinstance(data.time, str) else data.time.columns()
        self.time = data.time if data.time is None or isinstance(data.time, str) else TIME
        self.keys = tuple(data.series or ())
        self.record, self.quarantine = Record(), Quarantine()
        self.tables: dict[str, pl.DataFrame] = {}

    def run(self, one_row_per_time: bool) -> Intake:
        embedding = self._embedding()
        # beside rows that are to be predicted, the other sources are as they were: nothing is said of them again
        kept = {name: self._kept(name) for name in self.sources if self.given and name != self.main}
        frames = {name: self._read(name, source) for name, source in self.sources.items() if name not in kept}
        self._check_columns(frames | kept)  # what was read goes as soon as it is typed: both at once would be twice the memory
        typed = {name: kept[name] if name in kept else self._typed(name, frames.pop(name)) for name in self.sources}
        items, source_columns = self._joined(typed)
        items = self._with_pictures(self._dropped(self._classed(items)))
        items = with_identity(items, self.main, self._identity(), self.quarantine)
        if one_row_per_time and self._identity():
            items = without_duplicates(items, self.main, self._identity(), self._own_targets(items), self.record, self.quarantine)
        items = ordered(self._checked_rows(items), [] if self.given else self._identity())
        there = {name: [column for column in columns if column in items.columns] for name, columns in source_columns.items()}
        aside = self.quarantine.frame()
        rows, items = items[ROW].rename("row").cast(pl.Int64), items.drop(ROW)
        said, beside = self.record.entries, {TABLE: embedding.table()} if embedding else {}
        return Intake(items, rows, self.main, aside, said, there, self.tables, self.time, self.parts, self.keys, beside)

    def _embedding(self) -> EmbeddingFiles | None:
        """The files of the embedding's model, which is opened first of all: what is wrong with it is told before any work."""
        if self.data.embedding is None:
            return None
        from sevenstep.data.embedding.embedder import open_embedder  # late: few projects have one

        files = EmbeddingFiles.read(self.data.embedding, self.base)
        text = f"'{files.model}' turns a picture into {open_embedder(files).sentence()}"
        self.record.add("embedding", text, checksum=files.checksum)
        return files

    def _with_pictures(self, items: pl.DataFrame) -> pl.DataFrame:
        """With pictures as bytes; every column of bytes holds pictures, and ``data.image`` may name one of paths."""
        held = [name for name, dtype in items.schema.items() if dtype == pl.Binary or name == self.data.image]
        for column in held:
            items = with_pictures(items, self.main, column, self.base, self.record, self.quarantine, given=self.given)
        return items

    def _classed(self, items: pl.DataFrame) -> pl.DataFrame:
        if not self.flags:
            return items
        return compose_class(items, self.main, self.flags, self.targets[0], self.record, self.quarantine)

    def _identity(self) -> list[str]:
        return [*self.keys, *([self.time] if self.time else [])]

    def _own_targets(self, items: pl.DataFrame) -> list[str]:
        return [target for target in self.targets if target in items.columns]

    def _read(self, name: str, source: Source) -> pl.DataFrame:
        if name == self.main:
            needs = [*self.keys, *self.parts.values(), *([self.time] if self.time and not self.parts else []), *self.named]
            needs += [key for other in self.sources.values() for key in other.on]
        else:
            needs = [*source.on.values(), *([source.published] if source.published else [])]
        frame = read_source(name, source, self.base, self.record, self.quarantine, needs=needs)
        return named_pictures(frame, self.data.image) if name == self.main else frame

    def _check_columns(self, frames: Mapping[str, pl.DataFrame]) -> None:
        """Every column the spec names must be there: time and series in the main source, the others in any."""
        main = [column for column in frames[self.main].columns if column != ROW]
        every = [column for frame in frames.values() for column in frame.columns if column != ROW]
        every += [TIME] if self.parts else []
        times = [*self.parts.values()] if self.parts else [self.time] if self.time else []
        for column in times:
            _must_be(column, main, "DATA-NO-TIME", "data.time must name a column of the main source")
        for column in self.keys:
            _must_be(column, main, "DATA-NO-SERIES", "data.series must name columns of the main source")
        for column in self.named:
            _must_be(column, every, "DATA-NO-TARGET", "the target must be a column of the data")
        image = [self.data.image] if self.data.image and not self.given else []
        for key, columns in (
            ("segments", self.data.segments),
            ("groups", self.data.groups),
            ("image", image),
            ("drop", self.data.drop),
            ("types", self.data.types),
            ("tolerances", self.data.tolerances),
        ):
            for column in columns:
                _must_be(column, every, "DATA-NO-COLUMN", f"data.{key} must name columns of the data")

    def _typed(self, name: str, frame: pl.DataFrame) -> pl.DataFrame:
        return coerce(frame, name, self._expected(name), self.record, self.quarantine)

    def _kept(self, name: str) -> pl.DataFrame:
        """A source that is joined, in canonical types."""
        source = self.sources[name]
        return typed_once(source, self.base, self._expected(name), lambda: self._typed(name, self._read(name, source)))

    def _expected(self, name: str) -> Expected:
        source = self.sources[name]
        times, keys = self._roles(name, source)
        return Expected(
            targets=self.named,
            times=times,
            keys=keys,
            types=self.data.types,
            missing=(*self.data.missing, *source.missing),
            timezone=self.data.timezone,
        )

    def _roles(self, name: str, source: Source) -> tuple[list[str], list[str]]:
        """The columns of a source that must be times, and its keys."""
        if name != self.main:
            return [source.published] if source.published else [], list(source.on.values())
        if self.parts:
            return [self.parts["date"]] if "date" in self.parts else [], list(self.keys)
        return [self.time] if self.time else [], list(self.keys)

    def _joined(self, frames: Mapping[str, pl.DataFrame]) -> tuple[pl.DataFrame, dict[str, list[str]]]:
        items = frames[self.main]
        if self.parts:
            items = compose_time(items, self.main, self.parts, self.record, self.quarantine)
        source_columns = {self.main: [column for column in items.columns if column != ROW]}
        for name, source in self.sources.items():
            if name != self.main:
                joined = self._join(items, frames[name], name, source)
                items, source_columns[name] = joined.items, list(joined.added)
        return items, source_columns

    def _join(self, items: pl.DataFrame, right: pl.DataFrame, name: str, source: Source) -> Joined:
        if source.published is None:
            return join_on_keys(items, right, name, source.on, self.record, must_match=not self.given)
        joined = join_as_of(items, right, name, source.on, self.time, source.published, self.record, must_match=not self.given)
        self.tables[name] = right.sort([*source.on.values(), source.published, ROW]).drop(ROW)
        return joined

    def _dropped(self, items: pl.DataFrame) -> pl.DataFrame:
        """Without the columns of ``data.drop`` and without inputs that are null in every row."""
        needed = {*self._identity(), *self.targets, *self.data.segments, *self.data.groups}
        drop = self.data.drop or ()
        for column in drop:
            if column in needed:
                given = f"data.drop names '{column}', which the spec also uses as target, time, series or segment"
                raise InputError("DATA-DROP", given, "a column is either used or dropped", f"take '{column}' out of data.drop")
        empty = [name for name in items.columns if name not in needed and items[name].null_count() == items.height]
        empty = [] if self.given else empty
        for column in empty:
            text = f"column '{column}' has no value in any row"
            self.record.add("dropped", text, source=self.main, column=column, rows=items.height)
        return items.drop(*drop, *empty, strict=False)

    def _checked_rows(self, items: pl.DataFrame) -> pl.DataFrame:
        if items.is_empty():
            aside = self.quarantine.frame()
            reason = aside["reason"].mode().sort()[0]
            given = f"all {aside.height:,} rows were set aside, most often because {reason}"
            raise InputError("DATA-NOTHING-LEFT", given, "some rows must be usable", "mend the source, or data.types")
        for target in self.targets:
            if items[target].null_count() == items.height:
                given, fix = f"the target '{target}' has no value in any row", "check the source and data.missing"
                raise InputError("DATA-TARGET-EMPTY", given, "there must be rows to learn from", fix)
        return items


def _must_be(column: str, options: Sequence[str], code: str, rule: str) -> None:
    if column not in options:
        raise InputError(code, f"'{column}' is not a column of the data", rule, did_you_mean(column, options))
