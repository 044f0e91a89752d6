"""Commands over the calls of models: ``calls list``, ``calls show`` and ``calls totals``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sevenstep.cli.options import echo_json, json_option, project_options
from sevenstep.errors import InputError

if TYPE_CHECKING:
    from sevenstep.endpoints.book import CallBook

__all__ = ["calls"]

_TABLE = "{id:>6}  {made:<19}  {purpose:<12} {model:<24} {status:<12} {tokens:>8} {usd:>10} {seconds:>8}"
_HEAD = {
    "id": "call", "made": "made", "purpose": "for", "model": "model", "status": "ended", "tokens": "tokens", "usd": "USD",
    "seconds": "s",
}  # fmt: skip


@click.group()
def calls() -> None:
    """Every call of a model behind an endpoint: listed, shown word for word, added up in tokens and money."""


@calls.command(name="list")
@project_options
@click.option("--last", type=click.IntRange(1), default=50, show_default=True, help="How many, newest first.")
@click.option("--run", help="Calls of this run alone.")
@json_option
def list_calls(spec: Path, store: Path | None, overrides: Sequence[str], last: int, run: str | None, as_json: bool) -> None:
    """List the newest calls of SPEC."""
    found = _book(spec, store, overrides).calls(last=last, run=run)
    if as_json:
        echo_json(
            {"calls": [{name: value for name, value in one.items() if name not in ("request", "response")} for one in found]}
        )
        return
    click.echo(_TABLE.format(**_HEAD))
    for one in found:
        click.echo(_TABLE.format(**_shown(one)))


def _shown(call: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: str(call[name])[:24] for name in ("purpose", "model", "status")}
    figures = {"tokens": f"{call['sent'] + call['received']:,}", "usd": f"{call['usd']:.6f}", "seconds": f"{call['seconds']:.2f}"}
    return {"id": call["id"], "made": str(call["made"])[:19], **told, **figures}


@calls.command()
@click.argument("call", type=click.IntRange(1))
@project_options
@json_option
def show(call: int, spec: Path, store: Path | None, overrides: Sequence[str], as_json: bool) -> None:
    """Show one CALL of SPEC word for word: what was sent, and what came back."""
    found = _book(spec, store, overrides).call(call)
    if found is None:
        rule, fix = "calls are told apart by their number", "see sevenstep calls list"
        raise InputError("CALL-NONE", f"there is no call {call}", rule, fix)
    if as_json:
        echo_json(found)
        return
    for name in ("made", "run", "url", "model", "purpose", "attempt", "status", "code", "sent", "received", "usd", "seconds"):
        click.echo(f"{name:<10}{found[name]}")
    click.secho("\nsent", bold=True)
    click.echo(json.dumps(found["request"], ensure_ascii=False, indent=2))
    click.secho("\nreceived", bold=True)
    click.echo(found["response"] or "")


@calls.command()
@project_options
@click.option("--run", help="Calls of this run alone.")
@json_option
def totals(spec: Path, store: Path | None, overrides: Sequence[str], run: str | None, as_json: bool) -> None:
    """Add up the calls of SPEC by model and purpose: how many, failed, answered from the cache, tokens, US dollars."""
    rows = _totals(_book(spec, store, overrides).calls(run=run))
    if as_json:
        echo_json({"totals": rows})
        return
    line = "{model:<24} {purpose:<12} {calls:>7} {failed:>7} {cached:>7} {sent:>10} {received:>10} {usd:>10}"
    click.echo(line.format(model="model", purpose="for", calls="calls", failed="failed", cached="cached", sent="sent",
                           received="received", usd="USD"))  # fmt: skip
    for row in rows:
        click.echo(line.format(**{**row, "usd": f"{row['usd']:.6f}"}))


def _totals(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for each model and purpose, and one for all."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for one in found:
        for key in ((one["model"], one["purpose"]), ("all", "")):
            row = rows.setdefault(key, {"model": key[0], "purpose": key[1], "calls": 0, "failed": 0, "cached": 0, "sent": 0,
                                        "received": 0, "usd": 0.0})  # fmt: skip
            cached = one["status"] == "cached"
            row["cached"] += cached
            row["calls"] += not cached
            row["failed"] += one["status"] not in ("ok", "cached", "open")
            for name in ("sent", "received", "usd"):
                row[name] += one[name]
    return sorted(rows.values(), key=lambda row: (row["model"] == "all", row["model"], row["purpose"]))


def _book(spec: Path, store: Path | None, overrides: Sequence[str]) -> CallBook:
    """The calls of a project."""
    from sevenstep.endpoints.book import CALLS_FILE, CallBook
    from sevenstep.project import Project

    path = Project(spec, store, overrides).store / CALLS_FILE
    if not path.is_file():
        rule = "calls are kept where a model behind an endpoint is asked"
        raise InputError("CALLS-NONE", f"{path.parent} holds no calls", rule, "name such a model in the spec, and run")
    return CallBook(path)
