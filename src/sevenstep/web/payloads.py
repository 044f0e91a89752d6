"""Bodies of requests for predictions as rows, for each of the shapes tools send: our own, MLflow's, and Open Inference v2's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import orjson

from sevenstep.errors import InputError

__all__ = ["Asked", "from_json", "inference_rows", "mlflow_rows", "own_rows"]

Row = Mapping[str, Any]
_SHAPES = ("dataframe_split", "dataframe_records", "instances", "inputs")


@dataclass(frozen=True)
class Asked:
    """Rows to be predicted, with what else the request said that its answer repeats."""

    rows: Sequence[Row]
    name: str = ""
    outputs: Sequence[str] = ()


def from_json(body: bytes) -> Any:
    """The value of a body; raises InputError ``BODY-JSON`` where it is no JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        given = "the body is empty" if not body else f"the body is no JSON: {error.msg} at line {error.lineno}"
        raise InputError("BODY-JSON", given, "a request is JSON in UTF-8", "see /openapi.json for examples") from None


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(
            "BODY-SHAPE", f"the body is {_kind(value)}", "a request is a JSON object", "see /openapi.json for examples"
        )
    return value


def _kind(value: Any) -> str:
    words = {list: "a list", dict: "an object", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return words.get(type(value), "null")


def _rows(value: Any, key: str) -> Sequence[Row]:
    """A list of objects under a key."""
    if not isinstance(value, list) or not all(type(row) is dict for row in value):
        rule = f"'{key}' is a list of objects, one a row"
        odd = next((row for row in value if type(row) is not dict), None) if isinstance(value, list) else value
        raise InputError("BODY-SHAPE", f"'{key}' holds {_kind(odd)}", rule, 'for example [{"field": 1.5}]', where=key)
    return value


def own_rows(value: Any, inputs: Sequence[str]) -> Asked:
    """``{"rows": [{...}, ...]}``."""
    body = _mapping(value)
    if "rows" not in body:
        raise InputError("BODY-SHAPE", "the body has no 'rows'", "the rows to be predicted stand under 'rows'", "add them")
    return Asked(_rows(body["rows"], "rows"))


def mlflow_rows(value: Any, inputs: Sequence[str]) -> Asked:
    """MLflow's shapes: ``dataframe_split``, ``dataframe_records``, ``instances`` or ``inputs``; see its scoring server."""
    body = _mapping(value)
    given = [shape for shape in _SHAPES if shape in body]
    if len(given) != 1:
        told = " and ".join(given) or "none of them"
        raise InputError("BODY-SHAPE", f"the body has {told}", f"it has one of {', '.join(_SHAPES)}", "send one of them")
    shape, content = given[0], body[given[0]]
    if shape == "dataframe_split":
        return Asked(_split(content))
    if shape == "inputs" and isinstance(content, dict):
        return Asked(_of_columns(content, "inputs"))
    if shape != "dataframe_records" and isinstance(content, list) and content and not isinstance(content[0], dict):
        return Asked(_positional(content, inputs, shape))
    return Asked(_rows(content, shape))


def _split(content: Any) -> Sequence[Row]:
    if not isinstance(content, dict) or not isinstance(content.get("columns"), list) or not isinstance(content.get("data"), list):
        rule = "'dataframe_split' has the lists 'columns' and 'data'"
        raise InputError("BODY-SHAPE", "'dataframe_split' lacks one of them", rule, "give both", where="dataframe_split")
    names = content["columns"]
    if not all(type(name) is str for name in names):
        raise InputError("BODY-SHAPE", "a column has no name", "columns are named by text", "name them", where="dataframe_split")
    return _positional(content["data"], names, "dataframe_split")


def _positional(data: Sequence[Any], names: Sequence[str], where: str) -> Sequence[Row]:
    """Rows told by position."""
    width = len(names)
    for number, row in enumerate(data):
        if not isinstance(row, list) or len(row) != width:
            given = f"row {number + 1} has {len(row)} values" if isinstance(row, list) else f"row {number + 1} is {_kind(row)}"
            raise InputError("BODY-SHAPE", given, f"a row has one value for each of {width} columns", "complete it", where=where)
    return [dict(zip(names, row, strict=True)) for row in data]


def _of_columns(columns: Mapping[str, Any], where: str) -> Sequence[Row]:
    """Rows told column by column; ``[[1], [2]]`` is the column ``[1, 2]``."""
    flat = {name: _flat(name, values, where) for name, values in columns.items()}
    lengths = {len(values) for values in flat.values()}
    if len(lengths) > 1:
        given = f"columns have {min(lengths)} to {max(lengths)} values"
        raise InputError("BODY-SHAPE", given, "every column has one value a row", "give them equal lengths", where=where)
    names = list(flat)
    return [dict(zip(names, row, strict=True)) for row in zip(*flat.values(), strict=True)]


def _flat(name: str, values: Any, where: str) -> list[Any]:
    if not isinstance(values, list):
        given = f"'{name}' is {_kind(values)}"
        raise InputError("BODY-SHAPE", given, "a column is a list of values", "write them in brackets", where=where)
    return [value[0] if isinstance(value, list) and len(value) == 1 else value for value in values]


def inference_rows(value: Any, inputs: Sequence[str]) -> Asked:
    """A request of the Open Inference Protocol v2: one tensor a column, of shape ``[rows]`` or ``[rows, 1]``."""
    body = _mapping(value)
    tensors, wanted = _rows(body.get("inputs"), "inputs"), _rows(body.get("outputs", []), "outputs")
    columns = {str(tensor.get("name")): _tensor(tensor) for tensor in tensors}
    if len(columns) < len(tensors):
        raise InputError(
            "BODY-SHAPE", "two inputs have one name", "every input has a name of its own", "rename one", where="inputs"
        )
    name = body.get("id", "")
    if not isinstance(name, str):
        raise InputError("BODY-SHAPE", f"'id' is {_kind(name)}", "the id of a request is text", "write it in quotes", where="id")
    return Asked(_of_columns(columns, "inputs"), name, [str(output.get("name")) for output in wanted])


def _tensor(tensor: Row) -> list[Any]:
    where, shape, data = f"inputs, {tensor.get('name')}", tensor.get("shape"), tensor.get("data")
    rule = "an input has 'name', 'datatype', 'shape' [rows] or [rows, 1] and 'data'"
    sound = isinstance(shape, list) and all(type(size) is int and size >= 0 for size in shape) and isinstance(data, list)
    if not sound or not isinstance(tensor.get("name"), str) or not isinstance(tensor.get("datatype"), str):
        raise InputError("BODY-SHAPE", "an input is not complete", rule, "complete it", where=where)
    assert isinstance(shape, list) and isinstance(data, list)
    values = _flat(str(tensor["name"]), data, where)
    if len(shape) not in (1, 2) or shape[1:] not in ([], [1]) or prod(shape) != len(values):
        given = f"shape {shape} with {len(values)} values"
        raise InputError("BODY-SHAPE", given, rule, "make shape and data agree", where=where)
    return values
