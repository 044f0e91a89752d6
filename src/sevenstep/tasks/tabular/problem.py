"""What is to be predicted from what, read off the facts of a data set: the same words for every part of the two tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset

__all__ = ["KINDS", "Problem", "class_texts"]

KINDS = ("number", "category", "text", "time", "picture")
"""What an input column may hold; each kind is encoded in its own way."""


@dataclass(frozen=True)
class Problem:
    """The target and the inputs of a data set.

    Args:
        target: column to be predicted.
        classes: the classes as texts, in order; with two the negative one comes first. Empty where the target is a number.
        kinds: each input column with its kind (see `KINDS`), in the order of the data.
        split: how rows are dealt out to folds: ``stratified``, ``random``, ``groups`` or ``time``.
        miss: cost of not finding each class, in the order of ``classes``; with two classes the first is that of a false alarm.
        priced: whether the spec gave those costs; they are all 1 otherwise.
        log: whether logarithms of a number are learnt.
    """

    target: str
    classes: tuple[str, ...]
    kinds: Mapping[str, str]
    split: str
    miss: tuple[float, ...] = ()
    priced: bool = False
    log: bool = False

    @classmethod
    def of(cls, data: Dataset) -> Problem:
        """Read the problem from the facts that `tasks.tabular.roles.find_roles` left."""
        facts = {name: fact["value"] for name, fact in data.facts.items()}
        return cls(
            target=data.roles.targets[0],
            classes=tuple(facts.get("classes", ())),
            kinds=dict(facts["kinds"]),
            split=facts["split"],
            miss=tuple(facts.get("miss", ())),
            priced=bool(facts.get("priced", False)),
            log=bool(facts.get("log", False)),
        )

    @property
    def binary(self) -> bool:
        """Whether there are two classes, so that an item has one row: the probability of the second."""
        return len(self.classes) == 2

    @property
    def inputs(self) -> list[str]:
        """The input columns."""
        return list(self.kinds)

    def codes(self, items: pl.DataFrame) -> NDArray[np.int64]:
        """Number of the class of each row, -1 where the target is null or of no known class."""
        numbers = {name: number for number, name in enumerate(self.classes)}
        texts = class_texts(items[self.target])
        return texts.replace_strict(numbers, default=-1, return_dtype=pl.Int64).fill_null(-1).to_numpy()

    def values(self, items: pl.DataFrame) -> NDArray[np.float64]:
        """The target as numbers: class codes, or the number itself; NaN where it is not known."""
        if self.classes:
            codes = self.codes(items).astype(np.float64)
            return np.where(codes < 0, np.nan, codes)
        return items[self.target].cast(pl.Float64).fill_null(float("nan")).to_numpy()


def class_texts(values: pl.Series) -> pl.Series:
    """Classes as texts; a whole number is written without a decimal point."""
    if values.dtype == pl.Float64 and (values.drop_nulls() == values.drop_nulls().round()).all():
        values = values.cast(pl.Int64)
    return values.cast(pl.String)
