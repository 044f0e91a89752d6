"""Which parts an encoder is made of: by style, by the kinds of the columns, and by how many rows there are to learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.tabular.encode.categories import Codes, OneHot, Statistics
from sevenstep.tasks.tabular.encode.combinations import find_combinations
from sevenstep.tasks.tabular.encode.joint import find_joint
from sevenstep.tasks.tabular.encode.numbers import Missing, Normal, Numbers, Pieces
from sevenstep.tasks.tabular.encode.part import Matrix, Part
from sevenstep.tasks.tabular.encode.parts import deal
from sevenstep.tasks.tabular.encode.places import Distances, Neighbourhood, find_places
from sevenstep.tasks.tabular.encode.reading import JOINED, Columns, Combined, NumberForm, missing_codes, number_form
from sevenstep.tasks.tabular.encode.texts import Topics
from sevenstep.tasks.tabular.encode.times import Times
from sevenstep.tasks.tabular.problem import Problem

__all__ = ["PARTS", "Built", "Recipe", "build_parts", "learnt_combinations", "learnt_forms"]

PARTS: Mapping[str, type[Any]] = {
    part.__name__: part
    for part in (
        Codes, Distances, Missing, Neighbourhood, Normal, Numbers, OneHot, Pieces, Statistics, Times, Topics
    )
}  # fmt: skip

_ROWS_PER_PIECE = 5  # training rows there must be for each piece of all curves
_RARE_SHARE = 0.001


@dataclass(frozen=True)
class Recipe:
    """What a candidate may set about its encoding.

    Args:
        levels: most levels of a category that keeps them; one with more becomes target statistics.
        statistics: target statistics for all categories, besides their codes.
        codes: whether categories with few levels are codes (for LightGBM) rather than one column a level, in the style ``trees``.
        smoothing: rows at the overall mean added to each level of a target statistic.
        combinations: most arithmetic combinations of numbers.
        joint: most pairs of columns whose repeated values together become target statistics.
        places: whether coordinates become neighbourhoods.
        topics: features of each column of free text.
        bins: pieces of each number's curve in the style ``linear``.
        missing: share of missing values from which on they are marked.
    """

    levels: int = 64
    statistics: bool = False
    codes: bool = True
    smoothing: float = 20.0
    combinations: int = 0
    joint: int = 0
    places: bool = True
    topics: int = 16
    bins: int = 8
    missing: float = 0.01

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Recipe:
        """The recipe in a candidate's parameters, which hold those of its family beside it."""
        return cls(**{field.name: parameters[field.name] for field in fields(cls) if field.name in parameters})


@dataclass(frozen=True)
class Built:
    """A part and its features of the training rows."""

    part: Part
    features: Matrix


def learnt_forms(rows: pl.DataFrame, problem: Problem) -> dict[str, NumberForm]:
    """How each column of numbers is written, codes for missing with it."""
    forms = {}
    for name, kind in problem.kinds.items():
        if kind == "number":
            values = rows[name]
            form = (number_form(values) if values.dtype == pl.String else None) or NumberForm()
            forms[name] = NumberForm(form.unit, form.comma, missing_codes(form.read(values)))
    return forms


def learnt_combinations(
    rows: pl.DataFrame, forms: Mapping[str, NumberForm], problem: Problem, goal: NDArray[Any], recipe: Recipe, seed: int
) -> dict[str, Combined]:
    """Combinations of the columns of numbers and joint values, as many as the recipe asks for.

    Values name what rows have in common only where later rows have it too: not where newer rows or other groups are predicted.
    """
    columns, values, found = Columns(rows, forms), np.asarray(goal, np.float64), {}
    numbers = [name for name, kind in problem.kinds.items() if kind == "number"]
    named = [name for name, kind in problem.kinds.items() if kind in ("number", "category")]
    if recipe.combinations and len(numbers) > 1:
        found = find_combinations(columns, numbers, values, bool(problem.classes), recipe.combinations, seed)
    if recipe.joint and problem.split not in ("time", "groups"):
        found |= find_joint(columns, named, _means(values, problem), recipe.joint, seed)
    return found


def _means(goal: NDArray[np.float64], problem: Problem) -> NDArray[np.float64]:
    """The target as columns whose means are statistics: numbers, P(second class), or one column a class."""
    if len(problem.classes) > 2:
        return np.asarray(goal[:, None] == np.arange(len(problem.classes)), np.float64)
    return goal[:, None]


def build_parts(columns: Columns, problem: Problem, style: str, goal: NDArray[Any], recipe: Recipe, seed: int) -> list[Built]:
    """The parts of a style, learnt from the training rows; see `Encoder.fit_transform` for the arguments."""
    building = _Building(columns, problem, np.asarray(goal, np.float64), recipe, seed)
    builders: dict[str, Callable[[], None]] = {
        "trees": building.for_trees, "linear": building.for_linear, "distance": building.for_distance,
    }  # fmt: skip
    builders[style]()
    return [built for built in building.built if built.part.names]


class _Building:
    """Parts of one encoder under way."""

    def __init__(self, columns: Columns, problem: Problem, goal: NDArray[np.float64], recipe: Recipe, seed: int) -> None:
        self.columns, self.problem, self.goal, self.recipe, self.seed = columns, problem, goal, recipe, seed
        self.built: list[Built] = []
        self.kept, self.many = self._categories()
        self.joint = [name for name, (_, operation, _) in columns.combined.items() if operation == JOINED]
        self.numbers = (*self.of_kind("number"), *(name for name in columns.combined if name not in self.joint))

    def of_kind(self, kind: str) -> tuple[str, ...]:
        return tuple(name for name, known in self.problem.kinds.items() if known == kind)

    def _categories(self) -> tuple[list[str], list[str]]:
        """Categories whose levels are kept, and those with too many."""
        levels = {name: self.columns.texts(name).n_unique() for name in self.of_kind("category")}
        few = [name for name, count in levels.items() if count <= self.recipe.levels]
        return few, [name for name in levels if name not in few]

    def means(self) -> NDArray[np.float64]:
        return _means(self.goal, self.problem)

    def add(self, part: Part) -> None:
        self.built.append(Built(part, part.transform(self.columns)))

    def for_trees(self) -> None:
        self.add(Numbers(self.numbers))
        if self.recipe.codes:
            self.add(Codes.learn(self.columns, self.kept))
        else:
            self.add(OneHot.learn(self.columns, self.kept, self._rare()))
        self._statistics(self.kept + self.many if self.recipe.statistics else self.many)
        self._dates_and_texts()
        self._places()

    def for_linear(self) -> None:
        bins = min(self.recipe.bins, self.columns.height // (_ROWS_PER_PIECE * max(len(self.numbers), 1)))
        self.add(Normal.learn(self.columns, self.numbers))
        if bins > 2:
            self.add(Pieces.learn(self.columns, self.numbers, bins))
        self._spread_out()

    def for_distance(self) -> None:
        self.add(Normal.learn(self.columns, self.numbers))
        self._spread_out()

    def _spread_out(self) -> None:
        self.add(Missing.learn(self.columns, self.of_kind("number"), self.recipe.missing))
        self.add(OneHot.learn(self.columns, self.kept, self._rare()))
        self._statistics(self.many)
        self._dates_and_texts()
        self._places()

    def _rare(self) -> int:
        return max(5, int(_RARE_SHARE * self.columns.height))

    def _statistics(self, categories: list[str]) -> None:
        categories = categories + self.joint
        if categories:
            parts = deal(self.goal, 5, self.seed)
            part, features = Statistics.learn(self.columns, categories, self.means(), parts, self.recipe.smoothing)
            self.built.append(Built(part, features))

    def _dates_and_texts(self) -> None:
        if self.of_kind("time"):
            self.add(Times.learn(self.columns, self.of_kind("time"), elapsed=self.problem.split != "time"))
        for name in self.of_kind("text"):
            self.add(Topics.learn(self.columns, name, self.recipe.topics, self.seed))

    def _places(self) -> None:
        places = find_places(self.of_kind("number")) if self.recipe.places else []
        for place in places:
            part, features = Neighbourhood.learn(self.columns, place, self.means())
            self.built.append(Built(part, features))
        self.add(Distances.learn(places))
