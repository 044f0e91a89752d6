"""What the release that serves would predict if inputs were others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sevenstep.errors import InputError
from sevenstep.live.predict import load_serving
from sevenstep.tasks.abilities import AsksWhatIf, WhatIf
from sevenstep.tasks.contract import Task

__all__ = ["what_if"]


def what_if(store: Path, task: Task, changes: Mapping[str, Any], series: Mapping[str, Any], first: Any, last: Any) -> WhatIf:
    """The changed predictions beside the unchanged ones.

    Args:
        store: folder of the store.
        task: of the spec.
        changes: input to value.
        series: key or segment to value, to choose series; all where empty.
        first: first time meant; None for the first open one.
        last: last time meant.

    Raises:
        InputError: there is no sound release, nothing is to be changed, or the task's models answer no such question.
    """
    if not changes:
        raise InputError("WHATIF-NOTHING", "no input is to be changed", "a question names one", "add for example --set Promo=1")
    _, model = load_serving(store, task)
    if not isinstance(task, AsksWhatIf):
        given, rule = f"a what-if of a project of {task.grammar.task}", "forecasts with inputs known ahead answer one"
        raise InputError("WHATIF-TASK", given, rule, "predict rows with the other value instead: sevenstep predict --input FILE")
    return task.what_if(model, changes, series, first, last)
