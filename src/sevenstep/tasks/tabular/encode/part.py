"""A part of an encoder turns some columns into features; it is a record of what it learnt, kept as JSON and arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.tabular.encode.reading import Columns

__all__ = ["Matrix", "Part", "pack", "unpack"]

Matrix = NDArray[np.float32]


class Part(Protocol):
    """What every part offers; a part is a frozen dataclass whose fields are JSON values or arrays."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def names(self) -> list[str]:
        """Name of each feature."""
        ...

    def transform(self, columns: Columns) -> Matrix:
        """Features of the rows, ``[n, len(names)]``."""
        ...


def pack(part: Part, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """The fields of a part as JSON values; arrays go into ``arrays`` under names that start with ``prefix``."""
    state: dict[str, Any] = {"part": type(part).__name__}
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"{prefix}.{field.name}"] = value
        else:
            state[field.name] = value
    return state


def unpack(kinds: Mapping[str, type[Any]], state: Mapping[str, Any], prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Part:
    """The part that `pack` took apart; JSON lists become tuples again."""
    kind = kinds[state["part"]]
    values = {name: _frozen(value) for name, value in state.items() if name != "part"}
    values |= {field.name: arrays[f"{prefix}.{field.name}"] for field in fields(kind) if f"{prefix}.{field.name}" in arrays}
    part: Part = kind(**values)
    return part


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
