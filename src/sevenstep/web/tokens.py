"""Tokens: who may call the server, and for what. A token is shown once, when it is made; the ledger keeps its hash alone.

A token is 256 random bits, so its plain SHA-256 cannot be guessed back; no slow hash is needed, as one would be for a password.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sevenstep.data.naming import did_you_mean
from sevenstep.errors import InputError
from sevenstep.live.ledger.decisions import decide
from sevenstep.live.ledger.ledger import Ledger
from sevenstep.live.ledger.tables import tokens

__all__ = ["SCOPES", "Caller", "digest", "make_token", "read_callers", "revoke_token"]

SCOPES: Mapping[str, str] = {
    "predict": "ask for predictions and explanations",
    "observe": "send observations",
    "documents": "add, change and take out documents that answers come from",
    "read": "read forecasts, releases, KPIs, alarms, metrics and pages",
}
"""What a token may be good for."""

_PREFIX = "sevenstep_"  # lets a scanner of code and logs find a token that strayed


@dataclass(frozen=True)
class Caller:
    """The bearer of a token: its label, what it may do, when it was made and until when it holds.

    ``access`` names the tags of documents it may see, beside those that bear none.
    """

    label: str
    scopes: frozenset[str]
    made: datetime
    ends: datetime | None
    access: tuple[str, ...] = ()

    def may(self, scope: str, now: datetime) -> bool:
        """Whether the token holds now, for this scope."""
        return scope in self.scopes and self.holds(now)

    def holds(self, now: datetime) -> bool:
        """Whether the token has not ended."""
        return self.ends is None or now < self.ends


def digest(token: str) -> str:
    """The hash by which the ledger knows a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def make_token(
    ledger: Ledger, label: str, scopes: Sequence[str], now: datetime, ends: datetime | None = None, access: Sequence[str] = ()
) -> str:
    """A new token, which nobody can read again later; ``access`` names the tags of documents its bearer may see.

    Raises:
        InputError: ``TOKEN-SCOPE``, there is no such scope; ``TOKEN-LABEL``, the label is taken or empty.
    """
    for scope in scopes:
        if scope not in SCOPES:
            fix = did_you_mean(scope, list(SCOPES)) or "choose one of them"
            raise InputError("TOKEN-SCOPE", f"scope '{scope}'", f"the scopes are {', '.join(SCOPES)}", fix)
    token = _PREFIX + secrets.token_urlsafe(32)
    with ledger.writing() as connection:
        taken = connection.scalar(sa.select(tokens.c.id).where(tokens.c.label == label))
        if taken is not None or not label.strip():
            rule = "a token is told from others by its label"
            raise InputError(
                "TOKEN-LABEL", f"label '{label}' is taken or empty", rule, "choose another, or revoke that one first"
            )
        row = {"label": label, "digest": digest(token), "scopes": " ".join(dict.fromkeys(scopes)), "made": now, "ends": ends}
        connection.execute(tokens.insert().values(**row, access=json.dumps(list(dict.fromkeys(access)), ensure_ascii=False)))
        evidence = {"scopes": list(scopes), "ends": ends, "access": list(access)}
        decide(connection, now, "owner", "token", f"token {label}", f"token '{label}' may {', '.join(scopes)}", evidence)
    return token


def revoke_token(ledger: Ledger, label: str, now: datetime) -> None:
    """End a token; servers that run know within seconds. Raises InputError ``TOKEN-NONE`` where there is none."""
    with ledger.writing() as connection:
        known = list(connection.scalars(sa.select(tokens.c.label)))
        if label not in known:
            fix = did_you_mean(label, known) or "see sevenstep token list"
            raise InputError("TOKEN-NONE", f"there is no token '{label}'", "a token is revoked by its label", fix)
        connection.execute(tokens.delete().where(tokens.c.label == label))
        decide(connection, now, "owner", "token", f"token {label}", f"token '{label}' is revoked", {})


def read_callers(ledger: Ledger) -> Mapping[str, Caller]:
    """Every token by its hash."""
    with ledger.reading() as connection:
        rows = connection.execute(sa.select(tokens).order_by(tokens.c.id)).mappings().all()
    return {row["digest"]: _caller(row) for row in rows}


def _caller(row: sa.RowMapping) -> Caller:
    return Caller(row["label"], frozenset(row["scopes"].split()), row["made"], row["ends"], tuple(json.loads(row["access"])))
