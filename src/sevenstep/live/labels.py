"""The labels of a project: which rows to label next, and which labels look wrong.

Labels are judged by the probabilities of the final model of step 6 for rows it had not learnt from, and rows without a label by
the model itself. What is not in the store yet is run first, up to that step.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.data.labels.encoding import codes_of, points_of
from sevenstep.data.labels.errors import FALSE_FLAGS, Method, Suspects, suspected_errors
from sevenstep.data.labels.queue import SECOND_LOOK, By, Choice, Pool, choose_rows, suspected_choices
from sevenstep.data.labels.studio import PROBABILITY, SUGGESTED
from sevenstep.data.pictures import paths_named
from sevenstep.engine.run import RunRequest, run_steps
from sevenstep.engine.store import Store
from sevenstep.errors import InputError, InputWarning
from sevenstep.live.predict import typed_rows
from sevenstep.spec.model import Spec
from sevenstep.tasks.contract import Model, Task
from sevenstep.tasks.registry import grammars, load_task

__all__ = ["LabelErrors", "Labels", "out_of_fold"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LabelErrors:
    """Labels that look wrong.

    Args:
        frame: one row a suspect, the most suspicious first: ``row`` (its number in the data, from 1), ``given``, ``suggested``,
            ``probability_given`` and ``probability_suggested`` (out of fold), then the row's own columns.
        noise: share of all labels estimated to be wrong.
        judged: labelled rows that were judged.
    """

    frame: pl.DataFrame
    noise: float
    judged: int


@dataclass(frozen=True)
class _Judged:
    """The data set of a run with what its model says of every labelled row it had not learnt from."""

    data: Dataset
    classes: Sequence[str]
    given: Codes
    probability: Floats
    model: Callable[[], Model]

    @property
    def inputs(self) -> list[str]:
        return list(self.data.facts["kinds"]["value"])

    @property
    def waiting(self) -> pl.DataFrame:
        """The rows without a label."""
        return self.data.items.filter(self.given < 0)

    def suspects(self, false_flags: float, method: Method) -> Suspects:
        return suspected_errors(self.probability, self.given, false_flags=false_flags, method=method)


class Labels:
    """The labels of a project whose target is a class.

    Args:
        spec: the project file.
        store: folder of its store.
        load: gives its task, which is heavy to load.
    """

    def __init__(self, spec: Spec, store: Path, load: Callable[[], Task] | None = None) -> None:
        self._spec, self._store = spec, store
        self._load = load or (lambda: load_task(spec.task))

    @cached_property
    def _judged(self) -> _Judged:
        request = RunRequest(self._spec, grammars()[self._spec.task], self._load, self._store, "tune", anyway=True, quiet=True)
        made = {step.name: step.fingerprint for step in run_steps(request).steps}
        store = Store(self._store)
        data = Dataset.load(store.open(made["collect"]).folder("dataset"))
        classes = _classes(data)
        tune = store.open(made["tune"])
        probability = out_of_fold(tune.frame("scores"), len(data.items), len(classes))
        given = codes_of(data.items[data.roles.targets[0]], classes)
        return _Judged(data, classes, given, probability, lambda: self._load().load_model(tune.folder("model")))

    @property
    def classes(self) -> Sequence[str]:
        """The classes, in their order."""
        return self._judged.classes

    def errors(self, *, false_flags: float = FALSE_FLAGS, method: Method = "house") -> LabelErrors:
        """Labels that look wrong (see `suspected_errors`).

        Args:
            false_flags: share of the sound rows a person is willing to look at in vain.
            method: ``house``, or ``cleanlab`` for that library's count of errors.

        Raises:
            InputError: ``LABELS-NO-CLASSES``, the target is a number; or what `suspected_errors` and a run raise.
        """
        judged = self._judged
        suspects = judged.suspects(false_flags, method)
        told = {
            "row": suspects.rows + 1,
            "given": [judged.classes[code] for code in judged.given[suspects.rows]],
            SUGGESTED: [judged.classes[code] for code in suspects.suggested],
            "probability_given": suspects.given_probability,
            "probability_suggested": suspects.suggested_probability,
        }
        target = judged.data.roles.targets[0]
        frame = _beside(pl.DataFrame(told, schema_overrides=_TEXTS), judged.data.items[suspects.rows].drop(target))
        return LabelErrors(frame, suspects.noise, suspects.n)

    def queue(self, count: int = 100, by: By = "mixed", rows: Path | None = None) -> pl.DataFrame:
        """The rows to be labelled next, in the order to label them, with the reason for each.

        ``uncertain`` and ``diverse`` ask for rows without a label (see `choose_rows`). ``suspected`` gives labels that look wrong
        first, then doubtful rows. ``mixed`` gives doubtful rows unlike each other, and one in five a label that looks wrong.

        Args:
            count: how many.
            by: the reason to choose by.
            rows: a file with rows to choose from; without it, the rows of the data whose target is missing.

        Returns:
            ``row`` (its number from 1, in the file or in the data), ``why``, ``reason``, ``suggested``, ``probability``,
            ``given`` (the label it has), then the row's own columns.

        Raises:
            InputError: ``LABELS-NO-POOL``, no row is without a label; or what `errors` raises.
        """
        judged = self._judged
        pool_rows = judged.waiting if rows is None else typed_rows(self._spec, rows, judged.model(), one_row_per_time=False)
        second_look = self._second_look(judged, count, by, len(pool_rows))
        free = count - len(second_look)
        first = self._first_look(judged, pool_rows, free, "mixed" if by == "suspected" else by) if free and len(pool_rows) else []
        numbers = np.flatnonzero(judged.given < 0) + 1 if rows is None else np.arange(1, len(pool_rows) + 1)
        parts = [
            _told(second_look, judged.data.items, np.arange(1, len(judged.data.items) + 1), judged),
            _told(first, pool_rows, numbers, judged),
        ]
        return pl.concat(parts if by == "suspected" else parts[::-1], how="diagonal_relaxed")

    def _second_look(self, judged: _Judged, count: int, by: By, pool: int) -> list[Choice]:
        """Labelled rows for the queue: first of all where asked for, a share where it is mixed, all of it where no row waits."""
        if by in ("uncertain", "diverse"):
            if not pool:
                fix = "give rows with --input, leave the target of some rows empty, or queue --by suspected"
                raise InputError("LABELS-NO-POOL", "every row has a label", f"'{by}' chooses among rows without one", fix)
            return []
        if by == "mixed" and not pool:
            text = "no row waits for a label, so the queue holds labels that look wrong; --input takes a file of new rows"
            warnings.warn(InputWarning(text), stacklevel=3)
        most = count if by == "suspected" or not pool else round(SECOND_LOOK * count)
        suspects = judged.suspects(FALSE_FLAGS, "house")
        given = [judged.classes[code] for code in judged.given[suspects.rows]]
        return suspected_choices(suspects, given, judged.classes, most)

    def _first_look(self, judged: _Judged, rows: pl.DataFrame, count: int, by: By) -> list[Choice]:
        predicted = judged.model().predict(rows)
        probability = predicted.select(f"probability_{name}" for name in judged.classes).to_numpy()
        labelled = judged.data.items.filter(judged.given >= 0)
        columns = [name for name in judged.inputs if name in rows.columns]
        both = pl.concat([rows.select(columns), labelled.select(columns)], how="vertical_relaxed")
        points = points_of(both, columns)
        return choose_rows(Pool(probability, points[: len(rows)], points[len(rows) :], judged.classes), count, by)


def out_of_fold(scores: pl.DataFrame, rows: int, classes: int) -> Floats:
    """Probabilities of the classes of every row by a model that had not learnt from it, ``[row, class]``.

    A row judged in several deals of the folds gets the mean; one that was never judged (the oldest, where newer are judged by
    older) is NaN.

    Args:
        scores: score table of one candidate: item ``row``, or with more than two classes ``row * classes + label``.
        rows: number of rows of the data set.
        classes: number of classes.
    """
    several = classes if classes > 2 else 1
    cells = np.zeros((rows * several, 2))
    item = scores["item"].to_numpy()
    np.add.at(cells, item, np.column_stack([scores["prediction"].cast(pl.Float64).to_numpy(), np.ones(len(item))]))
    with np.errstate(invalid="ignore"):
        mean = (cells[:, 0] / cells[:, 1]).reshape(rows, several)
    return np.column_stack([1.0 - mean, mean]) if several == 1 else mean


_TEXTS: dict[str, Any] = {"given": pl.String, SUGGESTED: pl.String, "row": pl.Int64}


def _classes(data: Dataset) -> Sequence[str]:
    fact = data.facts.get("classes", {}).get("value", ())
    if not fact:
        target = ", ".join(data.roles.targets)
        fix = "for a number see the largest errors in the report of step 6"
        raise InputError("LABELS-NO-CLASSES", f"the target '{target}' has no classes", "labels are classes", fix)
    return tuple(fact)


def _told(choices: Sequence[Choice], rows: pl.DataFrame, numbers: Codes, judged: _Judged) -> pl.DataFrame:
    """The chosen rows with the reason for each, their own columns behind."""
    at = [choice.row for choice in choices]
    target = judged.data.roles.targets[0]
    second = [choice.why == "suspected" for choice in choices]
    told = {
        "row": numbers[at] if at else [],
        "why": [choice.why for choice in choices],
        "reason": [choice.reason for choice in choices],
        SUGGESTED: [judged.classes[choice.suggested] for choice in choices],
        PROBABILITY: [choice.probability for choice in choices],
        "given": [judged.classes[judged.given[row]] if again else None for row, again in zip(at, second, strict=True)],
    }
    frame = pl.DataFrame(told, schema_overrides={**_TEXTS, "why": pl.String, "reason": pl.String, PROBABILITY: pl.Float64})
    return _beside(frame, rows[at].drop(target, strict=False))


def _beside(told: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """What is told of rows, with those columns of the rows beside it that a text file can hold."""
    shown = [name for name, kind in rows.schema.items() if not (kind.is_nested() or kind == pl.Binary)]
    return told.hstack(paths_named(rows.select(name for name in shown if name not in told.columns)))
