"""Commands to begin with: ``init`` and ``schema``."""

from __future__ import annotations

from pathlib import Path

import click

from sevenstep.cli.options import echo_json, json_option

__all__ = ["init", "schema"]


@click.command()
@click.argument("template")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--size", type=click.Choice(["small", "medium", "large"]), default="small", show_default=True, help="How much example data."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the generator: the same seed gives the same files.")
@json_option
def init(template: str, folder: Path, size: str, seed: int, as_json: bool) -> None:
    """Write a new project into FOLDER from TEMPLATE (retail, quality, manuals): a commented spec and generated example data."""
    from sevenstep.templates.catalog import write_template

    files = write_template(template, folder, seed=seed, size=size)  # type: ignore[arg-type]
    if as_json:
        echo_json({"folder": str(folder), "files": [str(path) for path in files]})
        return
    click.echo(f"wrote {len(files)} files into {folder}\nnext: cd {folder} && sevenstep run")


@click.command()
@json_option
def schema(as_json: bool) -> None:
    """Print the JSON Schema of the spec; editors use it to complete and check while you type. It is always JSON."""
    from sevenstep.spec.schema import json_schema
    from sevenstep.tasks.registry import grammars

    echo_json(json_schema(grammars()))
