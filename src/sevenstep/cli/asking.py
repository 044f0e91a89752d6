"""The command that asks what would be: ``whatif``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sevenstep.cli.options import echo_json, json_option, warnings_told
from sevenstep.errors import InputError
from sevenstep.wording import counted

if TYPE_CHECKING:
    from sevenstep.tasks.abilities import WhatIf

__all__ = ["whatif"]


@click.command()
@click.argument("spec", default=".", type=click.Path(path_type=Path))
@click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for results. [default: .sevenstep beside the spec]",
)
@click.option("--set", "changes", multiple=True, metavar="INPUT=VALUE", help="An input known ahead and its other value.")
@click.option("--series", multiple=True, metavar="KEY=VALUE", help="Which series, by keys and segments. [default: all]")
@click.option("--from", "first", metavar="TIME", help="First time meant. [default: the first that waits]")
@click.option("--to", "last", metavar="TIME", help="Last time meant. [default: the last that waits]")
@click.option("--output", type=click.Path(path_type=Path), help="File to write the rows to: .csv, .parquet, .jsonl or .xlsx.")
@json_option
def whatif(
    spec: Path, store: Path | None, changes: Sequence[str], series: Sequence[str], first: str | None, last: str | None,
    output: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Tell what the champion of SPEC would predict if inputs were others: --set Promo=1 --series Store=12 --from 2015-08-01.

    The changed forecast stands beside the unchanged one, with bounds, for each series and in total. What history cannot tell is
    warned of: a value never seen, never with these series, or an input that always moved together with others.
    """
    from sevenstep.live.predict import write_predictions
    from sevenstep.project import Project

    project = Project(spec, store)
    with warnings_told():
        found = project.whatif(dict(map(_pair, changes)), dict(map(_pair, series)), first, last)
    if output is not None:
        write_predictions(found.rows, output)
    if as_json:
        told = {"rows": found.rows.to_dicts(), "totals": found.totals.to_dicts(), "warnings": list(found.warnings)}
        echo_json(told)
        return
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    _print(found, shown=output is None)


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        given, rule = f"'{text}'", "an input or a series is told as NAME=VALUE"
        raise InputError("WHATIF-PAIR", given, rule, "write for example --set Promo=1 --series Store=12")
    return key.strip(), value.strip()


def _print(found: WhatIf, *, shown: bool) -> None:
    if shown:
        click.echo(found.rows.write_csv(), nl=False)
    for row in found.totals.iter_rows(named=True):
        bounds = f"80 % from {row['lower_80_changed']:,.2f} to {row['upper_80_changed']:,.2f}"
        text = f"{row['prediction']:,.2f} -> {row['prediction_changed']:,.2f} ({row['difference']:+,.2f}; {bounds})"
        click.echo(f"{row['target']} of {counted(row['rows'], 'row')}: {text}", err=shown)
