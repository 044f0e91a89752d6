"""Which questions are learnt from and which are judged: whole groups, so that no document is learnt by heart.

A fold's words say how groups are dealt out, never which questions: the same data and words always give the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.errors import InputError
from sevenstep.tasks.contract import Fold
from sevenstep.wording import counted

__all__ = ["EVERYTHING", "group_codes", "known_rows", "plan_folds", "rows_of"]

EVERYTHING = "everything"
USUAL_FOLDS = 5

Rows = NDArray[np.int64]


def known_rows(data: Dataset, target: str) -> Rows:
    """Positions of the questions of which it is known what is right."""
    return np.flatnonzero(data.items[target].is_not_null().to_numpy())


def group_codes(data: Dataset) -> Rows:
    """Number of each question's group."""
    return np.asarray(data.items["group"].rank("dense").cast(pl.Int64).to_numpy() - 1, dtype=np.int64)


def plan_folds(data: Dataset, wanted: int | None, seed: int) -> tuple[Sequence[Fold], Fold, str]:
    """The folds, the fold that stands for all questions, and the reason for the choice.

    Raises:
        InputError: ``RAG-FOLDS``, there are not two groups to deal out.
    """
    groups = data.items["group"].n_unique()
    count = min(wanted or USUAL_FOLDS, groups)
    if count < 2:
        given = f"the questions are of {counted(groups, 'group')}"
        rule = "questions about one document stay together, and a fold is judged by what the others teach"
        raise InputError("RAG-FOLDS", given, rule, "bring questions about more documents")
    words = {"dealt": "groups", "parts": count, "seed": seed}
    folds = [
        Fold(
            f"part {number + 1}", number, {**words, "without": number}, {"part": number},
            "the other part" if count == 2 else f"the other {count - 1} parts",
            f"about {counted(round(data.items.height / count), 'question')}",
        )
        for number in range(count)
    ]  # fmt: skip
    reason = f"{count} parts of whole groups: questions about the same document stay together, so that none is learnt by heart"
    return folds, Fold(EVERYTHING, -1, {"dealt": EVERYTHING}, {}), reason


def rows_of(fold: Fold, data: Dataset, target: str) -> tuple[Rows, Rows]:
    """Positions of the questions a fold learns from, and of those it is judged on."""
    known = known_rows(data, target)
    if fold.train["dealt"] == EVERYTHING:
        return known, known[:0]
    part = _parts(group_codes(data), int(fold.train["parts"]), int(fold.train["seed"]))[known]
    return known[part != int(fold.train["without"])], known[part == int(fold.test["part"])]


def _parts(groups: Rows, count: int, seed: int) -> Rows:
    """The part each question is dealt to: groups from the largest to the smallest, each to the part that is smallest so far."""
    sizes = np.bincount(groups)
    order = np.random.default_rng(seed).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    part, filled = np.zeros(len(sizes), dtype=np.int64), np.zeros(count, dtype=np.int64)
    for group in order:
        part[group] = int(np.argmin(filled))
        filled[part[group]] += sizes[group]
    return part[groups]
