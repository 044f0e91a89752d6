"""Refresh: new predictions for everything open from newer data, levels and bounds by what came true, without learning anew.

Every version is kept. Its rows are one Parquet file beside the ledger, named by its content and written before the ledger names
it: a crash between the two leaves a file nobody refers to, never a version without its rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from sevenstep.engine.durable import PARTIAL, make_folder, remove_abandoned, replace_file
from sevenstep.engine.fingerprints import fingerprint
from sevenstep.errors import InputError
from sevenstep.live.bounds import Stretch, stretch_of, stretched
from sevenstep.live.ledger.tables import versions
from sevenstep.live.lifting import DAYS, lifts_of
from sevenstep.live.monitor.released import Released
from sevenstep.live.operation import Operation
from sevenstep.live.standing import Standing, standing
from sevenstep.tasks.contract import Model
from sevenstep.tasks.lifts import Lift, lifts_from

__all__ = ["FOLDER", "Version", "read_version", "read_versions", "refresh"]

FOLDER = "forecasts"


@dataclass(frozen=True)
class Version:
    """One making of predictions for all that was open.

    Args:
        number: its place among the versions, from 1.
        made: when.
        release: number of the release that made it.
        origin: newest time of the data that was known, as ISO 8601 text; empty where time plays no part.
        first: first time predicted for, as ISO 8601 text.
        last: last time predicted for.
        observed: number of the newest observation it knew.
        rows: how many predictions.
        file: its Parquet file, relative to the store.
        checksum: SHA-256 of that file.
        input_hash: hash of all it was made from; the same inputs make no second version.
        stretch: factors of its bounds by target, see `sevenstep.live.bounds`.
        lifts: what forecasts of segments that moved were multiplied by, see `sevenstep.tasks.lifts`.
    """

    number: int
    made: datetime
    release: int
    origin: str
    first: str
    last: str
    observed: int
    rows: int
    file: str
    checksum: str
    input_hash: str
    stretch: Stretch
    lifts: Sequence[Lift] = ()

    def to_json(self) -> dict[str, Any]:
        """The version as JSON values."""
        return {**asdict(self), "made": self.made.isoformat()}


def refresh(operation: Operation, now: datetime, last: Standing | None = None) -> tuple[Version, Standing]:
    """Take in what was observed by ``now`` and predict everything open; nothing is done where nothing is new.

    Args:
        operation: the project after release.
        now: the moment of the refresh.
        last: where the refresh before left off; spares a process that stays the reading of it all.

    Returns:
        The version, the newest one where nothing has changed since, and where this refresh left off.

    Raises:
        InputError: there is no sound release, or nothing is open (``PREDICT-NO-ROWS``).
    """
    with operation.ledger.reading() as connection:
        known = standing(operation, connection, now, last)
        newest = _newest(connection)
        stretch = stretch_of(operation.store, known.release.number, _stretches(connection))
    made_from = fingerprint({"release": known.release.manifest["files"], "observed": known.observed, "stretch": stretch})
    if newest is not None and newest.input_hash == made_from and (operation.store / newest.file).is_file():
        return newest, known
    frame, lifts = _predicted(operation, known, newest.lifts if newest is not None else ())
    return _kept(operation, stretched(frame, stretch), now, known, made_from, stretch, lifts), known


def _predicted(operation: Operation, known: Standing, before: Sequence[Lift]) -> tuple[pl.DataFrame, Sequence[Lift]]:
    """Predictions of what is open, at the level that the newest days show, and the lifts that took."""
    made = known.model.outlook(known=DAYS)
    then = made.filter(pl.col("truth").is_not_null())
    frame = made.filter(pl.col("truth").is_null()).select(made.columns[: made.columns.index("truth")])
    if then.is_empty():
        return frame, []
    lifts = lifts_of(operation.spec, Released.of(operation, known.release), then.rename({operation.time: "time"}), before)
    return (_lifted(known.model, lifts), lifts) if lifts else (frame, [])


def _lifted(model: Model, lifts: Sequence[Lift]) -> pl.DataFrame:
    """Predictions of a model that knows of the lifts, so that what has to add up or to follow from others does."""
    told = {target: [one.to_json() for one in lifts if one.target == target] for target in {one.target for one in lifts}}
    return model.recalibrated({target: {"lifts": own} for target, own in told.items()}).outlook()


def _stretches(connection: sa.Connection) -> dict[int, Stretch]:
    """The factors of each version that had some."""
    rows = connection.execute(sa.select(versions.c.id, versions.c.stretch).where(versions.c.stretch != "{}"))
    return {number: json.loads(text) for number, text in rows}


def _kept(
    operation: Operation, frame: pl.DataFrame, now: datetime, known: Standing, made_from: str, stretch: Stretch,
    lifts: Sequence[Lift],
) -> Version:  # fmt: skip
    content = BytesIO()
    frame.write_parquet(content, compression="zstd", compression_level=1)
    checksum = hashlib.sha256(content.getvalue()).hexdigest()
    folder = make_folder(operation.store / FOLDER)
    remove_abandoned(folder.glob(f"*{PARTIAL}"))
    replace_file(folder / f"{checksum[:32]}.parquet", content.getvalue())
    times = _times(operation, frame)
    row = {
        "made": now, "release": known.release.number, "origin": _text(frame["origin"].max()), "first": _text(times.min()),
        "last": _text(times.max()), "observed": known.observed, "rows": len(frame),
        "file": f"{FOLDER}/{checksum[:32]}.parquet", "checksum": checksum, "input_hash": made_from,
    }  # fmt: skip
    with operation.ledger.writing() as connection:
        number = int(connection.scalar(sa.select(sa.func.max(versions.c.id))) or 0) + 1
        told = {"stretch": json.dumps(stretch), "lifts": json.dumps([one.to_json() for one in lifts], ensure_ascii=False)}
        connection.execute(versions.insert().values(id=number, **row, **told))
    return Version(number, **row, stretch=stretch, lifts=lifts)  # type: ignore[arg-type]  # the row's parts are the version's


def _times(operation: Operation, frame: pl.DataFrame) -> pl.Series:
    name = operation.time
    return frame[name] if name in frame.columns else frame["origin"]


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else "" if value is None else str(value)


def _newest(connection: sa.Connection) -> Version | None:
    found = connection.execute(sa.select(versions).order_by(versions.c.id.desc()).limit(1)).mappings().first()
    return None if found is None else _version(found)


def _version(row: sa.RowMapping) -> Version:
    parts = {name: row[name] for name in row if name not in ("id", "stretch", "lifts")}
    lifts = lifts_from(json.loads(row["lifts"]))
    return Version(number=row["id"], **parts, stretch=json.loads(row["stretch"]), lifts=lifts)


def read_versions(connection: sa.Connection, since: datetime | None = None, until: datetime | None = None) -> Sequence[Version]:
    """The versions made between two moments, oldest first."""
    query = sa.select(versions).order_by(versions.c.id)
    if since is not None:
        query = query.where(versions.c.made >= since)
    if until is not None:
        query = query.where(versions.c.made <= until)
    return [_version(row) for row in connection.execute(query).mappings()]


def read_version(store: Path, version: Version) -> pl.LazyFrame:
    """The rows of a version; raises InputError where its file is gone or is not what was written."""
    path = store / version.file
    if not path.is_file():
        given = f"the forecasts of version {version.number} are not in {path}"
        raise InputError("VERSION-GONE", given, "a version keeps its rows", "refresh makes the newest one again")
    return pl.scan_parquet(path)
