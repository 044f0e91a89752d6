"""Commands for a project after release: ``observe``, ``decisions``, ``promote``, ``rollback`` and ``retrain``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sevenstep.cli.options import echo_json, json_option, project_options, warnings_told
from sevenstep.errors import InternalError
from sevenstep.wording import counted

if TYPE_CHECKING:
    from sevenstep.live.ledger.decisions import Decisions
    from sevenstep.live.recording import Arrival

__all__ = ["decisions", "observe", "promote", "retrain", "rollback"]

_MOST_TOLD = 10  # rows set aside that are told one by one


@click.command()
@project_options
@click.option("--input", "rows", type=click.Path(path_type=Path), required=True, help="File with what was observed.")
@click.option("--source", help="Who sends it, as the ledger notes it. [default: the name of the file]")
@click.option("--id", "ids", multiple=True, metavar="COLUMN", help="Column that names a row, where series and time do not.")
@json_option
def observe(
    spec: Path, store: Path | None, overrides: Sequence[str], rows: Path, source: str | None, ids: Sequence[str], as_json: bool
) -> None:
    """Take in what was observed after release of SPEC: actuals, corrections, late rows.

    The same file twice changes nothing. A column 'published' tells when a row became known; of two values the newest published
    counts. Rows of a task without series and time are named by --id, or by the 'prediction_id' that the server answered.
    """
    from sevenstep.project import Project

    arrival = Project(spec, store, overrides).observe(rows, source or rows.name, ids)
    if as_json:
        echo_json(arrival.to_json())
    else:
        _tell_arrival(arrival, rows.name)


def _tell_arrival(arrival: Arrival, name: str) -> None:
    if arrival.repeated:
        click.echo(f"{name} came before, as arrival {arrival.number} on {arrival.made:%Y-%m-%d %H:%M} UTC: nothing changed")
    parts = [f"{arrival.new:,} new", f"{counted(arrival.corrections, 'correction')}", f"{arrival.unchanged:,} unchanged"]
    parts += [f"{arrival.late:,} late"] if arrival.late else []
    parts += [f"{arrival.set_aside:,} set aside"] if arrival.set_aside else []
    click.echo(f"{counted(arrival.rows, 'row')}: {', '.join(parts)}")
    for finding in arrival.findings:
        click.echo(f"{finding.severity}: {finding.text}" + (f"; {finding.fix}" if finding.fix else ""))
    for row in arrival.aside.head(_MOST_TOLD).iter_rows(named=True):
        place = f"row {row['row']}" if row["row"] is not None else "a row"
        click.echo(f"set aside: {place}, {row['reason']}: {row['values']}")
    if arrival.set_aside > _MOST_TOLD:
        click.echo(f"and {arrival.set_aside - _MOST_TOLD:,} more, all kept in the ledger with the reason; see them with --json")


@click.command()
@project_options
@json_option
def decisions(spec: Path, store: Path | None, overrides: Sequence[str], as_json: bool) -> None:
    """Tell who or what decided what for SPEC, when and why; ends with exit code 3 where a decision was tampered with."""
    from sevenstep.project import Project

    found = Project(spec, store, overrides).decisions()
    if as_json:
        echo_json({"decisions": [asdict(one) for one in found.chain], "broken": found.broken})
        sys.exit(0 if found.broken is None else InternalError.exit_code)
    _tell_decisions(found)
    if found.broken is not None:
        given = f"decision {found.broken} is not as it was made, or one is missing before it"
        rule = "each decision holds the hash of the one before it"
        raise InternalError("DECISIONS-BROKEN", given, rule, "restore the ledger from a copy, and find out who changed it")


def _tell_decisions(found: Decisions) -> None:
    for one in found.chain:
        broken = found.broken is not None and one.number >= found.broken
        mark = click.style("✗", fg="red", bold=True) if broken else " "
        when, actor = click.style(f"{one.made:%Y-%m-%d %H:%M}", dim=True), click.style(f"{one.actor:<6}", bold=True)
        click.echo(f"{one.number:>4} {mark} {when}  {actor} {one.kind:<9} {one.text}")
    if not found.chain:
        click.echo("nothing was decided yet")


@click.command()
@click.argument("release", type=click.IntRange(min=1))
@project_options
@json_option
def promote(release: int, spec: Path, store: Path | None, overrides: Sequence[str], as_json: bool) -> None:
    """Let RELEASE of SPEC serve from now on: sevenstep promote 3."""
    from sevenstep.project import Project

    found = Project(spec, store, overrides).promote(release)
    _tell_champion(found.number, "serves", as_json)


@click.command()
@project_options
@json_option
def rollback(spec: Path, store: Path | None, overrides: Sequence[str], as_json: bool) -> None:
    """Let the release of SPEC serve that served before; damaged ones are passed over."""
    from sevenstep.project import Project

    found = Project(spec, store, overrides).rollback()
    _tell_champion(found.number, "serves again", as_json)


def _tell_champion(number: int, said: str, as_json: bool) -> None:
    if as_json:
        echo_json({"champion": number})
    else:
        click.echo(f"release {number} {said}")


@click.command()
@project_options
@click.option("--quiet", is_flag=True, help="Show no progress, only the result.")
@json_option
def retrain(spec: Path, store: Path | None, overrides: Sequence[str], quiet: bool, as_json: bool) -> None:
    """Run the steps of SPEC on the data as it has grown, and compare the new release with the champion.

    The newest observations are held back from learning and both are compared on them. The new release serves where it is better
    beyond noise; with operate.retrain.approve: owner it waits for sevenstep promote.
    """
    from sevenstep.project import Project

    with warnings_told():
        found = Project(spec, store, overrides).retrain(quiet=quiet or as_json)
    if as_json:
        echo_json(found.to_json())
        return
    end = {
        "promoted": f"release {found.challenger} serves",
        "proposed": f"release {found.challenger} is better and waits: sevenstep promote {found.challenger}",
        "kept": f"release {found.champion} stays",
    }[found.outcome]
    click.echo(f"{found.verdict.reason} ({counted(found.rows, 'row')})\n{end}")
