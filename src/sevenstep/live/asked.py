"""Questions that were asked after release, and which of them are work for a person: unanswered, weakly supported, of no help.

A person who adds the right answer, or the document that holds it, gives the next run a question to learn from and the live KPIs
one to be measured on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from sevenstep.errors import InputError
from sevenstep.live.arriving import PREDICTION_ID
from sevenstep.live.collected import collected
from sevenstep.live.ledger.tables import item_key, observations, predictions
from sevenstep.live.operation import Operation
from sevenstep.tasks.answers import FEEDBACK
from sevenstep.wording import percent

__all__ = ["answers_questions", "feedback_on", "questions_to_label"]

WEAK = 0.5
"""Chance of being right below which an answer counts as weakly supported: it is more likely wrong than right."""

_MOST = 50_000  # questions looked at, the newest
_ORDER = ("disputed", "unanswered", "weak")
_SCHEMA = {
    PREDICTION_ID: pl.String, "question": pl.String, "why": pl.String, "reason": pl.String, "asked": pl.Int64,
    "answer": pl.String, "confidence": pl.Float64, "document": pl.String,
}  # fmt: skip


@dataclass
class _Asked:
    """One question however often it was asked; what is told of it is of the newest time."""

    name: str
    question: str
    prediction: Mapping[str, Any]
    times: int = 1
    said: dict[str, Any] = field(default_factory=dict)

    def why(self) -> tuple[str, str]:
        """Why it is work, as a word and as a sentence; empty where it is none or its truth was told already."""
        if self.said.get("answer") is not None or self.said.get("document") is not None:
            return "", ""
        if self.said.get("helpful") is False:
            return "disputed", "the asker said that the answer did not help"
        if self.prediction.get("refused") or not self.prediction.get("prediction"):
            return "unanswered", self.prediction.get("refused") or "there was no answer"
        sure = self.prediction.get("confidence")
        if isinstance(sure, (int, float)) and sure < WEAK:
            return "weak", f"the answer is right with a chance of {percent(sure)}"
        return "", ""

    def row(self, why: str, reason: str) -> dict[str, Any]:
        cited = [one["document"] for one in self.prediction.get("citations") or ()]
        ranked = list(self.prediction.get("ranking") or ())
        return {
            PREDICTION_ID: self.name, "question": self.question, "why": why, "reason": reason, "asked": self.times,
            "answer": self.prediction.get("prediction") or None, "confidence": self.prediction.get("confidence"),
            "document": next(iter([*cited, *ranked]), None),
        }  # fmt: skip


def answers_questions(store: Path) -> bool:
    """Whether the champion answers questions from documents; not where there is none."""
    try:
        return bool(collected(store).beside)
    except InputError:
        return False


def questions_to_label(operation: Operation, count: int) -> pl.DataFrame:
    """Questions whose answer a person should look at, in the order to look at them.

    First what an asker disputed, then what was refused, then answers more likely wrong than right; of each, those asked most
    often first. A question whose right answer or document was told (`FEEDBACK`) is done.

    Returns:
        ``prediction_id`` (names it in an observation), ``question``, ``why``, ``reason``, ``asked`` (times), ``answer`` (what was
        said, null where it was refused), ``confidence`` and ``document`` (cited first, else found first).
    """
    with operation.ledger.reading() as connection:
        asked = _newest(connection)
        told = feedback_on(connection, [name for one in asked for name in one[0]])
    work = []
    for names, one in asked:
        for name in names:
            one.said |= told.get(name, {})
        why, reason = one.why()
        if why:
            work.append(one.row(why, reason))
    work.sort(key=lambda row: (_ORDER.index(row["why"]), -row["asked"], row["confidence"] or 0.0))
    return pl.DataFrame(work[:count], schema=_SCHEMA)


def _newest(connection: sa.Connection) -> Sequence[tuple[list[str], _Asked]]:
    """The questions asked, those in the same words once, with the ids of all their answers, oldest first."""
    table = predictions.c
    columns = (table.request, table.row, table.inputs, table.prediction, table.details)
    found: dict[str, tuple[list[str], _Asked]] = {}
    for row in connection.execute(sa.select(*columns).order_by(table.id.desc()).limit(_MOST)).mappings():
        question = json.loads(row["inputs"]).get("question")
        details = json.loads(row["details"])
        if not question or details.get("cut"):
            continue
        name, same = f"{row['request']}-{row['row']}", " ".join(str(question).lower().split())
        if same in found:
            found[same][0].insert(0, name)
            found[same][1].times += 1
        else:
            said = {"prediction": json.loads(row["prediction"]), **details}
            found[same] = [name], _Asked(name, str(question), said)
    return list(found.values())


def feedback_on(connection: sa.Connection, ids: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
    """What was told of served answers, by the id of each: of every column of `FEEDBACK` the value published last."""
    wanted = {item_key({PREDICTION_ID: name}): name for name in ids}
    table = observations.c
    rows = sa.select(table.key, table.columns).where(table.key.like(f'{{"{PREDICTION_ID}"%')).order_by(table.confirmed, table.id)
    found: dict[str, dict[str, Any]] = {}
    for key, columns in connection.execute(rows):
        if key in wanted:
            told = json.loads(columns)
            found.setdefault(wanted[key], {}).update({name: told[name] for name in FEEDBACK if told.get(name) is not None})
    return {name: told for name, told in found.items() if told}
