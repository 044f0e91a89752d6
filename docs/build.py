"""Writes the pages of the docs that follow from the code: commands, keys of the spec, errors.

python docs/build.py            # write them
python docs/build.py --check    # write nothing; exit 1 and name the pages that are not what the code says
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from error_codes import ErrorCode, error_codes

import sevenstep
from sevenstep.cli.main import COMMANDS, program
from sevenstep.spec.schema import json_schema
from sevenstep.tasks.registry import grammars

DOCS = Path(__file__).resolve().parent
PACKAGE = Path(sevenstep.__file__).parent
MADE = "<!-- Made by docs/build.py from the code; edit the code, then run `make docs`. -->"
Schema = Mapping[str, Any]


def main() -> None:
    """Write the pages, or with ``--check`` compare them."""
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit("usage: python docs/build.py [--check]")
    stale = [name for name, page in PAGES.items() if not _is_kept(DOCS / name, page(), write=not check)]
    if check and stale:
        sys.exit(f"not what the code says: {', '.join(stale)}; run: make docs")
    print(f"{len(PAGES)} pages are what the code says" if check else f"{len(stale)} of {len(PAGES)} pages changed")


def _is_kept(path: Path, text: str, *, write: bool) -> bool:
    same = path.is_file() and path.read_text(encoding="utf-8") == text
    if write and not same:
        path.write_text(text, encoding="utf-8")
    return same


# Commands ---------------------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    """The help of every command, as the terminal shows it."""
    with click.Context(program, info_name="sevenstep", terminal_width=100, **program.context_settings) as top:
        parts = [f"# Commands\n\n{MADE}\n\n{_code(program.get_help(top))}"]
        for name in COMMANDS:
            parts += _helps(program, name, top)
    return "\n\n".join([*parts, _EXIT_CODES])


def _helps(group: click.Group, name: str, parent: click.Context) -> Iterator[str]:
    """The help of a command and, below it, of the commands within it."""
    command = group.get_command(parent, name)
    assert command is not None
    with click.Context(command, info_name=name, parent=parent, terminal_width=100) as context:
        yield f"## {context.command_path}\n\n{_code(command.get_help(context))}"
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                yield from _helps(command, inner, context)


def _code(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```"


_EXIT_CODES = """## Exit codes

| code | meaning |
|---|---|
| 0 | done, and every KPI is met |
| 1 | a KPI is missed, or the verdict of step 1 is `no_go` |
| 2 | the spec, the data or the command line is at fault; one sentence says what, and its code is in [errors.md](errors.md) |
| 3 | a failure of sevenstep itself |
| 130 | stopped by the person; run again to resume |

With `--json` an error is `{"errors": [{"code", "given", "rule", "fix", "where"}]}` on the output.
"""


# Keys of the spec -------------------------------------------------------------------------------------------------------------


def spec_page() -> str:
    """Every key with its type, its default and what it says, from the JSON Schema that editors use."""
    schema = json_schema(grammars())
    parts = [_SPEC_HEAD, *(_section(place, part) for place, part in _sections("", schema, schema["$defs"], set()))]
    return "\n\n".join([*parts, *_of_tasks()]) + "\n"


_SPEC_HEAD = f"""# Keys of the spec

{MADE}

A project is a folder with `sevenstep.yaml`. `sevenstep plan` shows every value with where it came from, `sevenstep schema`
prints the JSON Schema for editors, and any key can be set for one run: `sevenstep run --set budget.time=5min`. Unknown keys are
errors."""


def _sections(place: str, part: Schema, definitions: Schema, seen: set[str]) -> Iterator[tuple[str, Schema]]:
    """Every mapping a spec may hold, once and in its order, with the place where it first stands: ``kpis[].worth``."""
    yield place, part
    for key, value in part["properties"].items():
        for name, suffix in _inner(value):
            if name not in seen:
                seen |= {name} if name else set()
                inner = definitions[name] if name else value
                yield from _sections(f"{place}.{key}{suffix}".lstrip("."), inner, definitions, seen)


def _inner(value: Schema, suffix: str = "") -> Iterator[tuple[str, str]]:
    """Names of the definitions a value may hold, with how they are reached; no name where it is a mapping itself."""
    if "$ref" in value:
        yield str(value["$ref"]).removeprefix("#/$defs/"), suffix
    elif "properties" in value:
        yield "", suffix
    for choice in (*value.get("anyOf", ()), *value.get("oneOf", ())):
        yield from _inner(choice, suffix)
    if isinstance(value.get("items"), Mapping):
        yield from _inner(value["items"], f"{suffix}[]")
    if isinstance(value.get("additionalProperties"), Mapping):
        yield from _inner(value["additionalProperties"], f"{suffix}.NAME")


def _section(place: str, part: Schema) -> str:
    head = f"## `{place}`\n\n{part.get('description', '')}\n\n" if place else ""
    required = set(part.get("required", ()))
    rows = [_row(key, value, key in required) for key, value in part["properties"].items()]
    return "\n".join([head + "| key | type | default | what it says |", "|---|---|---|---|", *rows])


def _row(key: str, value: Schema, required: bool) -> str:
    said = str(value.get("description", ""))
    if value.get("examples"):
        said += f", for example `{_yaml(value['examples'][0])}`"
    return f"| `{key}` | {_type(value)} | {'required' if required else _default(value)} | {said} |"


def _default(value: Schema) -> str:
    default = value.get("default")
    return "" if default in (None, "", [], {}) else f"`{_yaml(default)}`"


def _yaml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _type(value: Schema) -> str:
    """A type in words: ``text or a list of text``."""
    if "$ref" in value or "properties" in value:
        return "mapping"
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return " or ".join(f"`{one}`" for one in value["enum"])
    choices = [*value.get("anyOf", ()), *value.get("oneOf", ())]
    if choices:
        words = [_type(choice) for choice in choices if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(words)) or "any value"
    kind = value.get("type")
    if kind == "array":
        return f"a list of {_many(value['items'])}" if isinstance(value.get("items"), Mapping) else "a list"
    if kind == "object":
        of = value.get("additionalProperties")
        return f"{_many(of)} by name" if isinstance(of, Mapping) and of else "mapping"
    if kind == "string":
        return "date" if value.get("format") == "date" else "text"
    return {"integer": "whole number", "boolean": "true or false"}.get(str(kind), str(kind or "any value")) + _bounds(value)


def _many(value: Schema) -> str:
    said = _type(value)
    return {"mapping": "mappings", "number": "numbers", "whole number": "whole numbers", "date": "dates", "text": "texts"}.get(
        said, said
    )


def _bounds(value: Schema) -> str:
    signs = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to"}
    said = [f"{word} {value[name]}" for name, word in signs.items() if name in value]
    return f" {' '.join(said)}" if said else ""


def _of_tasks() -> Iterator[str]:
    for name, grammar in grammars().items():
        metrics, baselines = (", ".join(f"`{one}`" for one in names) for names in (grammar.metrics, grammar.baselines))
        yield f"## Metrics and baselines of `task: {name}`\n\nMetrics: {metrics}.\n\nBaselines: {baselines}."


# Errors -----------------------------------------------------------------------------------------------------------------------


def errors_page() -> str:
    """Every code an error may carry, with the parts of its sentence, by the first word of the code."""
    families: dict[str, list[ErrorCode]] = {}
    for found in error_codes(PACKAGE):
        families.setdefault(found.code.partition("-")[0], []).append(found)
    parts = [f"## {family}\n\n{_table(found)}" for family, found in sorted(families.items())]
    return "\n\n".join([_ERRORS_HEAD, *parts]) + "\n"


_ERRORS_HEAD = f"""# Errors

{MADE}

Every error is one sentence: what was given; the rule; the fix; and a code that does not change, for scripts and searches.
`‹…›` stands for what was given. Input errors end with exit code 2, failures of sevenstep itself with 3. Data that break the
contract end with a code that begins with `CONTRACT-` and names the rule, such as `CONTRACT-COLUMN`."""


def _table(found: list[ErrorCode]) -> str:
    rows = [f"| `{one.code}` | {one.exit_code} | {_cell(one.said)} | `{one.source}` |" for one in found]
    return "\n".join(["| code | exit | given; rule; fix | from |", "|---|---|---|---|", *rows])


def _cell(said: str) -> str:
    return said.replace("|", "\\|").replace("<", "&lt;")


PAGES: Mapping[str, Callable[[], str]] = {"commands.md": commands_page, "spec.md": spec_page, "errors.md": errors_page}

if __name__ == "__main__":
    main()
