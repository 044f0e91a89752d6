"""Commands that use a release: ``predict``, ``ask`` and ``explain``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sevenstep.cli.options import echo_json, json_option, project_options, warnings_told
from sevenstep.errors import InputError
from sevenstep.tasks.contract import predictions_made
from sevenstep.wording import counted, percent

if TYPE_CHECKING:
    from sevenstep.live.predict import Served
    from sevenstep.tasks.answers import Answer, Citation, Passage

__all__ = ["ask", "explain", "predict"]

SHOWN = 3  # passages named where there is no answer


@click.command()
@project_options
@click.option(
    "--input",
    "rows",
    type=click.Path(path_type=Path),
    help="File with rows to predict or questions to answer, or a folder of pictures. [default: the rows whose target is missing]",
)
@click.option("--documents", type=click.Path(path_type=Path), help="Other documents to answer from: file, folder or archive.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="File to write: .csv, .parquet, .jsonl or .xlsx. [default: the terminal]"
)
@json_option
def predict(
    spec: Path, store: Path | None, overrides: Sequence[str], rows: Path | None, documents: Path | None, output: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Predict with the champion of SPEC: rows of a file, or the rows whose target is missing.

    With --set, the newest release made with the same --set predicts. Rows in which the target is known are taken as newer
    observations first, and are not predicted. Questions (JSON lines with id and text, or a file in the form of SQuAD) are
    answered: id, answer, ranking of documents, citations, evidence.
    """
    from sevenstep.live import predict as live
    from sevenstep.project import Project

    project = Project(spec, store, overrides)
    with warnings_told():
        served = live.predict(project.spec, project.store, project.task, rows, project.overrides, documents)
    if output is not None:
        live.write_predictions(served.frame, output)
        _tell_written(served, output, as_json)
    elif as_json:
        click.echo(served.frame.write_json())
    else:
        click.echo(live.flat(served.frame).write_csv(), nl=False)


def _tell_written(served: Served, output: Path, as_json: bool) -> None:
    if as_json:
        echo_json({"rows": len(served.frame), "output": str(output), "release": served.release})
    else:
        click.echo(f"{counted(predictions_made(served.frame), 'prediction')} of release {served.release} written to {output}")


@click.command()
@click.argument("question")
@project_options
@click.option("--documents", type=click.Path(path_type=Path), help="Other documents to answer from: file, folder or archive.")
@click.option(
    "--access", multiple=True, metavar="TAG", help="Look only into documents without tags and with these. [default: all]"
)
@json_option
def ask(
    question: str, spec: Path, store: Path | None, overrides: Sequence[str], documents: Path | None, access: Sequence[str],
    as_json: bool,
) -> None:  # fmt: skip
    """Answer a QUESTION from the documents of SPEC, with citations, or say why there is no answer."""
    from sevenstep.live import predict as live
    from sevenstep.project import Project

    project = Project(spec, store, overrides)
    tags = list(access) or None
    with warnings_told():
        parts = live.ask(project.spec, project.store, project.task, question, project.overrides, documents, tags)
        for part in parts:
            if not isinstance(part, str):
                answer = part
            elif not as_json:
                click.echo(part, nl=False)
    if as_json:
        echo_json(answer.to_json())
    else:
        _print_answer(answer)


def _print_answer(answer: Answer) -> None:
    """What stands behind the text, which has been printed as it came."""
    if not answer.text:
        click.secho(f"No answer: {answer.refused}", bold=True)
        for passage in answer.evidence[:SHOWN]:
            click.echo(f"  nearest: {_place(passage)}")
        return
    sure = "" if answer.confidence is None else f"{percent(answer.confidence)} sure to be right"
    click.echo(f"\n\n{sure}" if sure else "")
    for number, one in enumerate(answer.citations, start=1):
        click.echo(f"[{number}] {_place(one)}: “{one.quote}”")


def _place(one: Citation | Passage) -> str:
    return ", ".join(part for part in (one.title, one.place, one.document) if part)


@click.command()
@project_options
@click.option("--series", multiple=True, metavar="KEY=VALUE", help="The series: one KEY=VALUE for each series column.")
@click.option("--date", help="The time to explain, as it stands in the data.")
@click.option("--row", type=click.IntRange(min=1), help="Number of the row to explain, where rows have no series.")
@click.option("--question", help="The question whose answer to explain.")
@json_option
def explain(
    spec: Path,
    store: Path | None,
    overrides: Sequence[str],
    series: Sequence[str],
    date: str | None,
    row: int | None,
    question: str | None,
    as_json: bool,
) -> None:
    """Tell what drove one prediction of SPEC, in units of the target: --series Store=12 --date 2015-07-01, or --row 3.

    With --question, tell which words found the first passage, and which passages carried the answer.
    """
    from sevenstep.project import Project

    project = Project(spec, store, overrides)
    item: dict[str, Any] = dict(_pair(text) for text in series)
    if row is not None:
        item["row"] = row
    if question is not None:
        item["question"] = question
    if date is not None:
        time = project.spec.data.time
        item[time if isinstance(time, str) else "time"] = date
    with warnings_told():
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
    scale, end = (100.0, " %") if explanation.unit == "probability" else (1.0, "")
    click.echo(f"{explanation.start * scale:>14,.2f}{end}  {explanation.start_text}")
    small = 0.0
    for name, value, amount in explanation.parts:
        if abs(amount) < 0.005 * abs(explanation.prediction):
            small += amount
            continue
        said = f"{name} ({value})" if value else name
        click.echo(f"{amount * scale:>+14,.2f}{end}  {said}")
    if small:
        click.echo(f"{small * scale:>+14,.2f}{end}  all else, each under half a percent")
    click.echo(f"{explanation.prediction * scale:>14,.2f}{end}  prediction\n")
