"""Commands for labels: ``labels queue``, ``errors``, ``rules``, ``agreement``, ``import`` and ``export``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from sevenstep.cli.options import echo_json, json_option, project_options, warnings_told
from sevenstep.wording import counted, percent

if TYPE_CHECKING:
    import polars as pl

    from sevenstep.data.labels.errors import Method
    from sevenstep.data.labels.queue import By
    from sevenstep.live.label_rules import Combine
    from sevenstep.live.labels import Labels
    from sevenstep.stats.agreement import Level

__all__ = ["labels"]

Function = TypeVar("Function", bound=Callable[..., Any])
SHOWN = 12  # rows printed where no file is written


@click.group()
def labels() -> None:
    """Rows to label next, labels that look wrong, rules that label, agreement of labellers, and label files in and out.

    Label files are .csv, .jsonl, or .json for Label Studio.
    """


def _output(required: bool = False) -> Callable[[Function], Function]:
    text = "File to write: .csv, .jsonl, or .json for Label Studio." + ("" if required else " [default: the first rows, here]")
    return click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=required, help=text)


def _label_option(function: Function) -> Function:
    return click.option("--label", default="label", show_default=True, help="Column or choice that holds the label.")(function)


def _classes_option(function: Function) -> Function:
    return click.option("--classes", metavar="A,B,...", help="The classes in their order; any other label is an error.")(function)


@labels.command()
@project_options
@click.option("--count", default=100, show_default=True, type=click.IntRange(1), help="How many rows.")
@click.option(
    "--by",
    type=click.Choice(["mixed", "uncertain", "diverse", "suspected"]),
    default="mixed",
    show_default=True,
    help="What to choose by; suspected gives labels that look wrong first.",
)
@click.option("--input", "rows", type=click.Path(path_type=Path), help="File with rows to choose from. [default: the unlabelled]")
@_output()
@json_option
def queue(
    spec: Path, store: Path | None, overrides: Sequence[str], count: int, by: str, rows: Path | None, output: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Choose the rows of SPEC whose labels would help most, with the reason for each.

    What is not in the store yet is run first, up to step 6. Where questions are answered, the rows are questions asked since
    release that were not answered, weakly supported, or answered to no help.
    """
    asked = _asked(spec, store, overrides, count)
    if asked is not None:
        _give(asked, output, as_json, {"questions": len(asked)}, f"{_counted(len(asked), 'question')} to look at")
        return
    with warnings_told():
        found = _labels(spec, store, overrides).queue(count, cast("By", by), rows)
    _give(found, output, as_json, {"rows": len(found)}, f"{_counted(len(found), 'row')} to label")


@labels.command()
@project_options
@click.option(
    "--false-flags", type=click.FloatRange(0, 0.5), help="Share of sound labels to be looked at in vain. [default: 0.1]"
)
@click.option(
    "--method", type=click.Choice(["house", "cleanlab"]), default="house", show_default=True, help="How many labels are shown."
)
@_output()
@json_option
def errors(
    spec: Path, store: Path | None, overrides: Sequence[str], false_flags: float | None, method: str, output: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Find labels of SPEC that look wrong: those a model that has not learnt from the row finds unlikely.

    What is not in the store yet is run first, up to step 6.
    """
    limit = {} if false_flags is None else {"false_flags": false_flags}
    with warnings_told():
        found = _labels(spec, store, overrides).errors(method=cast("Method", method), **limit)
    told = {"suspected": len(found.frame), "judged": found.judged, "noise": found.noise}
    said = f"{_counted(len(found.frame), 'suspect')} of {found.judged:,} labels; about {percent(found.noise)} of all seem wrong"
    _give(found.frame, output, as_json, told, said)


def _labels(spec: Path, store: Path | None, overrides: Sequence[str]) -> Labels:
    from sevenstep.live.labels import Labels
    from sevenstep.project import Project

    project = Project(spec, store, overrides)
    return Labels(project.spec, project.store, lambda: project.task)


@labels.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--rules", "rules_file", type=click.Path(path_type=Path), required=True, help="YAML file of the rules.")
@click.option("--target", help="Column with the labels known so far, by which rules are judged.")
@click.option(
    "--combine",
    type=click.Choice(["model", "weighted", "majority"]),
    default="model",
    show_default=True,
    help="How votes become one label.",
)
@_output()
@json_option
def rules(file: Path, rules_file: Path, target: str | None, combine: str, output: Path | None, as_json: bool) -> None:
    """Label the rows of FILE with rules: "{name: hot, when: {column: heat, operator: '>', value: 80}, label: fail}"."""
    from sevenstep.live.label_rules import label_with_rules

    found = label_with_rules(file, rules_file, target=target, combine=cast("Combine", combine))
    told = {"covered": found.covered, "known": found.known, "right": found.right, "rules": list(found.rules)}
    if not as_json:
        _table(found.rules, _RULE_HEADS)
    said = f"{found.covered:,} of {_counted(len(found.frame), 'row')} labelled"
    known = f"; {found.right:,} of {found.known:,} known labels right" if found.known else ""
    _give(found.frame, output, as_json, told, said + known)


_RULE_HEADS = {
    "name": "rule", "label": "label", "coverage": "covers", "overlaps": "overlaps", "conflicts": "conflicts",
    "accuracy": "right", "low": "from", "high": "to", "known": "known",
}  # fmt: skip


@labels.command()
@click.argument("file", type=click.Path(path_type=Path))
@_label_option
@click.option("--item", multiple=True, metavar="COLUMN", help="Column that names an item. [default: all others]")
@click.option("--labeller", multiple=True, metavar="COLUMN", help="Column of one labeller, where each has a column.")
@_classes_option
@click.option(
    "--level",
    type=click.Choice(["nominal", "ordinal", "interval"]),
    default="nominal",
    show_default=True,
    help="Whether labels are names, have an order, or are numbers.",
)
@_output()
@json_option
def agreement(
    file: Path, label: str, item: Sequence[str], labeller: Sequence[str], classes: str | None, level: str, output: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Hold the labellers of FILE against each other: kappa, alpha, one label an item, and what each labeller is worth."""
    from sevenstep.live.label_agreement import agreement as agree

    found = agree(file, label=label, item=item, labellers=labeller, classes=_split(classes), level=cast("Level", level))
    told = {"figures": list(found.figures), "labellers": list(found.labellers), "classes": list(found.classes)}
    if not as_json:
        _table(found.figures, {"measure": "measure", "who": "who", "value": "value", "low": "from", "high": "to", "n": "items"})
        _table(
            found.labellers,
            {"labeller": "labeller", "labels": "labels", "with_majority": "with majority", "accuracy": "accuracy"},
        )
    _give(found.frame, output, as_json, told, f"consensus of {_counted(len(found.frame), 'item')}")


@labels.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@_label_option
@_classes_option
@_output(required=True)
@json_option
def import_(file: Path, label: str, classes: str | None, output: Path, as_json: bool) -> None:
    """Turn a label FILE, such as an export of Label Studio, into rows with labeller and label.

    A task nobody has labelled stays as a row without a label.
    """
    from sevenstep.live.label_files import labels_from

    found = labels_from(file, label=label, classes=_split(classes))
    open_ = found["label"].null_count()
    told = {"rows": len(found), "without_label": open_}
    _give(found, output, as_json, told, _counted(len(found), "row") + (f", {open_:,} without a label" if open_ else ""))


@labels.command()
@click.argument("file", type=click.Path(path_type=Path))
@_label_option
@_classes_option
@_output(required=True)
@json_option
def export(file: Path, label: str, classes: str | None, output: Path, as_json: bool) -> None:
    """Turn a label FILE into tasks for Label Studio (.json), with its labels as annotations, or into .csv or .jsonl.

    With --classes it prints the labelling interface to paste there.
    """
    from sevenstep.data.labels.studio import labelling_interface
    from sevenstep.live.label_files import labels_from

    found, names = labels_from(file, label=label, classes=_split(classes)), _split(classes)
    fields = [name for name in found.columns if name not in ("label", "labeller", "suggested", "probability")]
    interface = labelling_interface(fields, names) if names else ""
    _give(found, output, as_json, {"rows": len(found), "interface": interface}, _counted(len(found), "row"))
    if interface and not as_json:
        click.echo(interface)


def _split(classes: str | None) -> list[str]:
    return [name.strip() for name in classes.split(",") if name.strip()] if classes else []


def _asked(spec: Path, store: Path | None, overrides: Sequence[str], count: int) -> pl.DataFrame | None:
    """Questions to look at; None where the project answers none."""
    from sevenstep.live.asked import answers_questions, questions_to_label
    from sevenstep.project import Project

    project = Project(spec, store, overrides)
    if not answers_questions(project.store):
        return None
    with project.operating() as operation:
        return questions_to_label(operation, count)


def _give(rows: pl.DataFrame, output: Path | None, as_json: bool, told: Mapping[str, Any], said: str) -> None:
    """Write the rows to a file, or print them; what is told of them goes with it."""
    from sevenstep.live.label_files import write_labels

    if output is not None:
        write_labels(rows, output)
    if as_json:
        where = {"output": str(output)} if output is not None else {"table": rows.to_dicts()}
        echo_json({**told, **where})
        return
    click.echo(f"{said}; written to {output}" if output is not None else said)
    if output is None:
        _table(rows.head(SHOWN).to_dicts(), {name: name for name in rows.columns[:8]})
        if len(rows) > SHOWN:
            click.echo(f"... and {len(rows) - SHOWN:,} more: --output FILE writes them all")


def _counted(count: int, noun: str) -> str:

    return counted(count, noun)


def _table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """Rows in aligned columns under these heads."""
    cells = [list(columns.values())] + [[_cell(row[key]) for key in columns] for row in rows]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    for number, line in enumerate(cells):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        click.secho(text, bold=number == 0)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
