"""The rows an exploration looks at, with the target and every input in bins, so that all kinds of columns are measured alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.tabular.encode.building import learnt_forms
from sevenstep.tasks.tabular.encode.reading import Columns
from sevenstep.tasks.tabular.problem import Problem

__all__ = ["MISSING", "Binned", "Codes", "Floats", "Mask", "View", "binned", "short", "view_of"]

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MISSING, OTHER = "missing", "all others"
_MOST_ROWS = 20_000
_BINS, _FEWEST_BINS, _LEVELS = 10, 3, 20
_IN_BIN = 5  # rows of the rarest class expected in each bin, so that the chi-square approximation holds
_TARGET_BINS = 8


@dataclass(frozen=True)
class Binned:
    """A column in bins: the code of each row and what each code means, in words."""

    codes: Codes
    labels: tuple[str, ...]

    @property
    def levels(self) -> int:
        """How many bins there are."""
        return len(self.labels)


@dataclass(frozen=True)
class View:
    """The known rows of a data set, or a sample of them.

    Args:
        problem: what is to be predicted from what.
        rows: the rows looked at, in the order of the data.
        columns: the same rows, read as a fit reads them.
        known: how many rows have a known target.
        values: the target: class codes, or the number itself.
        time: the time column, or None.
    """

    problem: Problem
    rows: pl.DataFrame
    columns: Columns
    known: int
    values: Floats
    time: str | None

    @cached_property
    def outcome(self) -> Binned:
        """The target in classes: its own, or eighths of the rows by the number."""
        if self.problem.classes:
            return Binned(self.values.astype(np.int64), self.problem.classes)
        return _number_bins(self.values, _TARGET_BINS, short)

    @cached_property
    def inputs(self) -> dict[str, Binned]:
        """Every input that can be put in bins (all but pictures)."""
        rarest = int(np.bincount(self.outcome.codes, minlength=self.outcome.levels).min())
        bins = int(np.clip(rarest // _IN_BIN, _FEWEST_BINS, _BINS))
        columns = [name for name, kind in self.problem.kinds.items() if kind != "picture"]
        return {name: binned(self.columns, name, self.problem.kinds[name], bins) for name in columns}

    @property
    def numbers(self) -> list[str]:
        """Inputs that are numbers."""
        return [name for name, kind in self.problem.kinds.items() if kind == "number"]

    def note(self) -> str:
        """What to add to a caption where not all rows were looked at."""
        return f" From a sample of {len(self.rows):,} of {self.known:,} rows." if len(self.rows) < self.known else ""


def view_of(data: Dataset, seed: int) -> View:
    """The rows whose target is known, at most 20,000 of them drawn at random."""
    problem = Problem.of(data)
    values = problem.values(data.items)
    known = np.flatnonzero(np.isfinite(values))
    taken = known
    if len(known) > _MOST_ROWS:
        taken = np.sort(np.random.default_rng(seed).choice(known, _MOST_ROWS, replace=False))
    rows = data.items[taken.tolist()]
    return View(problem, rows, Columns(rows, learnt_forms(data.items, problem)), len(known), values[taken], data.roles.time)


def binned(columns: Columns, name: str, kind: str, bins: int = _BINS) -> Binned:
    """A column in bins of about equal size (numbers, times, lengths of texts) or by level (categories), the missing apart."""
    if kind == "category":
        return _levels(columns.texts(name))
    if kind == "time":
        return _number_bins(columns.seconds(name), bins, _as_date)
    if kind == "text":
        lengths = columns.texts(name).str.len_chars().cast(pl.Float64).fill_null(float("nan")).to_numpy()
        return _number_bins(lengths, bins, "length {:.0f}".format)
    return _number_bins(columns.numbers(name), bins, short)


def _number_bins(numbers: Floats, bins: int, text: Callable[[float], str]) -> Binned:
    known = np.isfinite(numbers)
    edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, bins + 1)[1:-1])) if known.any() else np.array([])
    codes = np.where(known, np.searchsorted(edges, numbers, side="right"), len(edges) + 1).astype(np.int64)
    return _compact(codes, [*_spans([text(edge) for edge in edges.tolist()]), MISSING])


def _spans(texts: list[str]) -> list[str]:
    if not texts:
        return ["any"]
    between = [f"{low} to {high}" for low, high in pairwise(texts)]
    return [f"below {texts[0]}", *between, f"from {texts[-1]}"]


def short(number: float) -> str:
    """A number in as many digits as a person reads at a glance."""
    return f"{number:,.4g}" if abs(number) < 10_000 else f"{number:,.0f}"


def _as_date(seconds: float) -> str:
    return str(np.datetime64(int(seconds), "s")).replace("T", " ")


def _levels(values: pl.Series) -> Binned:
    """The most frequent levels by number of rows, then by name; the rest together."""
    counts = values.drop_nulls().value_counts().sort("count", values.name, descending=[True, False])
    kept = counts[values.name].to_list()[: _LEVELS if len(counts) <= _LEVELS else _LEVELS - 1]
    numbers = {name: number for number, name in enumerate(kept)}
    codes = values.replace_strict(numbers, default=len(kept), return_dtype=pl.Int64)
    codes = pl.select(pl.when(values.is_null()).then(len(kept) + 1).otherwise(codes)).to_series()
    return _compact(codes.to_numpy(), [*kept, OTHER, MISSING])


def _compact(codes: Codes, labels: list[str]) -> Binned:
    """Without the bins no row is in."""
    used, inverse = np.unique(codes, return_inverse=True)
    return Binned(inverse.astype(np.int64), tuple(labels[code] for code in used))
