"""What the release that serves would predict if inputs were others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sevenstep.errors import InputError
from sevenstep.live.predict import load_serving
from sevenstep.tasks.abilities import AsksWhatIf, WhatIf
from sevenstep.tasks.contract import Model, Task

__all__ = ["asked_if", "what_if"]


def what_if(store: Path, task: Task, changes: Mapping[str, Any], series: Mapping[str, Any], first: Any, last: Any) -> WhatIf:
    """`asked_if` of the release that serves the store; raises InputError where there is no sound one, too."""
    _something(changes)
    _, model = load_serving(store, task)
    return asked_if(task, model, changes, series, first, last)


def asked_if(
    task: Task, model: Model, changes: Mapping[str, Any], series: Mapping[str, Any], first: Any = None, last: Any = None
) -> WhatIf:
    """The changed predictions of a model beside its unchanged ones.

    Args:
        task: of the spec.
        model: a model of the task.
        changes: input to value.
        series: key or segment to value, to choose series; all where empty.
        first: first time meant; None for the first open one.
        last: last time meant.

    Raises:
        InputError: nothing is to be changed, or the task's models answer no such question.
    """
    _something(changes)
    if not isinstance(task, AsksWhatIf):
        given, rule = f"a what-if of a project of {task.grammar.task}", "forecasts with inputs known ahead answer one"
        raise InputError("WHATIF-TASK", given, rule, "predict rows with the other value instead: sevenstep predict --input FILE")
    return task.what_if(model, changes, series, first, last)


def _something(changes: Mapping[str, Any]) -> None:
    if not changes:
        raise InputError("WHATIF-NOTHING", "no input is to be changed", "a question names one", "add for example --set Promo=1")
