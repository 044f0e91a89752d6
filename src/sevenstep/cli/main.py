"""The ``sevenstep`` command: finds the subcommand, turns errors into one sentence and an exit code.

Only the table below is read for ``--help``; a command's module is imported when it runs.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from collections.abc import Mapping
from typing import Any

import click

from sevenstep import __version__
from sevenstep.errors import CollectedErrors, InputError, InternalError, SevenstepError

__all__ = ["COMMANDS", "main", "program"]

COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("start", "Write a new project: a commented spec and generated example data."),
    "plan": ("running", "Show every resolved value, what will run and what it will cost."),
    "run": ("running", "Run the seven steps; only what changed runs again."),
    "show": ("running", "Show what a step found: define, collect, prepare, design, train, tune or operate."),
    "predict": ("using", "Predict rows of a file, or the rows whose target is missing."),
    "ask": ("using", "Answer a question from the documents, with citations."),
    "explain": ("using", "Tell what drove one prediction, in units of the target."),
    "whatif": ("asking", "Tell what would be predicted if inputs known ahead were others."),
    "serve": ("serving", "Serve predictions, what is known, and a page, until stopped."),
    "token": ("serving", "Tokens for callers of the server: made, listed, revoked."),
    "observe": ("living", "Take in actuals, corrections and late rows after release."),
    "refresh": ("refreshing", "Predict everything open again from newer data, without learning anew."),
    "cadence": ("refreshing", "How often a refresh is worth it: error by age, the calendar, its cost and gain."),
    "retrain": ("living", "Learn from the data as it has grown, and compare with the champion."),
    "promote": ("living", "Let a release serve from now on."),
    "rollback": ("living", "Let the release serve that served before."),
    "decisions": ("living", "Who or what decided what, when, on which evidence."),
    "monitor": ("watching", "How well it does since release: KPIs, shifts, drift, contract, bounds, alarms."),
    "alarms": ("watching", "Alarms that are alive; acknowledge, snooze or resolve one."),
    "rehearse": ("refreshing", "Replay the past day by day: run, observe, refresh, monitor, learn anew."),
    "operate": ("operating", "All of it after release, by the calendar, until stopped."),
    "calls": ("calls", "Calls of models behind endpoints: listed, word for word, added up in tokens and money."),
    "questions": ("questions", "Questions proposed from the documents: proposed, listed, accepted, rejected."),
    "labels": ("labels", "Rows to label next, labels that look wrong, rules that label, agreement of labellers."),
    "schema": ("start", "Print the JSON Schema of the spec, for editors."),
}


class _Commands(click.Group):
    """Subcommands by name, each imported from its module when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"sevenstep.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from sevenstep.spec.problems import did_you_mean

            hint = did_you_mean(args[0], list(COMMANDS), f"the commands are {', '.join(COMMANDS)}")
            raise click.UsageError(f"there is no command '{args[0]}'; {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="sevenstep")
def program() -> None:
    """From a business problem to a model that stays good: one spec, seven steps, one line of evidence each.

    Start with: sevenstep init retail orders && cd orders && sevenstep run
    """


def main() -> None:
    """Entry point; the exit code tells a missed KPI (1) from bad input (2) from a failure of ours (3)."""
    try:
        program.main(prog_name="sevenstep", standalone_mode=False)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.ClickException as error:
        _tell(_misused(error))
        sys.exit(InputError.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; run again to resume", err=True)
        sys.exit(130)
    except SevenstepError as error:
        _tell(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has gone, for example head
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the process boundary: what nobody foresaw is a failure of ours, not a missed KPI
        traceback.print_exc()
        _tell(_unforeseen(error))
        sys.exit(InternalError.exit_code)


def _tell(error: SevenstepError) -> None:
    if "--json" in sys.argv:
        found = error.errors if isinstance(error, CollectedErrors) else (error,)
        click.echo(json.dumps({"errors": [_parts(one) for one in found]}, ensure_ascii=False))
        return
    from sevenstep.spec.problems import render

    click.echo(render(error), err=True)


def _parts(error: SevenstepError) -> dict[str, str]:
    return {"code": error.code, "given": error.given, "rule": error.rule, "fix": error.fix, "where": error.where}


def _misused(error: click.ClickException) -> InputError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "sevenstep"
    given = error.format_message().rstrip(".")
    return InputError("CLI-USAGE", given, "a command takes what its help lists", f"see {command} --help")


def _unforeseen(error: Exception) -> InternalError:
    given = f"{type(error).__name__}: {' '.join(str(error).split()) or 'no message'}"
    fix = "what had ended is kept; please report it with the lines above"
    return InternalError("CLI-UNFORESEEN", given, "this is a failure of sevenstep", fix)
