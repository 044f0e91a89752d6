"""The rows a metric reads, as arrays, so that statistics know neither frames nor tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["FIELDS", "BoolArray", "FloatArray", "Scored"]

_DEFAULTS = {"weight": 1.0, "scale": 1.0, "root_scale": 1.0, "label": 0.0, "cut": 0.5}

FloatArray: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scored:
    """Scored rows as arrays of one length; NaN stands for "not there".

    Args:
        truth: what happened, in units of the target.
        prediction: what was predicted, in the same units.
        weight: weight of a row, read by weighted metrics only.
        scale: in-sample error of the naive rule, read by scaled metrics only (see `in_sample_scale`).
        root_scale: the same as the root of the mean square, read by RMSSE only.
        lower_80: lower bound of the 80 % interval; ``upper_80``, ``lower_95`` and ``upper_95`` likewise. For classified items the
            least probability a class needs to be in the 80 % (95 %) set.
        unit: which item a row is about, where items have a row for each class; by default every row is an item.
        label: number of the row's class; 0 where items have one row.
        cut: probability at which a row's class is decided for (see `stats.classification`).

    Raises:
        ValueError: when the arrays differ in length.
    """

    truth: FloatArray
    prediction: FloatArray
    weight: FloatArray
    scale: FloatArray
    root_scale: FloatArray
    lower_80: FloatArray
    upper_80: FloatArray
    lower_95: FloatArray
    upper_95: FloatArray
    unit: FloatArray
    label: FloatArray
    cut: FloatArray

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in FIELDS}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the arrays of scored rows differ in length: {lengths}")

    @classmethod
    def of(cls, truth: npt.ArrayLike, prediction: npt.ArrayLike, **others: npt.ArrayLike) -> Scored:
        """Rows from anything array-like; weight and scale are 1, bounds absent and rows items of their own unless given."""
        given = {"truth": np.asarray(truth, np.float64), "prediction": np.asarray(prediction, np.float64)}
        given |= {name: np.asarray(values, np.float64) for name, values in others.items()}
        rows = len(given["truth"])
        defaults = {name: np.full(rows, _DEFAULTS.get(name, np.nan)) for name in FIELDS if name != "unit"}
        defaults["unit"] = np.arange(rows, dtype=np.float64)
        return cls(**(defaults | given))

    def __len__(self) -> int:
        return len(self.truth)

    def at(self, rows: BoolArray | npt.NDArray[np.intp] | slice) -> Scored:
        """Only some of the rows, by mask, positions or slice."""
        return Scored(**{name: getattr(self, name)[rows] for name in FIELDS})

    def has(self, names: Sequence[str]) -> BoolArray:
        """Which rows have all the named values."""
        absent: Any = np.zeros(len(self), np.bool_)
        for name in names:
            absent = absent | np.isnan(getattr(self, name))
        present: BoolArray = ~absent
        return present


FIELDS = tuple(field.name for field in fields(Scored))
