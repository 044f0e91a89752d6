"""Commands that use a release: ``predict`` and ``explain``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from sevenstep.cli.options import echo_json, json_option, project_options
from sevenstep.errors import InputError

__all__ = ["explain", "predict"]


@click.command()
@project_options
@click.option(
    "--input",
    "rows",
    type=click.Path(path_type=Path),
    help="File with rows to predict. [default: the rows whose target is missing]",
)
@click.option(
    "--output", type=click.Path(path_type=Path), help="File to write: .csv, .parquet, .jsonl or .xlsx. [default: the terminal]"
)
@json_option
def predict(
    spec: Path, store: Path | None, overrides: Sequence[str], rows: Path | None, output: Path | None, as_json: bool
) -> None:
    """Predict with the champion of SPEC: rows of a file, or the rows whose target is missing.

    Rows in which the target is known are taken as newer observations first, and are not predicted.
    """
    from sevenstep.live.predict import write_predictions
    from sevenstep.live.releases import champion
    from sevenstep.project import Project

    project = Project(spec, store, overrides)
    frame = project.predict(rows)
    if output is not None:
        write_predictions(frame, output)
        told = {"rows": len(frame), "output": str(output)}
        if as_json:
            echo_json(told)
        else:
            click.echo(f"{len(frame):,} predictions of release {champion(project.store).number} written to {output}")
    elif as_json:
        click.echo(frame.write_json())
    else:
        click.echo(frame.write_csv(), nl=False)


@click.command()
@project_options
@click.option("--series", multiple=True, metavar="KEY=VALUE", help="The series: one KEY=VALUE for each series column.")
@click.option("--date", help="The time to explain, as it stands in the data.")
@json_option
def explain(
    spec: Path, store: Path | None, overrides: Sequence[str], series: Sequence[str], date: str | None, as_json: bool
) -> None:
    """Tell what drove one prediction of SPEC, in units of the target: --series Store=12 --date 2015-07-01."""
    from sevenstep.project import Project

    project = Project(spec, store, overrides)
    item = dict(_pair(text) for text in series)
    if date is not None:
        time = project.spec.data.time
        item[time if isinstance(time, str) else "time"] = date
    found = project.explain(**item)
    if as_json:
        echo_json([asdict(explanation) for explanation in found])
        return
    for explanation in found:
        _print(explanation)


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise InputError(
            "EXPLAIN-SERIES", f"--series '{text}'", "a series is told as KEY=VALUE", "write for example --series Store=12"
        )
    return key.strip(), value.strip()


def _print(explanation: Any) -> None:
    item = ", ".join(f"{name} {value}" for name, value in explanation.item.items())
    click.secho(f"{explanation.target}, {item}", bold=True)
    click.echo(f"{explanation.start:>14,.2f}  {explanation.start_text}")
    small = 0.0
    for name, value, amount in explanation.parts:
        if abs(amount) < 0.005 * abs(explanation.prediction):
            small += amount
            continue
        said = f"{name} ({value})" if value else name
        click.echo(f"{amount:>+14,.2f}  {said}")
    if small:
        click.echo(f"{small:>+14,.2f}  all else, each under half a percent")
    click.echo(f"{explanation.prediction:>14,.2f}  prediction\n")
