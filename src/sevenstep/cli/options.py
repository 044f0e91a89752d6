"""Options that several commands share, each with one meaning everywhere."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from sevenstep.errors import InputWarning

__all__ = ["echo_json", "json_option", "project_options", "warnings_told"]

Function = TypeVar("Function", bound=Callable[..., Any])


def project_options(function: Function) -> Function:
    """``SPEC`` (file or folder, the current one when left out), ``--store`` and ``--set``."""
    spec = click.argument("spec", default=".", type=click.Path(path_type=Path))
    store = click.option(
        "--store",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder for results. [default: .sevenstep beside the spec]",
    )
    overrides = click.option(
        "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a value of the spec, as in --set budget.time=5min."
    )
    return spec(store(overrides(function)))


def json_option(function: Function) -> Function:
    """``--json``: the same answer for programs."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(function)


def echo_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


@contextmanager
def warnings_told() -> Iterator[None]:
    """Say what is warned of in one line each on the error stream; warnings of other libraries stay as they are."""
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", InputWarning)
            yield
    finally:
        for warning in caught:
            if issubclass(warning.category, InputWarning):
                click.echo(f"warning: {warning.message}", err=True)
            else:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
