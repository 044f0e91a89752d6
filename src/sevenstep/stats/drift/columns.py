"""A column of values as drift sees it: numbers with NaN for missing, or categories as codes with their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Categories", "Codes", "Values"]

Codes: TypeAlias = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Categories:
    """A column of categories, in the form that tables keep them in.

    Args:
        codes: position of each row's category in ``names``, ``[n]``; -1 where it is missing.
        names: of the categories; those no row has do no harm.

    Raises:
        ValueError: when a code has no name, or two categories have the same.
    """

    codes: Codes
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.codes) and not -1 <= int(self.codes.min()) <= int(self.codes.max()) < len(self.names):
            raise ValueError(f"codes lie between -1 and {len(self.names) - 1}, the position of the last name")
        if len(set(self.names)) < len(self.names):
            raise ValueError("two categories have the same name")

    @classmethod
    def of(cls, values: Sequence[object] | npt.NDArray[Any]) -> Categories:
        """From single values of any kind, told apart by their text; ``None`` and NaN are missing."""
        single: Sequence[object] = values.tolist() if isinstance(values, np.ndarray) else values
        places: dict[str, int] = {}
        codes = [-1 if value is None or value != value else places.setdefault(str(value), len(places)) for value in single]
        return cls(np.array(codes, np.int64), tuple(places))

    def __len__(self) -> int:
        return len(self.codes)

    def counts(self) -> tuple[int, npt.NDArray[np.int64]]:
        """How many rows are missing, and how many have each category, ``[names]``."""
        found = np.bincount(np.asarray(self.codes, np.intp) + 1, minlength=len(self.names) + 1)
        return int(found[0]), found[1:]


Values: TypeAlias = npt.NDArray[Any] | Categories
"""Numbers ``[n]`` (float or whole, NaN where missing) or `Categories`."""
