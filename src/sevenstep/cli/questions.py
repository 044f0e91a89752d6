"""Commands for questions where there are none: ``questions propose``, ``list``, ``accept`` and ``reject``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sevenstep.cli.options import echo_json, json_option
from sevenstep.errors import InputError
from sevenstep.wording import counted

if TYPE_CHECKING:
    from sevenstep.data.documents.golden import Proposal, State
    from sevenstep.spec import Spec

__all__ = ["questions"]


@click.group()
def questions() -> None:
    """Questions proposed from the documents, which count once a person has accepted them.

    They stand in golden.jsonl beside the spec, one a line, to be read and edited too: a better question, another answer.
    """


def _spec_option(function: click.decorators.FC) -> click.decorators.FC:
    text = "The project: file or folder."
    return click.option("--spec", default=".", type=click.Path(path_type=Path), show_default=True, help=text)(function)


@questions.command()
@_spec_option
@click.option("--count", default=50, show_default=True, type=click.IntRange(1), help="How many new ones at most.")
@json_option
def propose(spec: Path, count: int, as_json: bool) -> None:
    """Propose questions with their answers from the documents: definitions, figures, tables, sections.

    Nothing is sent anywhere, and the same documents give the same proposals.
    """
    from sevenstep.data.documents.golden import read_golden
    from sevenstep.data.documents.taking import read_documents
    from sevenstep.data.quarantine import Quarantine
    from sevenstep.data.record import Record
    from sevenstep.tasks.proposing import Proposes
    from sevenstep.tasks.registry import load_task

    read = _read(spec)
    task = load_task(read.task)
    if not isinstance(task, Proposes):
        raise _no_documents(read)
    path = _path(read)
    known = read_golden(path)
    corpus = read_documents(read.data, read.base, Record(), Quarantine())
    new = task.propose(corpus.documents, corpus.parts, count, known)
    _write(path, [*known, *new])
    if as_json:
        echo_json([asdict(one) for one in new])
        return
    click.echo(f"{counted(len(new), 'question')} proposed from {counted(len(corpus.documents), 'document')}, in {path.name}")
    _show(new[:12])
    if new:
        click.echo("next: sevenstep questions accept ID..., or edit the file")


@questions.command("list")
@_spec_option
@click.option("--state", type=click.Choice(["proposed", "accepted", "rejected"]), help="Only those in this state. [default: all]")
@json_option
def list_(spec: Path, state: State | None, as_json: bool) -> None:
    """List the proposals with their state."""
    from sevenstep.data.documents.golden import read_golden

    found = [one for one in read_golden(_path(_read(spec))) if state in (None, one.state)]
    if as_json:
        echo_json([asdict(one) for one in found])
        return
    _show(found)
    states = ", ".join(f"{sum(one.state == name for one in found):,} {name}" for name in ("proposed", "accepted", "rejected"))
    click.echo(states)


@questions.command()
@click.argument("ids", nargs=-1)
@_spec_option
@click.option("--all", "every", is_flag=True, help="All that are proposed and not yet decided.")
@json_option
def accept(ids: Sequence[str], spec: Path, every: bool, as_json: bool) -> None:
    """Accept proposals by their IDS: from the next run on they are questions of the project."""
    _decide(spec, ids, "accepted", every=every, as_json=as_json)


@questions.command()
@click.argument("ids", nargs=-1)
@_spec_option
@click.option("--all", "every", is_flag=True, help="All that are proposed and not yet decided.")
@json_option
def reject(ids: Sequence[str], spec: Path, every: bool, as_json: bool) -> None:
    """Reject proposals by their IDS: they are not proposed again."""
    _decide(spec, ids, "rejected", every=every, as_json=as_json)


def _decide(spec: Path, ids: Sequence[str], state: State, *, every: bool, as_json: bool) -> None:
    from sevenstep.data.documents.golden import read_golden
    from sevenstep.data.naming import did_you_mean

    path = _path(_read(spec))
    found = read_golden(path)
    known = {one.id for one in found}
    unknown = next((ident for ident in ids if ident not in known), None)
    if unknown is not None:
        given, rule = f"there is no proposal '{unknown}' in '{path.name}'", "a proposal is named by its id"
        raise InputError("GOLDEN-NO-ID", given, rule, did_you_mean(unknown, known) if known else "sevenstep questions propose")
    if not ids and not every:
        raise InputError(
            "GOLDEN-NO-ID", "no proposal is named", "name some by their ids", "or say --all; see: sevenstep questions list"
        )
    chosen = {one.id for one in found if one.id in ids or (every and one.state == "proposed")}
    decided = [replace(one, state=state) if one.id in chosen else one for one in found]
    _write(path, decided)
    if as_json:
        echo_json([asdict(one) for one in decided if one.id in chosen])
        return
    accepted = sum(one.state == "accepted" for one in decided)
    click.echo(f"{counted(len(chosen), 'proposal')} {state}; {counted(accepted, 'question')} accepted in all")


def _read(spec: Path) -> Spec:
    """The spec, which must be one with documents."""
    from sevenstep.data.documents.taking import holds_documents
    from sevenstep.spec import read_spec
    from sevenstep.tasks.registry import grammars

    read = read_spec(spec, grammars())
    if not holds_documents(read.data):
        raise _no_documents(read)
    return read


def _no_documents(spec: Spec) -> InputError:
    given, rule = f"the project '{spec.name}' has no documents", "questions are proposed from documents"
    return InputError("GOLDEN-NO-DOCUMENTS", given, rule, "go to a project that answers from documents")


def _path(spec: Spec) -> Path:
    from sevenstep.data.documents.golden import golden_path

    return golden_path(spec.data.golden, spec.base)


def _write(path: Path, proposals: Sequence[Proposal]) -> None:
    from sevenstep.data.documents.golden import render_golden
    from sevenstep.engine.durable import replace_file

    replace_file(path, render_golden(proposals).encode())


def _show(proposals: Sequence[Proposal]) -> None:
    for one in proposals:
        click.echo(f"{one.id}  {one.state:<8}  {one.kind:<10} {one.confidence:.2f}  {one.question}")
        click.echo(click.style(f"             {one.answer}  [{one.document}]", dim=True))
