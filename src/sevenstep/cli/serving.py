"""Commands of the server: ``serve`` and ``token``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sevenstep.cli.options import echo_json, json_option, project_options

if TYPE_CHECKING:
    from sevenstep.live.ledger.ledger import Ledger

__all__ = ["serve", "token"]


@click.command()
@project_options
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to serve at; any but this machine's asks for tokens."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8321, show_default=True, help="Port to serve at; 0 for a free one."
)
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes that answer.")
@click.option("--require-token", is_flag=True, help="Ask for a token on this machine too, as behind a proxy.")
@click.option(
    "--concurrency", type=click.IntRange(1), default=64, show_default=True, help="Requests a worker has under way at most."
)
@click.option("--rows", type=click.IntRange(1), default=10_000, show_default=True, help="Rows of a request at most.")
@click.option("--body", type=click.IntRange(1), default=8, show_default=True, help="Size of a request at most, in MiB.")
@click.option("--seconds", type=click.FloatRange(0.01), default=30.0, show_default=True, help="Time an answer may take.")
@json_option
def serve(
    spec: Path,
    store: Path | None,
    overrides: Sequence[str],
    host: str,
    port: int,
    workers: int,
    require_token: bool,
    concurrency: int,
    rows: int,
    body: int,
    seconds: float,
    as_json: bool,
) -> None:
    """Serve predictions, what is known, and a page for people, until stopped.

    On this machine's own address nobody is asked for a token until one was made. At any other address every caller shows one;
    where none was made yet, one is made and shown once.
    """
    from sevenstep.project import Project
    from sevenstep.web import server
    from sevenstep.web.settings import MEBIBYTE, Limits, Settings

    project = Project(spec, store, overrides)
    limits = Limits(body * MEBIBYTE, rows, concurrency, max(1, concurrency * 3 // 4), seconds)
    settings = Settings(spec, project.store, tuple(overrides), limits=limits)
    opened = server.opening(settings, host, require_token=require_token, now=datetime.now(UTC))
    listening = server.bound(host, port)
    address = f"http://{host}:{listening.getsockname()[1]}"
    if as_json:
        echo_json({"address": address, "tokens": opened.settings.tokens, "token": opened.token})
    else:
        asked = "every caller shows a token" if opened.settings.tokens else "callers of this machine show no token"
        click.echo(f"{project.spec.name} is served at {address}; {asked}")
        if opened.token is not None:
            click.echo(f"token '{server.FIRST}', shown this once: {opened.token}")
    server.serve(opened.settings, listening, workers)


_label = click.option("--label", required=True, help="What the token is called, such as the program that shows it.")


@click.group()
def token() -> None:
    """Tokens for callers of the server: made, listed, revoked."""


@token.command()
@project_options
@_label
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="SCOPE",
    help="What it is good for: predict, observe, documents, read. [default: predict]",
)
@click.option("--access", multiple=True, metavar="TAG", help="A tag of documents its bearer may see, beside those without tags.")
@click.option("--days", type=click.IntRange(1), help="Days until it ends. [default: it does not]")
@json_option
def make(
    spec: Path, store: Path | None, overrides: Sequence[str], label: str, scopes: Sequence[str], access: Sequence[str],
    days: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Make a token for callers of SPEC's server. It is shown once; the ledger keeps its hash alone."""
    from sevenstep.web.tokens import make_token

    now = datetime.now(UTC)
    ends = None if days is None else now + timedelta(days)
    made = make_token(_ledger(spec, store, overrides), label, scopes or ["predict"], now, ends, access)
    if as_json:
        echo_json({"label": label, "token": made})
    else:
        click.echo(f"token '{label}', shown this once: {made}")


@token.command(name="list")
@project_options
@json_option
def list_tokens(spec: Path, store: Path | None, overrides: Sequence[str], as_json: bool) -> None:
    """List the tokens of SPEC by label, with what they are good for."""
    from sevenstep.web.tokens import read_callers

    callers = read_callers(_ledger(spec, store, overrides)).values()
    if as_json:
        about = [{"label": one.label, "scopes": sorted(one.scopes), "access": one.access, "made": one.made, "ends": one.ends}
                 for one in callers]  # fmt: skip
        echo_json({"tokens": about})
        return
    for one in callers:
        ends = "" if one.ends is None else f", until {one.ends:%Y-%m-%d}"
        click.echo(f"{one.label:<20} {', '.join(sorted(one.scopes))}, made {one.made:%Y-%m-%d}{ends}")


@token.command()
@project_options
@_label
@json_option
def revoke(spec: Path, store: Path | None, overrides: Sequence[str], label: str, as_json: bool) -> None:
    """End a token of SPEC; a running server knows within seconds."""
    from sevenstep.web.tokens import revoke_token

    revoke_token(_ledger(spec, store, overrides), label, datetime.now(UTC))
    if as_json:
        echo_json({"revoked": label})
    else:
        click.echo(f"token '{label}' is revoked")


def _ledger(spec: Path, store: Path | None, overrides: Sequence[str]) -> Ledger:
    """The ledger of a project."""
    from sevenstep.live.operation import Operation
    from sevenstep.project import Project

    project = Project(spec, store, overrides)
    return Operation.of(project.spec, project.store, lambda: project.task).ledger
