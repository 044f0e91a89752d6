"""Which class is taken for which, and how good the decisions for each class are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sevenstep.chapter import Column, Figure, Table
from sevenstep.tasks.tabular.pictures.decisions import Decisions
from sevenstep.wording import percent

__all__ = ["class_table", "confusion_counts", "confusion_figure"]


def confusion_counts(decisions: Decisions) -> NDArray[np.int64]:
    """Items by true and decided class, ``[classes, classes]``."""
    classes = len(decisions.classes)
    counted = np.bincount(decisions.truth * classes + decisions.decided, minlength=classes**2)
    return counted.reshape(classes, classes)


def confusion_figure(decisions: Decisions) -> Figure:
    """Of the items of each class, the share decided for each."""
    counts = confusion_counts(decisions)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = decisions.classes
    rows = [
        {"x": decided, "y": true, "value": float(shares[place, other])}
        for place, true in enumerate(names)
        for other, decided in enumerate(names)
    ]
    target, right = decisions.problem.target, int(np.trace(counts))
    cut = f" Decided for {names[1]} from a probability of {percent(decisions.cut)}." if decisions.problem.binary else ""
    caption = f"Of the rows of each true class, the share decided for each: {right:,} of {int(counts.sum()):,} right.{cut}"
    return Figure(f"Confusion of {target}", "heatmap", rows, "decided for", "truly", format="percent", caption=caption)


def class_table(decisions: Decisions) -> Table:
    """For each class how many of its rows are found, and how many of those decided for it are right."""
    counts = confusion_counts(decisions)
    rows = []
    for place, name in enumerate(decisions.classes):
        hit, true, said = int(counts[place, place]), int(counts[place].sum()), int(counts[:, place].sum())
        rows.append(
            {
                "name": name, "rows": true, "said": said, "found": _share(hit, true), "right": _share(hit, said),
                "both": 2 * hit / (true + said) if true + said else None,
            }
        )  # fmt: skip
    columns = [
        Column("name", "Class"), Column("rows", "Rows", "integer"), Column("said", "Decided for", "integer"),
        Column("found", "Found (recall)"), Column("right", "Right when said (precision)"), Column("both", "F1", "percent"),
    ]  # fmt: skip
    caption = "Out of fold, with 95 % intervals (Wilson)."
    return Table(f"Decisions by class of {decisions.problem.target}", columns, rows, caption)


def _share(hit: int, of: int) -> str:
    if not of:
        return "–"
    ends = stats.binomtest(hit, of).proportion_ci(method="wilson")
    return f"{100 * hit / of:.1f} % ({100 * ends.low:.1f} to {100 * ends.high:.1f})"
