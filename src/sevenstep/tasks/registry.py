"""Which tasks there are, without loading any of them until it is needed.

Other packages add a task through the entry-point group ``sevenstep.tasks``: the entry point's name is the task, and it points to
a module with ``GRAMMAR`` (a `Grammar`, light to import) and ``load()`` (which imports and makes the `Task`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from sevenstep.errors import InputError

if TYPE_CHECKING:
    from sevenstep.tasks.contract import Grammar, Task

__all__ = ["grammars", "load_task", "task_names"]

_GROUP = "sevenstep.tasks"
_BUILT_IN = {
    "forecast": ("sevenstep.tasks.forecast.grammar:GRAMMAR", "sevenstep.tasks.forecast.task:ForecastTask"),
    "classification": ("sevenstep.tasks.tabular.grammar:CLASSIFICATION", "sevenstep.tasks.tabular.task:ClassificationTask"),
    "regression": ("sevenstep.tasks.tabular.grammar:REGRESSION", "sevenstep.tasks.tabular.task:RegressionTask"),
    "rag": ("sevenstep.tasks.rag.grammar:GRAMMAR", "sevenstep.tasks.rag.task:RagTask"),
}
"""Where the grammar and the task of each name lie, as ``module:name``."""


def task_names() -> list[str]:
    """Names of the tasks there are: those of this package, then those of others by name."""
    return [*_BUILT_IN, *sorted(_added())]


@cache
def grammars() -> dict[str, Grammar]:
    """What each task adds to the spec language, by task."""
    found: dict[str, Grammar] = {name: _named(grammar) for name, (grammar, _) in _BUILT_IN.items()}
    return found | {name: point.load().GRAMMAR for name, point in sorted(_added().items())}


def load_task(name: str) -> Task:
    """The task of that name, imported now; raises `InputError` when there is none."""
    if name in _BUILT_IN:
        make: Callable[[], Task] = _named(_BUILT_IN[name][1])
        return make()
    added = _added()
    if name not in added:
        rule = f"tasks there are: {', '.join(task_names())}"
        raise InputError(
            "TASK-NONE", f"task '{name}' is not built", rule, "choose one of them, or install the package that brings it"
        )
    task: Task = added[name].load().load()
    return task


def _named(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


@cache
def _added() -> dict[str, EntryPoint]:
    """Tasks of other packages; a name this package has itself is not replaced."""
    return {point.name: point for point in entry_points(group=_GROUP) if point.name not in _BUILT_IN}
