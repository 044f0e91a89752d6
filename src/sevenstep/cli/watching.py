"""Commands that watch a released model: ``monitor`` and ``alarms``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sevenstep.cli.options import echo_json, json_option, project_options, warnings_told
from sevenstep.errors import InputError
from sevenstep.wording import counted

if TYPE_CHECKING:
    from sevenstep.live.alarms import Alarm
    from sevenstep.live.monitor.performance import LiveKpi
    from sevenstep.live.monitor.watch import Watch
    from sevenstep.live.operation import Operation

__all__ = ["alarms", "monitor"]

ALARMED = 1
"""Exit code while an alarm is open."""


@click.command()
@project_options
@json_option
def monitor(spec: Path, store: Path | None, overrides: Sequence[str], as_json: bool) -> None:
    """Look at how SPEC does since its release: KPIs on live rows, shifts, drift, the data contract, silent series, bounds.

    Ends with exit code 1 while an alarm is open. What is new is told to the channels of the spec, once.
    """
    from sevenstep.live.monitor.watch import monitor

    with warnings_told(), _operating(spec, store, overrides) as operation:
        found = monitor(operation, datetime.now(UTC))
    if as_json:
        echo_json(found.to_json())
    else:
        _show(found)
    sys.exit(ALARMED if found.open else 0)


@contextmanager
def _operating(spec: Path, store: Path | None, overrides: Sequence[str]) -> Iterator[Operation]:
    from sevenstep.project import Project

    with Project(spec, store, overrides).operating() as operation:
        yield operation


def _show(found: Watch) -> None:
    _table([("KPI", "live", "rows", "goal", "state", "at release"), *(_kpi_row(one) for one in found.kpis)])
    if any(one.since for one in found.kpis):
        click.echo(f"live rows of {found.kpis[0].since} to {found.kpis[0].until}, predicted by release {found.release}")
    for check in found.checks:
        if check.kind == "estimate":
            click.echo(check.text)
    click.echo()
    for alarm in found.alarms:
        _tell(alarm, new=alarm.number in found.new)
    for alarm in found.ended:
        click.echo(f"ended: alarm {alarm.number}, {alarm.text}")
    for note in found.notes:
        click.echo(f"warning: {note}", err=True)
    looked = counted(len(found.checks), "check")
    click.echo(f"{looked}, {counted(len(found.open), 'alarm')} open" if found.alarms else f"{looked}, no alarm")


def _kpi_row(one: LiveKpi) -> tuple[str, ...]:
    from sevenstep.stats.wording import figure, goal_text, interval

    state = one.state
    sign, value = state.goal.split(maxsplit=1)
    goal = goal_text(sign, float(value), state.metric)
    told = interval(state.value, state.low, state.high, state.metric)
    return state.id, told, f"{state.n:,}", goal, state.state.replace("_", " "), figure(one.released, state.metric)


def _tell(alarm: Alarm, *, new: bool) -> None:
    mark = "new: " if new else f"{alarm.state}: " if alarm.state != "open" else ""
    about = f" (kpi:{alarm.kpi})" if alarm.kpi else ""
    click.secho(f"{mark}alarm {alarm.number}{about}: {alarm.text}", bold=new, fg="red" if alarm.state == "open" else None)
    if alarm.cause:
        click.echo(f"    likely cause: {alarm.cause}")
    click.echo(f"    {_evidence(alarm)}; seen {counted(alarm.times, 'time')} since {alarm.raised:%Y-%m-%d %H:%M} UTC")


def _evidence(alarm: Alarm) -> str:
    parts = [f"{name} {_short(alarm.evidence[name])}" for name in ("n", "p") if alarm.evidence.get(name) is not None]
    return ", ".join([*parts, str(alarm.evidence.get("method", ""))]).strip(", ") or "no figures"


def _short(value: Any) -> str:
    return f"{value:.2g}" if isinstance(value, float) else f"{value:,}"


def _table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for number, row in enumerate(rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        click.secho(line, bold=number == 0)


@click.group(invoke_without_command=True)
@click.pass_context
def alarms(context: click.Context) -> None:
    """Alarms that are alive, and what a person decides about one: acknowledge, snooze, resolve.

    Without a further word it lists those of the project in the current folder.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_alarms)


@alarms.command(name="list")
@project_options
@click.option("--all", "ended", is_flag=True, help="Also those that have ended.")
@json_option
def list_alarms(
    spec: Path = Path(),
    store: Path | None = None,
    overrides: Sequence[str] = (),
    ended: bool = False,
    as_json: bool = False,
) -> None:
    """List the alarms of SPEC that are alive, newest first."""
    from sevenstep.live.alarms import read_alarms

    with _operating(spec, store, overrides) as operation, operation.ledger.reading() as connection:
        found = read_alarms(connection, ended=ended)
    if as_json:
        echo_json({"alarms": [alarm.to_json() for alarm in found]})
        return
    for alarm in found:
        _tell(alarm, new=False)
    if not found:
        click.echo("no alarm is alive")


@alarms.command()
@click.argument("number", metavar="ID", type=click.IntRange(1))
@project_options
@json_option
def acknowledge(number: int, spec: Path, store: Path | None, overrides: Sequence[str], as_json: bool) -> None:
    """Note that a person has seen alarm ID of SPEC; it stays until it is resolved and is told no more."""
    from sevenstep.live import alarms as life

    with _operating(spec, store, overrides) as operation, operation.ledger.writing() as connection:
        alarm = life.acknowledge(connection, number, "owner", datetime.now(UTC))
    _said(alarm, as_json)


@alarms.command()
@click.argument("number", metavar="ID", type=click.IntRange(1))
@project_options
@click.option("--for", "length", default="1d", show_default=True, help="How long, such as 12h or 3d.")
@json_option
def snooze(number: int, spec: Path, store: Path | None, overrides: Sequence[str], length: str, as_json: bool) -> None:
    """Leave alarm ID of SPEC be for a while; where it is still so then, it opens again and is told again."""
    from sevenstep.live import alarms as life

    now = datetime.now(UTC)
    until = now + _length(length)
    with _operating(spec, store, overrides) as operation, operation.ledger.writing() as connection:
        alarm = life.snooze(connection, number, until, "owner", now)
    _said(alarm, as_json)


def _length(text: str) -> timedelta:
    from sevenstep.spec.units import Duration

    try:
        return timedelta(seconds=Duration.parse(text).seconds)
    except (ValueError, OverflowError) as error:
        rule = "an alarm is snoozed for a length of time"
        raise InputError("ALARM-LENGTH", f"--for '{text}'", rule, "write for example 12h or 3d") from error


@alarms.command()
@click.argument("number", metavar="ID", type=click.IntRange(1))
@project_options
@json_option
def resolve(number: int, spec: Path, store: Path | None, overrides: Sequence[str], as_json: bool) -> None:
    """Note that what alarm ID of SPEC tells is mended; seen once more, it is a new alarm."""
    from sevenstep.live import alarms as life

    with _operating(spec, store, overrides) as operation, operation.ledger.writing() as connection:
        alarm = life.resolve(connection, number, "owner", datetime.now(UTC))
    _said(alarm, as_json)


def _said(alarm: Alarm, as_json: bool) -> None:
    if as_json:
        echo_json(alarm.to_json())
    else:
        click.echo(f"alarm {alarm.number} is {alarm.state}: {alarm.text}")
