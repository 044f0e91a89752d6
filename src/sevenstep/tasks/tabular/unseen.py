"""What a model has seen of each input, and what to say of rows that look otherwise.

A person may ask for any row. Where it holds what was never learnt from, the prediction is worth less than what was judged, and a
sentence says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.naming import listed
from sevenstep.tasks.tabular.encode.building import learnt_forms
from sevenstep.tasks.tabular.encode.reading import Columns, NumberForm
from sevenstep.tasks.tabular.problem import Problem

__all__ = ["Seen", "of_rows"]

MOST_LEVELS = 5_000  # categories with more are open to new ones
TAIL = 0.005  # share of the values on either side that does not count as usual
LEAST_FACTOR, MOST_FACTOR = 250.0, 4_000.0  # a slip of the unit by a thousand, give or take what values differ by


@dataclass(frozen=True)
class Seen:
    """What training rows held.

    Args:
        levels: the values of each category, where they are few enough to be told.
        sizes: of each column of numbers its usual smallest, median and largest absolute value other than 0.
        forms: how each column of numbers is written.
    """

    levels: Mapping[str, frozenset[str]]
    sizes: Mapping[str, tuple[float, float, float]]
    forms: Mapping[str, NumberForm]

    @classmethod
    def of(cls, rows: pl.DataFrame, problem: Problem) -> Seen:
        """What these training rows hold."""
        forms = learnt_forms(rows, problem)
        columns = Columns(rows, forms)
        texts = {name: columns.texts(name).drop_nulls().unique() for name, kind in problem.kinds.items() if kind == "category"}
        levels = {name: frozenset(known.to_list()) for name, known in texts.items() if len(known) <= MOST_LEVELS}
        numbers = {name: _sizes(columns.numbers(name)) for name, kind in problem.kinds.items() if kind == "number"}
        return cls(levels, {name: tuple(size) for name, size in numbers.items() if size}, forms)  # type: ignore[misc]

    def odd(self, rows: pl.DataFrame) -> NDArray[np.bool_]:
        """Rows that `doubts` may have something to say about, told fast for few rows: a new level, or a number of another size.

        No doubt but that of a column that is not there comes from rows none of which is odd.
        """
        columns, odd = Columns(rows, self.forms), np.zeros(rows.height, dtype=bool)
        for name, known in self.levels.items():
            texts = columns.texts(name).to_list()
            if not known.issuperset(texts):
                odd |= [text is not None and text not in known for text in texts]
        for name, (_, middle, _) in self.sizes.items():
            low, high = middle / LEAST_FACTOR, middle * LEAST_FACTOR
            far = [row for row, size in enumerate(columns.listed(name)) if size and not low < abs(size) < high]
            if far:
                odd[far] = True
        return odd

    def doubts(self, rows: pl.DataFrame, problem: Problem) -> Iterator[str]:
        """One sentence for each thing about these rows that the model has no experience of, with counts."""
        absent = [name for name in problem.inputs if name not in rows.columns]
        if absent:
            yield f"the rows lack {listed(map(repr, absent), most=5)}: treated as missing in every row"
        columns = Columns(rows, self.forms)
        for name in self.levels:
            if name in rows.columns:
                yield from self._new_levels(name, columns.texts(name))
        for name in self.sizes:
            if name in rows.columns:
                yield from self._other_unit(name, columns.numbers(name))

    def _new_levels(self, name: str, texts: pl.Series) -> Iterator[str]:
        known = self.levels[name]
        new = [text for text in texts.to_list() if text is not None and text not in known]
        if new:
            told = listed(map(repr, dict.fromkeys(new)), most=3)
            many = of_rows(len(new), len(texts))
            yield f"{many} a value of '{name}' that was not there in training ({told}): treated as unknown"

    def _other_unit(self, name: str, numbers: NDArray[np.float64]) -> Iterator[str]:
        low, middle, high = self.sizes[name]
        size = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
        outside = size[(size > high) | (size < low)]
        if len(outside) * 2 <= len(size) or not len(size):
            return
        ratio = float(np.median(outside)) / middle
        factor = max(ratio, 1 / max(ratio, np.finfo(np.float64).tiny))
        if LEAST_FACTOR <= factor <= MOST_FACTOR:
            way = "a thousand times" if ratio > 1 else "a thousandth of"
            yield (
                f"{of_rows(len(outside), len(numbers))} a '{name}' about {way} what it was in training (median {middle:.3g}): "
                "this looks like another unit"
            )

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        forms = {name: {"unit": form.unit, "comma": form.comma, "codes": form.codes} for name, form in self.forms.items()}
        return {"levels": {name: sorted(known) for name, known in self.levels.items()}, "sizes": dict(self.sizes), "forms": forms}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Seen:
        """Read back what `to_json` gave."""
        forms = {name: NumberForm(form["unit"], form["comma"], tuple(form["codes"])) for name, form in value["forms"].items()}
        levels = {name: frozenset(known) for name, known in value["levels"].items()}
        return cls(levels, {name: (size[0], size[1], size[2]) for name, size in value["sizes"].items()}, forms)


def _sizes(numbers: NDArray[np.float64]) -> list[float]:
    size = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
    return [float(value) for value in np.quantile(size, [TAIL, 0.5, 1 - TAIL])] if len(size) else []


def of_rows(count: int, rows: int) -> str:
    """How a sentence about some of the rows begins: ``3 of 20 rows have``."""
    return f"{count:,} of {rows:,} {'row' if rows == 1 else 'rows'} {'has' if count == 1 else 'have'}"
