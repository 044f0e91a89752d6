"""The command ``operate``: everything after release, by the calendar, until it is stopped."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sevenstep.cli.options import json_option, project_options, warnings_told
from sevenstep.errors import InputError, InternalError

if TYPE_CHECKING:
    from sevenstep.live.jobs.noting import Ended
    from sevenstep.live.operation import Operation
    from sevenstep.live.scheduling import Operator

__all__ = ["operate"]


@click.command()
@project_options
@click.option(
    "--inbox",
    type=click.Path(path_type=Path),
    help="Folder that files of observations arrive in; each is taken in once and moved to done/ or set-aside/ there.",
)
@click.option("--once", is_flag=True, help="Do what is due now and end; the exit code is that of the job that went worst.")
@json_option
def operate(spec: Path, store: Path | None, overrides: Sequence[str], inbox: Path | None, once: bool, as_json: bool) -> None:
    """Do what SPEC needs after release by the calendar, until stopped: take in files, refresh, monitor, retrain.

    Of several processes on one ledger one works and the others stand by; when it dies, another goes on within half a minute. What
    was missed while none ran is made up for once. Prints one line per job. On SIGTERM or Ctrl-C it starts nothing more, gives
    running jobs 20 seconds and ends with exit code 0.
    """
    from sevenstep.project import Project

    if inbox is not None and not inbox.is_dir():
        raise InputError("OPERATE-INBOX", f"--inbox {inbox} is not a folder", "files arrive in a folder", f"mkdir {inbox}")
    teller = _Teller(as_json)
    with warnings_told(), Project(spec, store, overrides).operating() as operation:
        operator = _operator(operation, inbox, teller)
        with _signals_to(operator.stop):
            ended = operator.once() if once else operator.run()
    sys.stdout.flush()
    code = teller.worst if once else 0
    if not ended:  # a thread cannot be stopped; every write is whole or not at all, so the process may end at any moment
        os._exit(code)
    sys.exit(code)


def _operator(operation: Operation, inbox: Path | None, teller: _Teller) -> Operator:
    from sevenstep.live.failing import alarm_of
    from sevenstep.live.leading import Leadership
    from sevenstep.live.pointers import settle
    from sevenstep.live.releases import champion
    from sevenstep.live.scheduling import Operator
    from sevenstep.live.works import works

    champion(operation.store)  # without a release there is nothing to operate
    leadership = Leadership(f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}")
    begin = partial(settle, operation)
    return Operator(operation.ledger, works(operation, inbox), leadership, _clock, teller, begin=begin, alarm=alarm_of)


def _clock() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _signals_to(stop: Callable[[], None]) -> Iterator[None]:
    """The first SIGTERM or SIGINT asks for a stop; a second one ends the process as it would any other."""

    def usual() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(number: int, frame: Any) -> None:
        usual()
        stop()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        usual()


class _Teller:
    """Says what happens, one line each, for people or as JSON; remembers the worst exit code of a job."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self.worst = 0

    def ended(self, job: Ended) -> None:
        """See `scheduling.Listener`."""
        self.worst = max(self.worst, job.exit_code)
        seconds = (job.ended - job.started).total_seconds()
        if self._as_json:
            more = {"text": job.text, "skipped": job.skipped, "again": job.again}
            self._print_json(job.ended, job=job.name, due=_text(job.due), seconds=seconds, outcome=job.state, **more)
            return
        notes = [f"{job.skipped} missed before it"] if job.skipped else []
        notes += ["taken up again"] if job.again else []
        said = f"{job.text} ({', '.join(notes)})" if notes else job.text
        click.echo(f"{_text(job.ended)}  {job.name:<8} due {_text(job.due)}  {seconds:7.1f} s  {_coloured(job.state)}  {said}")

    def turned(self, leads: bool, leader: str) -> None:
        """See `scheduling.Listener`."""
        now = _clock()
        if self._as_json:
            self._print_json(now, event="leads" if leads else "stands_by", leader=leader)
        else:
            click.echo(f"{_text(now)}  " + (f"leads, as {leader}" if leads else f"stands by while {leader} leads"))

    def hindered(self, reason: str) -> None:
        """See `scheduling.Listener`."""
        now, self.worst = _clock(), InternalError.exit_code
        if self._as_json:
            self._print_json(now, event="hindered", text=reason)
        else:
            click.echo(f"{_text(now)}  hindered: {reason}", err=True)

    def _print_json(self, now: datetime, **said: Any) -> None:
        click.echo(json.dumps({"time": _text(now), **said}, ensure_ascii=False))


def _coloured(state: str) -> str:
    return click.style(f"{state:<7}", fg={"done": "green", "stopped": "yellow"}.get(state, "red"))


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
