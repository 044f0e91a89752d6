"""One encoder for a fold: learns from the training rows how to turn any rows into a matrix.

Three styles: ``trees`` (numbers as they are, categories as codes), ``linear`` (all on a common scale, curves as straight
pieces, one column a level) and ``distance`` (few dense columns on a common scale).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.tabular.encode.building import PARTS, Recipe, build_parts, learnt_combinations, learnt_forms
from sevenstep.tasks.tabular.encode.categories import Codes
from sevenstep.tasks.tabular.encode.part import Matrix, Part, pack, unpack
from sevenstep.tasks.tabular.encode.reading import Columns, Combined, NumberForm
from sevenstep.tasks.tabular.problem import Problem

__all__ = ["Encoded", "Encoder", "Style"]

Style = Literal["trees", "linear", "distance"]


@dataclass(frozen=True)
class Encoded:
    """A matrix with the name of each column; ``categorical`` are the columns that hold codes of categories."""

    values: Matrix
    names: list[str]
    categorical: tuple[int, ...]


@dataclass(frozen=True)
class Encoder:
    """What was learnt from the training rows of a fold.

    Rows to be transformed may have their columns in any order, of other types, with categories not seen before; a column that
    is not there is missing in every row.

    Args:
        forms: how each column of numbers is written.
        combined: columns of numbers made of two others.
        parts: the parts, each giving some columns of the matrix.
        centre: subtracted from each column; empty where columns are left as they are.
        scale: what each column is divided by.
    """

    forms: Mapping[str, NumberForm]
    combined: Mapping[str, Combined]
    parts: Sequence[Part]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(
        cls, rows: pl.DataFrame, problem: Problem, style: Style, goal: NDArray[Any], parameters: Mapping[str, Any], seed: int = 0
    ) -> Encoder:
        """Learn from training rows; see `fit_transform` for their own features."""
        return cls.fit_transform(rows, problem, style, goal, parameters, seed)[0]

    @classmethod
    def fit_transform(
        cls, rows: pl.DataFrame, problem: Problem, style: Style, goal: NDArray[Any], parameters: Mapping[str, Any], seed: int = 0
    ) -> tuple[Encoder, Encoded]:
        """Learn from training rows, and give their features, in which no row sees its own target.

        Args:
            rows: training rows, every one with a known target.
            problem: inputs and their kinds.
            style: ``trees``, ``linear`` or ``distance``.
            goal: class codes, or numbers, ``[n]``.
            parameters: any of the fields of `building.Recipe`.
            seed: seed of samples and inner parts.
        """
        forms, recipe = learnt_forms(rows, problem), Recipe.of(parameters)
        with _beyond_largest():
            combined = learnt_combinations(rows, forms, problem, goal, recipe, seed)
            built = build_parts(Columns(rows, forms, combined), problem, style, goal, recipe, seed)
        values = _joined([part.features for part in built], rows.height)
        centre, scale = (np.zeros(0), np.zeros(0)) if style == "trees" else _moments(values)
        encoder = cls(forms, combined, [part.part for part in built], centre, scale)
        return encoder, encoder._encoded(values)

    def transform(self, rows: pl.DataFrame) -> Encoded:
        """Features of rows that were not learnt from."""
        columns = Columns(rows, self.forms, self.combined)
        with _beyond_largest():
            return self._encoded(_joined([part.transform(columns) for part in self.parts], rows.height))

    def _encoded(self, values: Matrix) -> Encoded:
        if len(self.scale):
            values = np.nan_to_num((values - self.centre) / self.scale).astype(np.float32)
        return Encoded(values, self.names, self.categorical)

    @cached_property
    def names(self) -> list[str]:
        """Name of each column of the matrix."""
        return [name for part in self.parts for name in part.names]

    @cached_property
    def categorical(self) -> tuple[int, ...]:
        """Columns of the matrix that hold codes of categories."""
        places, start = [], 0
        for part in self.parts:
            places += list(range(start, start + len(part.names))) if isinstance(part, Codes) else []
            start += len(part.names)
        return tuple(places)

    def save(self, folder: Path) -> None:
        """Write ``encoder.json`` and ``encoder.npz``."""
        arrays: dict[str, NDArray[Any]] = {"centre": self.centre, "scale": self.scale}
        parts = [pack(part, str(number), arrays) for number, part in enumerate(self.parts)]
        forms = {name: {"unit": form.unit, "comma": form.comma, "codes": form.codes} for name, form in self.forms.items()}
        about = {"forms": forms, "combined": self.combined, "parts": parts}
        (folder / "encoder.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
        np.savez_compressed(folder / "encoder.npz", **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, folder: Path) -> Encoder:
        """Read back what `save` wrote."""
        about = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
        with np.load(folder / "encoder.npz", allow_pickle=False) as arrays:
            parts = [unpack(PARTS, state, str(number), arrays) for number, state in enumerate(about["parts"])]
            centre, scale = arrays["centre"], arrays["scale"]
        forms = {name: NumberForm(form["unit"], form["comma"], tuple(form["codes"])) for name, form in about["forms"].items()}
        combined = {name: tuple(made) for name, made in about["combined"].items()}
        return cls(forms, combined, parts, centre, scale)


def _beyond_largest() -> Any:
    """Products of two columns may exceed what a number holds; `stacked` clips them. Once for all columns, as it is dear."""
    return np.errstate(over="ignore")


def _joined(made: Sequence[Matrix], rows: int) -> Matrix:
    return np.concatenate(made, axis=1) if made else np.zeros((rows, 0), np.float32)


def _moments(values: Matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and spread of each column; a column that never changes is left at 0."""
    known = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    filled = np.isfinite(known).any(axis=0)
    known[:, ~filled] = 0.0
    spread = np.nanstd(known, axis=0)
    return np.nanmean(known, axis=0), np.where(spread > 1e-9, spread, 1.0)
