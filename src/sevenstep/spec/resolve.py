"""Every value of a spec with where it came from, flat, for ``sevenstep plan``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sevenstep.spec.model import Spec
from sevenstep.spec.places import Origin, Place

__all__ = ["Resolved", "resolve"]


@dataclass(frozen=True)
class Resolved:
    """One value under its dotted key, as ``--set`` would name it.

    Args:
        key: ``budget.time``, ``kpis.accuracy.goal``.
        value: JSON value; None where nothing is set.
        origin: ``default``, ``file`` or ``flag``; a task adds ``data`` for what it inferred.
        note: file and line, or the flag; for a default, empty.
    """

    key: str
    value: Any
    origin: Literal["default", "data", "file", "flag"]
    note: str = ""


def resolve(spec: Spec) -> list[Resolved]:
    """All values of ``spec`` in the order of the steps, the task's section after ``target``."""
    shared = spec.model_dump(mode="json", by_alias=True)
    ordered: dict[str, Any] = {}
    for key, value in shared.items():
        ordered[key] = value
        if key == "target":
            ordered[spec.task] = spec.section.model_dump(mode="json", by_alias=True)
    return [_resolved(key, place, value, spec.origins) for key, place, value in _leaves(ordered, "", ())]


def _leaves(value: Any, key: str, place: Place) -> Iterator[tuple[str, Place, Any]]:
    """Values that hold no further keys; items with an ``id`` or a ``name`` are called by it."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{key}.{name}" if key else str(name), (*place, name))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for position, item in enumerate(value):
            name = (item.get("id") or item.get("name") or position) if isinstance(item, Mapping) else position
            yield from _leaves(item, f"{key}.{name}", (*place, position))
    else:
        yield key, place, value


def _resolved(key: str, place: Place, value: Any, origins: Mapping[Place, Origin]) -> Resolved:
    above = next((place[:size] for size in range(len(place), 0, -1) if place[:size] in origins), ())
    origin = origins.get(above)
    if origin is None or (above != place and origin.container):
        return Resolved(key, value, "default")
    return Resolved(key, value, origin.kind, origin.note)
