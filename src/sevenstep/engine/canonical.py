"""One JSON text per value, so that equal values have equal hashes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from sevenstep.errors import InternalError

__all__ = ["canonical_json"]


def canonical_json(value: Any, name: str = "value") -> bytes:
    """The value as UTF-8 JSON with sorted keys and no blanks; tuples become lists and keys become text, as JSON has it.

    Args:
        value: JSON values only; floats must be finite, because JSON has no NaN and a silent null would be a changed value.
        name: what the value is called, for the message.

    Raises:
        InternalError: naming the path of the first value that has no JSON form.
    """
    try:
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        path, fault = next(_faults(value, name), (name, str(error)))
        given = f"{path} is {fault}"
        raise InternalError("STORE-JSON", given, "only finite JSON values can be kept", "make it one where it is left") from error


def _faults(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every place below ``value`` that JSON cannot hold, with what stands there."""
    if isinstance(value, Mapping):
        yield from _mapping_faults(value, path)
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _faults(item, f"{path}[{number}]")
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, f"the float {value}"
    elif isinstance(value, str) and not _has_utf8(value):
        yield path, f"text that UTF-8 cannot hold ({value!r:.40})"
    elif value is not None and not isinstance(value, (str, int, float, bool)):
        yield path, f"of type {type(value).__module__}.{type(value).__qualname__}"


def _mapping_faults(value: Mapping[Any, Any], path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield path, f"of type {type(value).__module__}.{type(value).__qualname__}"
    for key, item in value.items():
        if not isinstance(key, str):
            yield f"{path}.{key}", f"under a key of type {type(key).__qualname__}"
        yield from _faults(item, f"{path}.{key}")


def _has_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
