"""One leader among several processes on a ledger: whoever holds the lease works, the others stand by.

A lease is renewed every few seconds and runs out when its holder does not come back. It is taken over only by a process that has
found it run out at two looks in a row: a long transaction of the holder's own work keeps everybody from writing, the holder's
renewal included, and once it ends the holder gets its turn before anyone may take its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from sevenstep.live.ledger.tables import leases

__all__ = ["LENGTH", "Leadership", "Lease", "lease_of"]

LENGTH = timedelta(seconds=12)


@dataclass(frozen=True)
class Lease:
    """Who leads, and until when unless it is renewed."""

    holder: str
    until: datetime


def lease_of(connection: sa.Connection, name: str) -> Lease | None:
    """The lease of this name, run out or not; None where nobody holds one."""
    row = connection.execute(sa.select(leases.c.holder, leases.c.until).where(leases.c.name == name)).one_or_none()
    return None if row is None else Lease(row.holder, row.until)


class Leadership:
    """One process's part in the choice of the leader.

    Args:
        holder: name of the process, never used by another one, not even a later one on the same machine.
        length: how long a lease holds after it was taken or renewed; the same for all processes on a ledger.
        name: what is led.
    """

    def __init__(self, holder: str, length: timedelta = LENGTH, name: str = "operate") -> None:
        self.holder = holder
        self.length = length
        self._name = name
        self._gone: Lease | None = None  # as it was found run out at the last look

    def hold(self, connection: sa.Connection, now: datetime) -> bool:
        """Take or renew the lease; whether this process leads. To be called every few seconds, within a write transaction.

        Time is that of the database where it has a clock of its own (PostgreSQL), else ``now``: machines need not agree.
        """
        moment = _moment(connection, now)
        found = lease_of(connection, self._name)
        if found is not None and found.holder != self.holder and not self._gone_twice(found, moment):
            return False
        self._gone = None
        connection.execute(leases.delete().where(leases.c.name == self._name))
        connection.execute(leases.insert().values(name=self._name, holder=self.holder, until=moment + self.length))
        return True

    def holds(self, connection: sa.Connection) -> bool:
        """Whether the lease is this process's; within a write transaction it stays so to the end of it."""
        found = lease_of(connection, self._name)
        return found is not None and found.holder == self.holder

    def leader(self, connection: sa.Connection) -> str:
        """Name of the process that leads; empty where none does."""
        found = lease_of(connection, self._name)
        return "" if found is None else found.holder

    def give_up(self, connection: sa.Connection) -> None:
        """Let another process lead at once; nothing happens where this one does not lead."""
        connection.execute(leases.delete().where(leases.c.name == self._name, leases.c.holder == self.holder))

    def _gone_twice(self, found: Lease, moment: datetime) -> bool:
        # An end further away than any lease lasts was written by a clock that has been set back since.
        valid = moment < found.until <= moment + 2 * self.length
        again = found == self._gone
        self._gone = None if valid else found
        return not valid and again


def _moment(connection: sa.Connection, now: datetime) -> datetime:
    """The time that counts for leases; on PostgreSQL that of this very statement, not of the transaction's begin."""
    if connection.dialect.name != "postgresql":
        return now
    said: datetime = connection.execute(sa.select(sa.func.clock_timestamp(type_=sa.DateTime(timezone=True)))).scalar_one()
    return said.astimezone(UTC)
