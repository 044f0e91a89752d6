"""The spec language as JSON Schema 2020-12, for editors that complete and check while typing."""

from __future__ import annotations

from typing import Any

from sevenstep.spec.grammar import Grammar, Grammars
from sevenstep.spec.model import Spec
from sevenstep.spec.sources import TASK_KEYS

__all__ = ["json_schema"]


def json_schema(grammars: Grammars) -> dict[str, Any]:
    """A schema for project files of any of these tasks.

    Each task's section is offered, and required where it has required keys, only under its own ``task``; so are its metrics,
    its baselines and its keys of ``data``. What a schema cannot say (a goal against its metric's direction, ids that repeat) is
    left to `sevenstep.spec.read.read_spec`.
    """
    schema = Spec.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "sevenstep project file"
    schema["properties"]["task"]["enum"] = list(grammars)
    for grammar in grammars.values():
        section = grammar.section.model_json_schema(by_alias=True, ref_template=f"#/$defs/{grammar.task}.{{model}}")
        schema["$defs"] |= {f"{grammar.task}.{name}": model for name, model in section.pop("$defs", {}).items()}
        schema["properties"][grammar.task] = section
    schema["allOf"] = [_when(grammar, grammars) for grammar in grammars.values()]
    return schema


def _when(grammar: Grammar, grammars: Grammars) -> dict[str, Any]:
    """What holds under one task."""
    properties: dict[str, Any] = {name: False for name in grammars if name != grammar.task}
    properties["data"] = {"properties": {key: False for key in TASK_KEYS if key not in grammar.data_keys}}
    properties["kpis"] = {"items": {"properties": {"metric": _metric(grammar), "baseline": {"enum": [*grammar.baselines, None]}}}}
    required = [grammar.task] if any(field.is_required() for field in grammar.section.model_fields.values()) else []
    if grammar.targets == "none":
        properties["target"] = False
    else:
        required.append("target")
    then = {"properties": properties, "required": required}
    return {"if": {"properties": {"task": {"const": grammar.task}}, "required": ["task"]}, "then": then}


def _metric(grammar: Grammar) -> dict[str, Any]:
    plain = [metric for metric in grammar.metrics if not metric.endswith("@k")]
    at = [metric.removesuffix("@k") for metric in grammar.metrics if metric.endswith("@k")]
    if not at:
        return {"enum": plain}
    return {"anyOf": [{"enum": plain}, {"pattern": f"^({'|'.join(at)})@[1-9][0-9]*$"}]}
