"""The score table of what was predicted and has come true since: the same table as in the comparison, on live rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from sevenstep.live.arriving import PREDICTION_ID
from sevenstep.live.asked import feedback_on
from sevenstep.live.collected import collected
from sevenstep.live.ledger.tables import item_key, observations, predictions
from sevenstep.live.observing import observed
from sevenstep.live.operation import Operation
from sevenstep.live.refreshing import read_version, read_versions
from sevenstep.live.releases import champion, releases
from sevenstep.live.standing import Standing, standing
from sevenstep.tasks.answers import FEEDBACK
from sevenstep.tasks.scoretable import ScoreTable, join_score_tables

__all__ = ["live_scores"]


def live_scores(
    operation: Operation, connection: sa.Connection, since: Any, until: Any, now: datetime, last: Standing | None = None
) -> ScoreTable | None:
    """Score what was predicted for the times ``since`` to ``until``, both included, with the truth known at ``now``.

    Where keys and time name a row, every version of the forecasts that was made before the time is scored, with its ``lead``;
    ``fold`` is the number of the version. Elsewhere the predictions served between the two moments are, by the model that made
    them.

    Args:
        operation: the project after release.
        connection: of its ledger.
        since: first time of the data (a date, a time or a step), or first moment of serving.
        until: last one.
        now: nothing published or made later is read.
        last: where an earlier look at the champion left off, see `standing`.

    Returns:
        The table, None where no prediction of these times has its truth yet.
    """
    if operation.task.grammar.one_row_per_time:
        return _of_versions(operation, connection, since, until, now, last)
    return _of_served(operation, connection, since, until)


def _of_versions(
    operation: Operation, connection: sa.Connection, since: Any, until: Any, now: datetime, last: Standing | None
) -> ScoreTable | None:
    known = None if last is None else standing(operation, connection, now, last)
    truth = _truth(operation, connection, since, until, now, known)
    named = [*operation.spec.data.series, operation.time, "target"]
    made = []
    for version in read_versions(connection, until=now):
        if _ends_before(version.last, since) or _ends_before(_text(until), version.first):
            continue
        rows = read_version(operation.store, version).with_columns(pl.lit(version.number).alias("version"))
        made.append(rows.join(truth.lazy(), on=named, how="inner", nulls_equal=True))
    found = [rows for rows in pl.collect_all(made) if len(rows)]
    if not found:
        return None
    known = known or standing(operation, connection, now)
    return known.model.judge(pl.concat(found, how="diagonal_relaxed"))


def _truth(
    operation: Operation, connection: sa.Connection, since: Any, until: Any, now: datetime, known: Standing | None
) -> pl.DataFrame:
    """The actuals between two times, one row each: keys, time, ``target`` and ``truth``."""
    time, targets = operation.time, list(operation.spec.targets)
    seen = None if known is None else known.rows_since(time, since)
    if seen is None:
        seen = observed(operation, connection, 0, now, (since, until))
    seen = seen.filter(pl.col(time).is_between(since, until))
    named = [*operation.spec.data.series, time]
    told = seen.with_columns(pl.col(targets).cast(pl.Float64)).unpivot(
        targets, index=named, variable_name="target", value_name="truth"
    )
    return told.drop_nulls("truth")


def _ends_before(text: str, time: Any) -> bool:
    """Whether a time of the ledger lies before another; counted steps are compared as numbers."""
    if not text:
        return False
    return float(text) < float(time) if isinstance(time, (int, float)) else text < _text(time)


def _text(time: Any) -> str:
    return time if isinstance(time, str) else time.isoformat() if hasattr(time, "isoformat") else str(time)


def _of_served(operation: Operation, connection: sa.Connection, since: datetime, until: datetime) -> ScoreTable | None:
    """Predictions served between two moments beside the truth observed since, each judged by the model that made it."""
    parts = [
        _model_of(operation, number).judge(rows).frame.with_columns(pl.lit(number).cast(pl.Int32).alias("fold"))
        for number, rows in _served(operation, connection, since, until)
    ]
    return join_score_tables([ScoreTable(part) for part in parts]) if parts else None


def _model_of(operation: Operation, number: int) -> Any:
    """The model of a release; that of the champion where the release is gone."""
    found = next((one for one in releases(operation.store) if one.number == number), None) or champion(operation.store)
    return operation.task.load_model(found.model_folder)


def _served(
    operation: Operation, connection: sa.Connection, since: datetime, until: datetime
) -> Iterator[tuple[int, pl.DataFrame]]:
    """For each release the predictions it served whose truth is known: inputs, prediction, what stands beside it, ``truth``."""
    table = predictions.c
    query = sa.select(predictions).where(table.made.between(since, until)).order_by(table.release, table.id)
    served = list(connection.execute(query).mappings())
    truths = _labels(operation, connection, served)
    by_release: dict[int, list[dict[str, Any]]] = {}
    for row in served:
        truth = truths.get(_id_of(row))
        if truth is not None:
            said = {"prediction": json.loads(row["prediction"]), **json.loads(row["details"])}
            by_release.setdefault(row["release"], []).append({**json.loads(row["inputs"]), **said, "truth": truth})
    for number, rows in by_release.items():
        yield number, pl.DataFrame(rows, infer_schema_length=None, strict=False)


def _id_of(row: sa.RowMapping) -> str:
    return f"{row['request']}-{row['row']}"


def _labels(operation: Operation, connection: sa.Connection, served: Sequence[sa.RowMapping]) -> Mapping[str, Any]:
    """The truth of each served prediction that was told, by its id; of an answer all that was told of it."""
    known, table = collected(operation.store), observations.c
    if known.beside:
        return {name: {**dict.fromkeys(FEEDBACK), **told} for name, told in feedback_on(connection, map(_id_of, served)).items()}
    target = known.roles.targets[0]
    ids = {item_key({PREDICTION_ID: _id_of(row)}): _id_of(row) for row in served}
    found: dict[str, Any] = {}
    rows = sa.select(table.key, table.columns).where(table.key.like(f'{{"{PREDICTION_ID}"%')).order_by(table.confirmed, table.id)
    for key, columns in connection.execute(rows):
        told = json.loads(columns).get(target)
        if key in ids and told is not None:
            found[ids[key]] = told
    return found
