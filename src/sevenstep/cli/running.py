"""Commands around a run: ``plan``, ``run`` and ``show``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sevenstep.cli.options import echo_json, json_option, project_options
from sevenstep.errors import InputError
from sevenstep.wording import counted

if TYPE_CHECKING:
    from sevenstep.engine.results import StepResult
    from sevenstep.project import Project, Run

__all__ = ["plan", "run", "show"]

STEPS = ("define", "collect", "prepare", "design", "train", "tune", "operate")
_MARKS = {"met": "✓", "go": "✓", "missed": "✗", "no_go": "✗", "go_with_risk": "!", "warn": "!", "not_measured": "?", "": " "}
_COLOURS = {"✓": "green", "✗": "red", "!": "yellow", "?": "yellow"}


@click.command()
@project_options
@click.option("--until", type=click.Choice(STEPS), help="Stop after this step.")
@click.option("--anyway", is_flag=True, help="Go on although the verdict is no_go.")
@click.option("--quiet", is_flag=True, help="Show no progress, only the result.")
@json_option
def run(
    spec: Path, store: Path | None, overrides: Sequence[str], until: str | None, anyway: bool, quiet: bool, as_json: bool
) -> None:
    """Run the seven steps of SPEC, a file or a folder. Only what changed since the last run runs again.

    What a run with --set makes is released beside the champion and leaves it as it is; predict with the same --set uses it.
    """
    from sevenstep.project import Project

    project = Project(spec, store, overrides)
    shown = (lambda step: None) if as_json else _print_step
    result = project.run(until=until, anyway=anyway, quiet=quiet or as_json, on_step=shown)
    if as_json:
        echo_json(_as_json(result))
    else:
        _print_end(result, overrides)
    sys.exit(result.result.exit_code)


def _print_step(step: StepResult) -> None:
    mark = _MARKS[step.gate]
    coloured = click.style(mark, fg=_COLOURS.get(mark), bold=True)
    took = "cached" if step.cached else f"{step.seconds:.1f} s"
    number = STEPS.index(step.name) + 1
    click.echo(f"{number} {coloured} {click.style(f'{step.name:<8}', bold=True)} {step.headline}  {click.style(took, dim=True)}")


def _print_end(result: Run, overrides: Sequence[str]) -> None:
    if result.status == "no_go":
        for remedy in _remedies(result):
            click.echo(f"what would help: {remedy}")
        click.echo("stopped: the verdict is no_go. See the evidence with 'sevenstep show define', or go on with --anyway.")
    if result.release is not None:
        _print_release(result.release, result.champion, overrides)
    if result.status == "missed":
        click.echo("a KPI is missed, so the exit code is 1: sevenstep show tune")
    if result.report is not None:
        click.echo(f"report: {result.report}")


def _print_release(release: int, champion: int | None, overrides: Sequence[str]) -> None:
    """Which release serves, and how to predict with the one of this run."""
    if release == champion:
        click.echo(f"release {release} is the champion: sevenstep predict --output predictions.csv")
        return
    if not overrides:
        click.echo(
            f"release {champion} serves, chosen since release {release} was made: sevenstep promote {release} changes that"
        )
        return
    from sevenstep.live.releases import as_flags

    flags = as_flags(overrides)
    click.echo(f"release {release} was made with {flags}; the champion is still release {champion}")
    click.echo(f"predict with release {release}: sevenstep predict {flags} --output predictions.csv")


def _remedies(result: Run) -> list[str]:
    found = result.step("define").json("charter")["kpis"]
    return list(dict.fromkeys(remedy for kpi in found for remedy in kpi["remedies"]))


def _as_json(result: Run) -> dict[str, Any]:
    kpis = result.step("tune").json("kpis") if any(step.name == "tune" for step in result.steps) else []
    return {
        "status": result.status,
        "exit_code": result.result.exit_code,
        "steps": [asdict(step) for step in result.steps],
        "kpis": kpis,
        "release": result.release,
        "champion": result.champion,
        "report": None if result.report is None else str(result.report),
        "report_hash": result.result.report_hash,
    }


@click.command()
@click.argument("words", nargs=-1)
@click.option(
    "--store", type=click.Path(path_type=Path, file_okay=False), help="Folder for results. [default: .sevenstep beside the spec]"
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a value of the spec.")
@json_option
def show(words: Sequence[str], store: Path | None, overrides: Sequence[str], as_json: bool) -> None:
    """Show what a step found, or every step's answer: sevenstep show [SPEC] [STEP].

    What is not in the store yet is run first, up to that step.
    """
    from sevenstep.chapter import chapter_to_json
    from sevenstep.project import Project, chapters_of

    spec, step = _spec_and_step(words)
    project = Project(spec, store, overrides)
    result = project.run(until=step, anyway=True, quiet=as_json, report=False)
    chapters = chapters_of(result.result, project.store)
    wanted = [chapters[step]] if step else list(chapters.values())
    if as_json:
        echo_json([chapter_to_json(chapter) for chapter in wanted])
        return
    from rich.console import Console
    from rich.text import Text

    from sevenstep.report.terminal import chapter_text

    console = Console()
    for chapter in wanted:
        console.print(chapter_text(chapter) if step else Text.assemble((chapter.title, "bold"), "  ", chapter.answer))


def _spec_and_step(words: Sequence[str]) -> tuple[Path, str | None]:
    steps = [word for word in words if word in STEPS]
    others = [word for word in words if word not in STEPS]
    if len(steps) > 1 or len(others) > 1:
        rule = f"a step is one of {', '.join(STEPS)}"
        raise InputError(
            "SHOW-WORDS", f"'{' '.join(words)}'", f"show takes at most one spec and one step; {rule}", "try: sevenstep show train"
        )
    if others and not Path(others[0]).exists():
        rule = f"a step is one of {', '.join(STEPS)}, and a spec is a file or folder"
        raise InputError("SHOW-WORDS", f"'{others[0]}' is neither a step nor a spec", rule, "try: sevenstep show train")
    return Path(others[0]) if others else Path(), steps[0] if steps else None


@click.command()
@project_options
@json_option
def plan(spec: Path, store: Path | None, overrides: Sequence[str], as_json: bool) -> None:
    """Show every resolved value of SPEC and where it came from, what will run, and what it will cost.

    Reads the data as far as step 4 needs, and trains nothing.
    """
    from sevenstep.project import Project

    project = Project(spec, store, overrides)
    result = project.run(until="design", anyway=True, quiet=as_json, report=False)
    values = _values(project, result)
    planned = result.step("design").json("plan")
    if as_json:
        echo_json({"values": values, "plan": planned})
        return
    _print_values(values)
    _print_work(planned, project.spec.budget.time.seconds)


def _values(project: Project, result: Run) -> list[dict[str, Any]]:
    found = [{"key": item.key, "value": item.value, "origin": item.origin, "note": item.note} for item in project.resolved()]
    for name, fact in result.step("collect").json("facts").items():
        key = f"{project.spec.task}.{name}"
        found = [item for item in found if item["key"] != key or item["origin"] != "default"]
        if not any(item["key"] == key for item in found):
            found.append({"key": key, "value": fact["value"], "origin": "data", "note": fact["reason"]})
    return found


def _print_values(values: Sequence[dict[str, Any]]) -> None:
    width = max(len(item["key"]) for item in values)
    for item in values:
        note = f"  {item['note']}" if item["note"] else ""
        click.echo(f"{item['key']:<{width}}  {_in_words(item['value']):<40}  {click.style(item['origin'] + note, dim=True)}")


def _in_words(value: Any) -> str:
    """A value as a spec would have it, without its brackets: ``none``, ``true``, ``a, b``."""
    if value is None or value in ([], (), {}, ""):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_in_words(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(f"[{_in_words(inner)}]" if isinstance(inner, (list, tuple)) else _in_words(inner) for inner in value)
    return str(value)


def _print_work(planned: dict[str, Any], seconds: float) -> None:

    folds = len(planned["folds"])
    total = sum(candidate["cost"] for candidate in planned["candidates"]) * folds
    tried = counted(len(planned["candidates"]), "candidate")
    click.echo(f"\n{tried} x {counted(folds, 'fold')} ({planned['fold_reason']}):")
    for candidate in planned["candidates"]:
        cost = f"{candidate['cost'] * folds:7.1f} s"
        click.echo(f"  {cost}  {candidate['name']:<16} {candidate['target']:<14} {click.style(candidate['reason'], dim=True)}")
    click.echo(f"planned: about {total:.0f} s of one core for cross-validation; the budget is {seconds:.0f} s in all")
    for note in planned["notes"]:
        click.echo(f"left out: {note}")
