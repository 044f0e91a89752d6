"""Commands for the two clocks: ``refresh``, ``cadence`` and ``rehearse``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sevenstep.cli.options import echo_json, json_option, project_options, warnings_told
from sevenstep.errors import InputError
from sevenstep.wording import counted

if TYPE_CHECKING:
    from sevenstep.live.cadence.calendar import Reckoned
    from sevenstep.live.rehearsal.figures import Lifting
    from sevenstep.live.rehearsal.planted import Shift
    from sevenstep.live.rehearsal.rehearse import Rehearsal

__all__ = ["cadence", "refresh", "rehearse"]

_MOMENTS = 8  # dues that are told one by one
_SHOWN = (28, 21, 14, 7, 3, 2, 1)  # leads of a curve that are told


@click.command()
@project_options
@json_option
def refresh(spec: Path, store: Path | None, overrides: Sequence[str], as_json: bool) -> None:
    """Predict everything open in SPEC again from what was observed since, without learning anew; each version is kept."""
    from sevenstep.project import Project

    with warnings_told():
        version = Project(spec, store, overrides).refresh()
    if as_json:
        echo_json(version.to_json())
        return
    known = f", knowing all up to {version.origin}" if version.origin else ""
    made = f"{counted(version.rows, 'prediction')} by release {version.release}{known}"
    click.echo(f"version {version.number}: {made}, in {version.file}")
    for lift in version.lifts:
        click.echo(f"lifted: {lift}")


@click.command()
@project_options
@json_option
def cadence(spec: Path, store: Path | None, overrides: Sequence[str], as_json: bool) -> None:
    """Tell how often a refresh of SPEC is worth it: error by age, the calendar computed from it, what it costs and gains."""
    from sevenstep.live.cadence.calendar import calendar, reckon
    from sevenstep.project import Project

    now = datetime.now(UTC)
    with Project(spec, store, overrides).operating() as operation, warnings_told():
        found, dues = reckon(operation, now), calendar(operation, now)
    if as_json:
        echo_json({**found.to_json(), "due": [due.isoformat() for due in dues]})
        return
    _tell_cadence(found, dues)


def _tell_cadence(found: Reckoned, dues: Sequence[datetime]) -> None:
    from sevenstep.stats.wording import figure, interval

    curve, chosen = found.curve, found.cadence
    click.secho(f"{curve.metric} by age of the newest data, on the same {curve.n[0]:,} items", bold=True)
    for place, lead in enumerate(curve.leads):
        told = interval(curve.loss[place], curve.low[place], curve.high[place], curve.metric)
        click.echo(f"  {_age(lead, found.step):>6}  {told}")
    click.echo(f"refresh {_calendar_text(found)}: {chosen.why}")
    for name, loss, cost in (
        ("chosen", chosen.loss, chosen.cost), ("at every step", chosen.every, chosen.every_cost),
        ("once", chosen.never, chosen.never_cost),
    ):  # fmt: skip
        priced = f", cost {cost:,.2f}" if cost is not None else ""
        click.echo(f"  {name:<14} {curve.metric} {figure(loss, curve.metric)}{priced}")
    if dues:
        listed = ", ".join(f"{due:%Y-%m-%d %H:%M}" for due in dues[:_MOMENTS])
        click.echo(f"due (UTC): {listed}{' ...' if len(dues) > _MOMENTS else ''}")


def _age(steps: int, step: float) -> str:
    """How old a forecast is, as people say it: ``D-7`` for days, hours for finer data."""
    return f"D-{steps}" if step >= timedelta(days=1).total_seconds() else f"{steps * step / 3600:g} h"


def _calendar_text(found: Reckoned) -> str:
    if found.cadence.period:
        gap = timedelta(seconds=found.cadence.period * found.step)
        whole = gap.days if gap >= timedelta(days=1) else 0
        return f"every {counted(whole, 'day')}" if whole else f"every {gap.total_seconds() / 3600:g} h"
    leads = (found.horizon, *found.cadence.leads)
    return f"for each day that counts at {', '.join(_age(lead, found.step) for lead in leads)}"


@click.command()
@project_options
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day to live through.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Last day to live through.")
@click.option(
    "--shift",
    metavar="COLUMN=VALUE:FACTOR",
    help="Live a second time with the actuals of one segment changed, as in State=BY:1.4.",
)
@json_option
def rehearse(
    spec: Path, store: Path | None, overrides: Sequence[str], first: datetime, last: datetime, shift: str | None, as_json: bool
) -> None:
    """Replay the past of SPEC day by day: run, observe, refresh, monitor, learn anew, each with what was known by then."""
    from sevenstep.live.rehearsal.looking import looker
    from sevenstep.live.rehearsal.rehearse import Plan
    from sevenstep.live.rehearsal.rehearse import rehearse as live_rehearse
    from sevenstep.project import Project
    from sevenstep.tasks.registry import grammars

    project = Project(spec, store, overrides)
    if last <= first:
        given = f"--to {last:%Y-%m-%d} is not after --from {first:%Y-%m-%d}"
        raise InputError("REHEARSE-DAYS", given, "a rehearsal lives through the days between", "give a later day with --to")
    budget = _START * project.spec.budget.time.seconds
    plan = Plan(first.date() - timedelta(days=1), last.date(), budget, _shift(shift) if shift else None)
    grammar = grammars()[project.spec.task]
    progress = _silent if as_json else _told
    with warnings_told():
        found = live_rehearse(project.spec, grammar, lambda: project.task, project.store, plan, looker(), progress)
    if as_json:
        echo_json(found.to_json())
    else:
        _tell_rehearsal(found)


_START = 0.4  # of the budget for the seven steps at the start; the days take the rest


def _told(text: str) -> None:
    """Tells on one line of the error stream what is being done; on lines of their own where nobody watches."""
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{text}", nl=False, err=True)
    elif not text.startswith("living"):
        click.echo(text, err=True)


def _silent(text: str) -> None:
    """Programs are told the outcome alone."""


def _shift(text: str) -> Shift:
    from sevenstep.live.rehearsal.planted import Shift

    name, sign, rest = text.partition("=")
    value, colon, factor = rest.rpartition(":")
    try:
        if sign and colon and name and value:
            return Shift(name, value, float(factor))
    except ValueError:
        pass
    rule = "a shift names a segment column, its value and a factor"
    raise InputError("REHEARSE-SHIFT", f"--shift {text}", rule, "write for example --shift State=BY:1.4")


def _tell_lifting(lifting: Lifting) -> None:
    from sevenstep.stats.wording import figure

    said = f"segments in {counted(lifting.versions, 'version')} of {lifting.of:,}"
    if lifting.loss is not None and lifting.plain is not None:
        lifted, plain = figure(lifting.loss, "wape"), figure(lifting.plain, "wape")
        said += f": wape {lifted} of {lifting.rows:,} predictions, {plain} otherwise"
    click.echo(f"levels lifted   {said}")


def _tell_rehearsal(found: Rehearsal) -> None:
    from sevenstep.stats.wording import figure, interval

    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)

    def share(value: float) -> str:
        return f"{value:+.1%}"

    click.echo(f"model           {', '.join(member['name'] or member['family'] for member in found.members)}")
    curve, cadence_, due = found.lived, found.cadence_beside, found.due_beside
    click.secho(f"{counted(found.days, 'day')} lived through, each with what was known by then", bold=True)
    at = {lead: place for place, lead in enumerate(curve.leads)}
    leads = [lead for lead in _SHOWN if lead in at]
    told = "  ".join(f"D-{lead} {figure(curve.loss[at[lead]], found.metric)}" for lead in leads)
    click.echo(f"error by lead   {found.metric}: {told}")
    every = f"every {counted(found.cadence.period, 'day')}"
    excess = f"{share(cadence_.excess)}, {share(cadence_.low)} to {share(cadence_.high)}"
    first, second = figure(cadence_.first, found.metric), figure(cadence_.second, found.metric)
    refreshes = f"{found.cadence.refreshes:.0%} of the refreshes"
    click.echo(f"cadence         {every}: {first} against {second} of every day ({excess}), {refreshes}")
    excess = f"{share(due.excess)}, {share(due.low)} to {share(due.high)}"
    click.echo(
        f"learning anew   {counted(len(found.refits), 'time')} when due: {figure(due.first, found.metric)} against "
        f"{figure(due.second, found.metric)} of {counted(found.weekly_refits, 'time')}, every week ({excess})"
    )
    click.echo(f"alarms          {counted(len(found.alarms), 'alarm')} in {counted(found.checks, 'look')} at these days")
    held = (f"{level} % {interval(one.value, one.low, one.high, f'coverage_{level}')}" for level, one in found.coverage.items())
    click.echo(f"bounds          hold of {found.coverage['80'].n:,} actuals: {', '.join(held)}")
    _tell_lifting(found.lifting)
    click.echo(f"audit           {counted(found.leaks, 'version')} knew what was published later")
    if found.shift:
        _tell_shift(found.shift)
    click.echo(f"took            {', '.join(f'{name} {seconds:.0f} s' for name, seconds in found.seconds.items())}")


def _tell_shift(shift: Mapping[str, Any]) -> None:
    from sevenstep.stats.wording import figure

    planted = f"{shift['column']} {shift['value']} x {shift['factor']:g} from {shift['from']}"
    if shift["alarmed"] is None:
        click.echo(f"planted shift   {planted}: not alarmed")
        return
    after = f"alarmed after {counted(shift['days_to_alarm'], 'day')}"
    days = shift["days_to_recover"]
    good = f"good again {counted(days, 'day')} after the alarm" if days is not None else "not good again"
    click.echo(f"planted shift   {planted}: {after}; learnt anew {counted(len(shift['refits']), 'time')}; {good}")
    weeks = (f"{figure(week['loss'], 'wape')} ({figure(week['without'], 'wape')})" for week in shift["weeks"])
    click.echo(f"                wape of it by week, without the shift in brackets: {', '.join(weeks)}")
