"""Label Studio's JSON, in and out: tasks with annotations and predictions, as rows with a label and who gave it.

Three shapes come in: the full export (``data`` and ``annotations``), the short one (JSON-MIN, one flat record an annotation) and
its CSV. A task nobody has labelled stays as a row without a label: such a row waits for one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

import polars as pl

from sevenstep.data.naming import did_you_mean, listed
from sevenstep.errors import InputError

__all__ = [
    "LABEL",
    "LABELLER",
    "PROBABILITY",
    "SUGGESTED",
    "check_classes",
    "labelling_interface",
    "rows_of_tasks",
    "tasks_of_rows",
]

LABEL, LABELLER = "label", "labeller"
SUGGESTED, PROBABILITY = "suggested", "probability"
_OBJECT = "row"
_SHORT = ("annotation_id", "annotator", "created_at", "updated_at", "lead_time", "id")
"""What the short export adds to a task's data."""

Task = dict[str, Any]


def tasks_of_rows(rows: pl.DataFrame) -> list[Task]:
    """Rows as tasks to be imported there: all rows that say the same of one thing are one task.

    ``label`` and ``labeller`` become annotations, ``suggested`` and ``probability`` predictions; every other column is the task's
    data, but for bytes and nested values, which no task can hold.
    """
    told = {LABEL, LABELLER, SUGGESTED, PROBABILITY}
    shown = [name for name, kind in rows.schema.items() if name not in told and not (kind.is_nested() or kind == pl.Binary)]
    tasks: dict[str, Task] = {}
    for row in rows.select(*shown, *(name for name in rows.columns if name in told)).to_dicts():
        data = {name: _plain(row[name]) for name in shown}
        task = tasks.setdefault(json.dumps(data, ensure_ascii=False), {"data": data, "annotations": [], "predictions": []})
        if row.get(LABEL) is not None:
            task["annotations"].append({"completed_by": _user(row.get(LABELLER)), "result": [_choice(str(row[LABEL]))]})
        if row.get(SUGGESTED) is not None and not task["predictions"]:
            score = row.get(PROBABILITY)
            task["predictions"].append({"model_version": "sevenstep", "score": score, "result": [_choice(str(row[SUGGESTED]))]})
    return list(tasks.values())


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def _choice(name: str) -> dict[str, Any]:
    return {"from_name": LABEL, "to_name": _OBJECT, "type": "choices", "value": {"choices": [name]}}


def _user(labeller: Any) -> Any:
    """There a labeller is a number or an e-mail address."""
    if labeller is None:
        return None
    return int(labeller) if str(labeller).isdecimal() else {"email": str(labeller)}


def labelling_interface(fields: Sequence[str], classes: Sequence[str]) -> str:
    """The labelling interface to paste into a project there: the columns as text, and one choice a class."""
    shown = [f"  <Text name={quoteattr(f'field{number}')} value={quoteattr(f'{name}: ${name}')}/>"
             for number, name in enumerate(fields, 1)]  # fmt: skip
    choices = [f"    <Choice value={quoteattr(name)}/>" for name in classes]
    first = shown[:1] and [shown[0].replace('"field1"', f'"{_OBJECT}"')]
    head = f'  <Choices name="{LABEL}" toName="{_OBJECT}" choice="single" showInline="true">'
    return "\n".join(["<View>", *first, *shown[1:], head, *choices, "  </Choices>", "</View>"])


def rows_of_tasks(tasks: Any, place: str, *, label: str = LABEL) -> pl.DataFrame:
    """Tasks as rows: their data, then ``labeller`` and ``label``, one row an annotation and one for a task without any.

    Args:
        tasks: the parsed JSON: a list of tasks, full or short.
        place: name of the file, for messages.
        label: name of the choice in the labelling interface, which the short shape uses as its key.

    Raises:
        InputError: ``LABELS-SHAPE``, it is no list of tasks; ``LABELS-SEVERAL``, a task has several choices at once.
    """
    if not isinstance(tasks, list) or not all(isinstance(task, Mapping) for task in tasks):
        rule = "an export of Label Studio is a list of tasks"
        raise InputError("LABELS-SHAPE", f"'{place}' holds no list of tasks", rule, "export as JSON, JSON-MIN or CSV")
    rows = [row for number, task in enumerate(tasks, 1) for row in _rows(task, f"{place}, task {number}", label)]
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in (LABEL, LABELLER)]
    ordered = [{name: row.get(name) for name in (*names, LABELLER, LABEL)} for row in rows]
    forced = {LABELLER: pl.String, LABEL: pl.String}
    return pl.DataFrame(ordered, schema_overrides=forced, infer_schema_length=None, strict=False)


def _rows(task: Mapping[str, Any], place: str, label: str) -> list[dict[str, Any]]:
    if isinstance(task.get("data"), Mapping):
        return _full(task, place)
    data = {name: _held(value) for name, value in task.items() if name not in (*_SHORT, label)}
    return [{**data, LABELLER: _labeller(task.get("annotator")), LABEL: _one(task.get(label), place)}]


def _full(task: Mapping[str, Any], place: str) -> list[dict[str, Any]]:
    data = {name: _held(value) for name, value in task["data"].items()}
    given = [annotation for annotation in task.get("annotations") or [] if not annotation.get("was_cancelled")]
    found = [(_labeller(annotation.get("completed_by")), _chosen(annotation, place)) for annotation in given]
    labelled = [{**data, LABELLER: who, LABEL: what} for who, what in found if what is not None]
    return labelled or [{**data, LABELLER: None, LABEL: None}]


def _held(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, Mapping)) else value


def _labeller(who: Any) -> str | None:
    if isinstance(who, Mapping):
        who = who.get("email") or who.get("id")
    return None if who is None else str(who)


def _chosen(annotation: Mapping[str, Any], place: str) -> str | None:
    """The one choice of an annotation; None where it has none."""
    results = [result for result in annotation.get("result") or [] if result.get("type") == "choices"]
    return _one([name for result in results for name in result["value"].get("choices", [])], place)


def _one(value: Any, place: str) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("choices", [])
    chosen = value if isinstance(value, list) else [value]
    names = [str(name) for name in chosen if name is not None and str(name) != ""]
    if len(names) > 1:
        given = f"several choices at once: {listed(names)}"
        raise InputError("LABELS-SEVERAL", given, "a row has one label", 'set choice="single" in the interface', where=place)
    return names[0] if names else None


def check_classes(labels: pl.Series, classes: Sequence[str], place: str) -> None:
    """Every label must be one of the classes.

    Raises:
        InputError: ``LABELS-NO-CLASS``, with the row of the first that is none.
    """
    odd = labels.is_not_null() & ~labels.is_in(list(classes))
    row = odd.arg_max()
    if odd.any() and row is not None:
        name = str(labels[row])
        given, rule = f"the label '{name}' is none of the classes", f"the classes are {listed(classes)}"
        raise InputError("LABELS-NO-CLASS", given, rule, did_you_mean(name, classes), where=f"{place}, row {row + 1}")
