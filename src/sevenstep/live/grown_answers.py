"""Documents and questions grown by what was observed: documents that came and went, and what was told of answers given."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from shutil import rmtree
from typing import Any

import polars as pl
import sqlalchemy as sa

from sevenstep.data.documents.observed import DOCUMENTS_FILE, TOLD, TOLD_FILE, same_words
from sevenstep.engine.durable import make_folder, replace_file
from sevenstep.live.arriving import PREDICTION_ID
from sevenstep.live.ledger.tables import item_key, observations, predictions
from sevenstep.live.observing import observed
from sevenstep.live.operation import Operation
from sevenstep.spec.model import Spec
from sevenstep.tasks.answers import DOCUMENT, DOCUMENT_ID, FEEDBACK

__all__ = ["KEY_OF_DATA", "Told", "documents_observed", "held_rows", "told_of_answers", "with_observed"]

KEY_OF_DATA = "observed"
"""Key of the ``data`` section that names what this module writes; a task that understands it grows this way."""


@dataclass
class Told:
    """A question of which it was told what is right: its answer, or the document that holds it.

    Args:
        question: as it was asked first.
        number: of the observation by which something right was known of it for the first time.
        published: when that was.
        said: ``answer``, ``document`` and ``wrong``, by what was told last.
    """

    question: str
    number: int
    published: datetime
    said: dict[str, str] = field(default_factory=dict)

    def row(self) -> dict[str, str | None]:
        """In the columns of `TOLD`."""
        return {"question": self.question, **{name: self.said.get(name) for name in TOLD if name != "question"}}


def told_of_answers(connection: sa.Connection, now: datetime) -> list[Told]:
    """What was told of served answers by ``now``, a question in the same words once, in the order it became known.

    An answer that helped is right as it was given, and so is the document it cites first. One that did not help tells only that
    its document is wrong, which counts beside what is right.
    """
    table = observations.c
    query = sa.select(table.id, table.key, table.columns, table.published)
    query = query.where(table.key.like(f'{{"{PREDICTION_ID}"%'), table.published <= now).order_by(table.confirmed, table.id)
    rows = list(connection.execute(query))
    served = _served(connection, {row.key for row in rows})
    found: dict[str, Told] = {}
    wrong: dict[str, str] = {}
    for number, key, columns, published in rows:
        if key not in served:
            continue
        question, answer = served[key]
        words, cited = same_words(question), next((one["document"] for one in answer.get("citations") or ()), None)
        feedback = {name: value for name in FEEDBACK if (value := json.loads(columns).get(name)) is not None}
        said: dict[str, str] = {name: str(feedback[name]) for name in ("answer", "document") if name in feedback}
        if feedback.get("helpful") is True and answer.get("prediction"):
            said = {"answer": answer["prediction"], **({"document": cited} if cited else {}), **said}
        if feedback.get("helpful") is False and cited:
            wrong[words] = cited
        if said:
            found.setdefault(words, Told(question, number, published)).said.update(said)
    for words, document in wrong.items():
        if words in found and found[words].said.get("document") != document:
            found[words].said["wrong"] = document
    return sorted(found.values(), key=lambda one: one.number)


def _served(connection: sa.Connection, keys: set[str]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Of each served answer among the keys its question and what was answered."""
    table, found = predictions.c, dict[str, tuple[str, Mapping[str, Any]]]()
    for row in connection.execute(sa.select(table.request, table.row, table.inputs, table.prediction, table.details)).mappings():
        key = item_key({PREDICTION_ID: f"{row['request']}-{row['row']}"})
        question = json.loads(row["inputs"]).get("question") if key in keys else None
        if question:
            found[key] = str(question), {"prediction": json.loads(row["prediction"]), **json.loads(row["details"])}
    return found


def held_rows(held: Sequence[Told], targets: Sequence[str]) -> pl.DataFrame:
    """Questions to be judged on: ``question_id``, ``question``, and in the column of the first target what is right."""
    truths = [{"answer": one.said.get("answer"), "document": one.said.get("document")} for one in held]
    others = {target: [None] * len(held) for target in targets[1:]}
    names = [str(one.number) for one in held]
    return pl.DataFrame({"question_id": names, "question": [one.question for one in held], targets[0]: truths, **others})


def documents_observed(operation: Operation, connection: sa.Connection, now: datetime) -> pl.DataFrame:
    """What was observed of documents by ``now``: of each the newest state of all that was told, in the columns of `DOCUMENT`."""
    rows = observed(operation, connection, 0, now).filter(pl.col(DOCUMENT_ID).is_not_null())
    return rows.select(list(DOCUMENT)).unique(DOCUMENT_ID, keep="last", maintain_order=True)


def with_observed(spec: Spec, folder: Path, documents: pl.DataFrame, told: Sequence[Told]) -> Spec:
    """The project with what was observed, written below ``folder`` under a name of its content, beside its own data."""
    content = {DOCUMENTS_FILE: _parquet(documents), TOLD_FILE: _parquet(pl.DataFrame([one.row() for one in told], schema=TOLD))}
    name = sha256(b"".join(content.values())).hexdigest()[:32]
    for older in make_folder(folder).iterdir():
        if older.is_dir() and older.name != name:
            rmtree(older, ignore_errors=True)
    own = make_folder(folder / name)
    for file, written in content.items():
        replace_file(own / file, written)
    place = os.path.relpath(own.resolve(), spec.base.resolve())
    return spec.model_copy(update={"data": spec.data.model_copy(update={KEY_OF_DATA: place})})


def _parquet(frame: pl.DataFrame) -> bytes:
    written = BytesIO()
    frame.write_parquet(written, compression="zstd", compression_level=1)
    return written.getvalue()
