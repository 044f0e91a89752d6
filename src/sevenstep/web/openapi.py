"""The description of the API: what FastAPI reads off the routes, and the bodies of those that read their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from sevenstep import __version__
from sevenstep.web.described_asking import asking_paths
from sevenstep.web.gate import SCOPE_OF
from sevenstep.web.service import Service
from sevenstep.web.tokens import SCOPES

__all__ = ["described"]

Schema = Mapping[str, Any]

_WORDS = {"Float": "number", "Int": "integer", "UInt": "integer", "Boolean": "boolean"}
_EXAMPLES: Mapping[str, Any] = {"number": 1.5, "integer": 3, "boolean": True, "string": "a value"}
_PROBLEM: Schema = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "given", "rule", "fix", "where"],
                "properties": {name: {"type": "string"} for name in ("code", "given", "rule", "fix", "where")},
            },
        }
    },
}
_REFUSALS = {
    "401": "no token that holds was shown", "403": "the token is not good for this", "413": "the body is too large",
    "415": "the body is no JSON", "422": "the request is at fault; the body says where", "429": "too much at once by one caller",
    "503": "the server is busy or has no release; Retry-After says when to try again",
}  # fmt: skip
_TENSOR: Schema = {
    "type": "object",
    "required": ["name", "shape", "datatype", "data"],
    "properties": {
        "name": {"type": "string"}, "shape": {"type": "array", "items": {"type": "integer"}}, "datatype": {"type": "string"},
        "data": {"type": "array"},
    },
}  # fmt: skip
_OBJECTS: Schema = {"type": "array", "items": {"type": "object"}}


def described(app: FastAPI, service: Service) -> dict[str, Any]:
    """The OpenAPI document, with examples of the model that serves."""
    from fastapi.openapi.utils import get_openapi

    title = f"sevenstep: {service.operation.spec.name}"
    told = get_openapi(title=title, version=__version__, routes=app.routes, description=_scopes_told())
    paths = told["paths"]
    paths |= _scoring(service) | _telling() | asking_paths(service.operation.spec.name)
    for path, operations in paths.items():
        for operation in operations.values():
            _complete(operation, path, tokens=service.settings.tokens)
    if service.settings.tokens:
        told.setdefault("components", {})["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return told


def _scopes_told() -> str:
    return "A token is good for some of these scopes.\n\n" + "\n".join(f"* `{name}`: {text}" for name, text in SCOPES.items())


def _complete(operation: dict[str, Any], path: str, *, tokens: bool) -> None:
    """What holds for every route: how it is refused, and which scope it asks for."""
    refused = {"description": "", "content": {"application/json": {"schema": _PROBLEM}}}
    for status, text in _REFUSALS.items():
        operation["responses"][status] = refused | {"description": text}
    operation["description"] = f"Scope: `{SCOPE_OF[path]}`"
    if tokens:
        operation["security"] = [{"token": []}]


def _scoring(service: Service) -> dict[str, Any]:
    """The routes that predict, with a row of the model that serves."""
    schema = _row_schema(service)
    row = {name: field["example"] for name, field in schema["properties"].items()}
    name = service.operation.spec.name
    own = {"type": "object", "required": ["rows"], "properties": {"rows": {"type": "array", "minItems": 1, "items": schema}}}
    shapes = ("dataframe_split", "dataframe_records", "instances", "inputs")
    mlflow = {"type": "object", "properties": {shape: {"type": ["object", "array"]} for shape in shapes}, "minProperties": 1}
    infer = {"type": "object", "required": ["inputs"], "properties": {"id": {"type": "string"}, "inputs": _list(_TENSOR)}}
    split = {"dataframe_split": {"columns": list(row), "data": [list(row.values())]}}
    tensors = [{"name": column, "shape": [1], "datatype": _datatype(value), "data": [value]} for column, value in row.items()]
    named = [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}, "example": name}]
    inferred = _post("Open Inference Protocol: predict", infer, {"inputs": tensors})
    get = {"responses": {"200": {"description": "as the protocol says"}}, "tags": ["predictions"]}
    return {
        "/v1/predict": {"post": _post("Predict rows", own, {"rows": [row]})},
        "/invocations": {"post": _post("MLflow's scoring protocol", mlflow, split)},
        "/v2/models/{name}/infer": {"post": inferred | {"parameters": named}},
        "/v2/models/{name}": {"get": {**get, "summary": "Open Inference Protocol: the model", "parameters": named}},
        "/v2/models/{name}/ready": {"get": {**get, "summary": "Open Inference Protocol: readiness", "parameters": named}},
        "/v2": {"get": {**get, "summary": "Open Inference Protocol: the server"}},
    }  # fmt: skip


def _telling() -> dict[str, Any]:
    observed = {
        "type": "object",
        "required": ["rows"],
        "properties": {"rows": _OBJECTS, "source": {"type": "string"}, "ids": _list({"type": "string"})},
    }
    item = {"type": "object", "required": ["item"], "properties": {"item": {"type": "object"}}}
    moment = {"type": ["string", "integer", "null"]}
    changed = {
        "type": "object",
        "required": ["set"],
        "properties": {"set": {"type": "object", "minProperties": 1}, "series": {"type": "object"}, "from": moment, "to": moment},
    }
    question = {"set": {"promotion": 1}, "series": {"region": "seoul"}, "from": "2026-02-10", "to": "2026-02-14"}
    example = {"source": "till", "rows": [{"prediction_id": "0123456789abcdef-0", "target": 12.5}]}
    return {
        "/v1/observations": {"post": _post("Take in actuals and corrections", observed, example)},
        "/v1/explain": {"post": _post("What drove a prediction", item, {"item": {"row": 1}})},
        "/v1/whatif": {"post": _post("What would be predicted if inputs were others", changed, question)},
    }


def _list(items: Schema) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _post(summary: str, schema: Schema, example: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, "example": example}}
    answer = {"200": {"description": "the answer", "content": {"application/json": {"schema": {"type": "object"}}}}}
    return {
        "summary": summary, "tags": ["predictions"], "requestBody": {"required": True, "content": content},
        "responses": dict(answer),
    }  # fmt: skip


def _row_schema(service: Service) -> dict[str, Any]:
    """A row of the model that serves; an empty object before there is one."""
    kinds = service.champion.served.model.input_schema() if service.champion.ready else {}
    fields = {name: _field(kind) for name, kind in kinds.items()}
    return {"type": "object", "required": list(fields), "properties": fields}


def _field(kind: str) -> dict[str, Any]:
    word = next((word for start, word in _WORDS.items() if kind.startswith(start)), "string")
    told = {"type": [word, "null"], "example": _EXAMPLES[word]}
    if kind == "Date":
        return told | {"format": "date", "example": "2026-05-31"}
    if kind.startswith("Datetime"):
        return told | {"format": "date-time", "example": "2026-05-31T14:00:00"}
    return told | ({"format": "byte", "example": "aGVsbG8="} if kind == "Binary" else {})


def _datatype(value: Any) -> str:
    return {bool: "BOOL", int: "INT64", float: "FP64"}.get(type(value), "BYTES")
