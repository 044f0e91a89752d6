"""Which rows are learnt from and which are judged: folds by class shares, at random, by whole groups, or newer by older.

A fold's words say how the rows are dealt out, never which rows: the same data and words always give the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.errors import InputError
from sevenstep.tasks.contract import Fold
from sevenstep.tasks.tabular.encode.parts import deal
from sevenstep.tasks.tabular.problem import Problem
from sevenstep.wording import counted

__all__ = ["EVERYTHING", "USUAL_FOLDS", "group_codes", "known_rows", "plan_folds", "rows_of"]

EVERYTHING = "everything"
FOLDS = ((300, 20), (2_000, 10))
"""Below so many rows so many folds: the fewer rows there are, the more of them each model must learn from."""
USUAL_FOLDS = 5
JUDGED_SHARE = 0.6  # of the rows in order of time, the newest: the rest is what the first fold learns from

Places = NDArray[np.int64]
_WAYS = {"stratified": " with equal shares", "random": " at random", "groups": " of whole groups"}


def known_rows(data: Dataset, problem: Problem) -> Places:
    """Positions of the rows whose target is known."""
    return np.flatnonzero(np.isfinite(problem.values(data.items)))


def plan_folds(data: Dataset, problem: Problem, reason: str, wanted: int | None, seed: int) -> tuple[Sequence[Fold], Fold, str]:
    """The folds, the fold that stands for all rows, and the reason for the choice.

    Args:
        data: the data set.
        problem: says how rows are dealt out.
        reason: why they are dealt out so.
        wanted: number of folds a person asked for.
        seed: of the shuffle.

    Raises:
        InputError: ``TABULAR-FOLDS``, there are not enough rows, groups or points in time to deal out.
    """
    everything = Fold(EVERYTHING, -1, {"dealt": EVERYTHING}, {})
    if problem.split == "time":
        folds = _stretches(data, problem, wanted or USUAL_FOLDS)
        return folds, everything, f"{len(folds)} stretches of newer rows, each judged by a model of all older ones: {reason}"
    rows = len(known_rows(data, problem))
    usual = next((count for below, count in FOLDS if rows < below), USUAL_FOLDS)
    grouped = problem.split == "groups"
    most = len(np.unique(group_codes(data)[known_rows(data, problem)])) if grouped else rows
    count = _at_least_two(min(wanted or usual, most), f"{most} {'groups' if grouped else 'rows with a known target'}")
    words = {"dealt": problem.split, "parts": count, "seed": seed}
    folds = [
        Fold(
            f"part {number + 1}", number, {**words, "without": number}, {"part": number},
            "the other part" if count == 2 else f"the other {count - 1} parts", f"about {counted(round(rows / count), 'row')}",
        )
        for number in range(count)
    ]  # fmt: skip
    return folds, everything, f"{count} parts{_WAYS[problem.split]}: {reason}"


def _stretches(data: Dataset, problem: Problem, asked: int) -> list[Fold]:
    blocks = _blocks(_times(data)[known_rows(data, problem)], asked)
    found = _at_least_two(int(blocks.max(initial=-1)) + 1, "too few points in time")
    return [
        Fold(
            f"stretch {number + 1}", number, {"dealt": "time", "stretches": asked, "before": number}, {"stretch": number},
            f"{counted(int((blocks < number).sum()), 'older row')}", counted(int((blocks == number).sum()), "row"),
        )
        for number in range(found)
    ]  # fmt: skip


def _at_least_two(count: int, given: str) -> int:
    if count < 2:
        rule = "a model is judged on rows it has not seen, in two folds at least"
        raise InputError("TABULAR-FOLDS", f"there are {given} to deal out", rule, "bring more rows, or set another split")
    return count


def rows_of(fold: Fold, data: Dataset, problem: Problem) -> tuple[Places, Places]:
    """Positions of the rows a fold learns from, and of those it is judged on; only rows whose target is known.

    Where newer rows are judged by older ones, both are in the order of time.
    """
    known = known_rows(data, problem)
    if problem.split == "time":
        known = known[np.argsort(_times(data)[known], kind="stable")]
    words = fold.train
    if words["dealt"] == EVERYTHING:
        return known, known[:0]
    if words["dealt"] == "time":
        block = _blocks(_times(data)[known], int(words["stretches"]))
        return known[block < int(words["before"])], known[block == int(fold.test["stretch"])]
    part = _parts(data, problem, known, str(words["dealt"]), int(words["parts"]), int(words["seed"]))
    return known[part != int(words["without"])], known[part == int(fold.test["part"])]


def _parts(data: Dataset, problem: Problem, known: Places, split: str, count: int, seed: int) -> Places:
    """The part each row is dealt to."""
    values = problem.values(data.items)[known]
    if split == "groups":
        return _whole_groups(group_codes(data)[known], values, bool(problem.classes), count, seed)
    return deal(values if split == "stratified" else np.zeros(len(known)), count, seed)


def _whole_groups(groups: Places, values: NDArray[np.float64], classes: bool, count: int, seed: int) -> Places:
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold  # late: slow to import, and rarely needed

    deal = StratifiedGroupKFold if classes else GroupKFold
    part = np.zeros(len(groups), dtype=np.int64)
    for number, (_, test) in enumerate(deal(count, shuffle=True, random_state=seed).split(groups, values, groups)):
        part[test] = number
    return part


def _blocks(times: Places, count: int) -> Places:
    """Stretch of each row, -1 for the oldest rows, which are never judged; rows of one time stay together."""
    points, place = np.unique(times, return_inverse=True)
    older = np.searchsorted(np.sort(times), points) / max(len(times), 1)  # share of the rows before each point in time
    start = min(1.0 - JUDGED_SHARE, float(older.max(initial=0.0)) / 2)
    block = np.maximum(np.floor((older - start) / (1.0 - start) * count), -1)
    numbers = np.where(block < 0, -1, np.searchsorted(np.unique(block[block >= 0]), block))
    return np.asarray(numbers[place], dtype=np.int64)


def group_codes(data: Dataset) -> Places:
    """Number of each row's group: equal where all the columns that name a group are; every row its own without such columns."""
    keys = list(data.roles.keys)
    if not keys:
        return np.arange(len(data.items), dtype=np.int64)
    codes = data.items.select(pl.struct(keys).rank("dense")).to_series()
    return codes.cast(pl.Int64).to_numpy() - 1


def _times(data: Dataset) -> Places:
    """Times as whole numbers in their order; a missing time is the oldest."""
    time = data.roles.time
    if time is None:
        fix = "name the column with data.time, or choose another split"
        raise InputError("TABULAR-FOLDS", "split is 'time' and the data has no time", "newer rows are judged by older ones", fix)
    return data.items[time].rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
