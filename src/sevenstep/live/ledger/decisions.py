"""The chain of decisions: who or what decided what, when, on which evidence; a change of any row is found.

Each row holds the hash of its content together with the hash of the row before it, so nobody can change, drop or slip in a row
without making all hashes after it anew. What was cut off at the end is found by the head, which is noted beside the chain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from sevenstep.engine.canonical import canonical_json
from sevenstep.live.ledger.tables import decisions, meta

__all__ = ["Decision", "Decisions", "broken_at", "decide", "read_decisions"]

_FIRST = "0" * 64
_HEAD = "head of decisions"


@dataclass(frozen=True)
class Decision:
    """One decision.

    Args:
        number: its place in the chain, from 1.
        made: when.
        actor: who or what decided: ``owner``, ``rule``, ``run``.
        kind: ``release``, ``promote``, ``rollback``, ``retrain``, ``alarm`` ...
        subject: what it is about, such as ``release 3`` or ``kpi:accuracy``.
        text: the decision in one sentence.
        evidence: the figures it rests on, JSON values.
    """

    number: int
    made: datetime
    actor: str
    kind: str
    subject: str
    text: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True)
class Decisions:
    """The chain as it stands.

    Args:
        chain: all decisions, oldest first.
        broken: number of the first that is not as it was made; None where all are.
    """

    chain: Sequence[Decision]
    broken: int | None

    @classmethod
    def of(cls, connection: sa.Connection) -> Decisions:
        """Read and checked in one."""
        return cls(read_decisions(connection), broken_at(connection))


def decide(
    connection: sa.Connection, now: datetime, actor: str, kind: str, subject: str, text: str, evidence: Mapping[str, Any]
) -> None:
    """Append a decision within the caller's write transaction, so that it stands with what it decides or not at all."""
    previous = connection.scalar(sa.select(decisions.c.hash).order_by(decisions.c.id.desc()).limit(1)) or _FIRST
    row = {
        "made": now.astimezone(UTC), "actor": actor, "kind": kind, "subject": subject, "text": text,
        "evidence": json.dumps(evidence, ensure_ascii=False, sort_keys=True, default=str),
    }  # fmt: skip
    link = _hash(previous, row)
    connection.execute(decisions.insert().values(**row, previous=previous, hash=link))
    connection.execute(meta.delete().where(meta.c.name == _HEAD))
    connection.execute(meta.insert().values(name=_HEAD, value=link))


def read_decisions(connection: sa.Connection) -> Sequence[Decision]:
    """All decisions, oldest first."""
    rows = connection.execute(sa.select(decisions).order_by(decisions.c.id)).mappings()
    return [_decision(row) for row in rows]


def _decision(row: sa.RowMapping) -> Decision:
    return Decision(
        row["id"], row["made"], row["actor"], row["kind"], row["subject"], row["text"], json.loads(row["evidence"])
    )  # fmt: skip


def broken_at(connection: sa.Connection) -> int | None:
    """Number of the first decision that is not as it was made (or does not follow the one before it); None where all are."""
    previous, number = _FIRST, 0
    for row in connection.execute(sa.select(decisions).order_by(decisions.c.id)).mappings():
        number = int(row["id"])
        if row["previous"] != previous or row["hash"] != _hash(previous, dict(row)):
            return number
        previous = str(row["hash"])
    head = connection.scalar(sa.select(meta.c.value).where(meta.c.name == _HEAD)) or _FIRST
    return None if head == previous else number + 1


def _hash(previous: str, row: Mapping[str, Any]) -> str:
    said = {name: row[name] for name in ("actor", "kind", "subject", "text", "evidence")}
    content = {"previous": previous, "made": row["made"].isoformat(timespec="microseconds"), **said}
    return hashlib.sha256(canonical_json(content, "decision")).hexdigest()
