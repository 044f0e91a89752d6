"""The rows a verdict rests on: a sample, how it is dealt out to folds, and what is told of its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.data.embedding.files import TABLE, EmbeddingFiles
from sevenstep.spec.brief import Brief
from sevenstep.tasks.contract import Fold
from sevenstep.tasks.tabular.feasibility.effort import Effort
from sevenstep.tasks.tabular.folds import known_rows, plan_folds
from sevenstep.tasks.tabular.problem import Problem

__all__ = ["Material", "prepare"]

_EMBEDDING_SHARE = 0.05  # of the time budget, at most, for the embedding of the sample's pictures
_GROUPS = ("light", "pattern", "beside")  # features of pictures that are told quickly


@dataclass(frozen=True)
class Material:
    """A sample of the known rows.

    Args:
        data: the sample as a data set.
        problem: what is to be predicted from what, without inputs that may leak.
        population: known rows there are.
        folds: how the sample is dealt out.
        effort: how much may be done.
        brief: what the step may read.
        described: features of the sample's pictures, or None.
    """

    data: Dataset
    problem: Problem
    population: int
    folds: Sequence[Fold]
    effort: Effort
    brief: Brief
    described: pl.DataFrame | None

    @property
    def seed(self) -> int:
        """Seed of everything random."""
        return self.brief.seed

    @property
    def rows(self) -> int:
        """Rows looked at."""
        return len(self.data.items)

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """The target of each row: class codes, or the number."""
        return self.problem.values(self.data.items)

    def without(self, columns: Sequence[str]) -> Material:
        """The same rows with fewer inputs."""
        kinds = {name: kind for name, kind in self.problem.kinds.items() if name not in columns}
        return replace(self, problem=replace(self.problem, kinds=kinds))

    def split(self, way: str) -> Material:
        """The same rows dealt out to folds in another way."""
        problem = replace(self.problem, split=way)
        folds, _, _ = plan_folds(self.data, problem, "", self.effort.folds, self.seed)
        return replace(self, problem=problem, folds=folds)

    def rarest(self) -> tuple[str, int]:
        """The rarest class and its rows in all the data, by the share in the sample; of a number, all rows."""
        if not self.problem.classes:
            return "", self.population
        counts = np.bincount(self.values.astype(np.int64), minlength=len(self.problem.classes))
        place = 1 if self.problem.binary else int(counts.argmin())
        return self.problem.classes[place], round(int(counts[place]) * self.population / self.rows)


def prepare(data: Dataset, problem: Problem, effort: Effort, brief: Brief) -> Material:
    """Draw the sample and deal it out as the run will, in fewer parts."""
    seed, known = brief.seed, known_rows(data, problem)
    taken = known
    if len(known) > effort.rows:
        taken = np.sort(np.random.default_rng(seed).choice(known, effort.rows, replace=False))
    sample = replace(data, tables={"items": data.items[taken.tolist()]}, fingerprint="")
    folds, _, _ = plan_folds(sample, problem, "", effort.folds, seed)
    files = EmbeddingFiles.of_table(data.tables[TABLE]) if TABLE in data.tables else None
    return Material(sample, problem, len(known), folds, effort, brief, _described(sample, problem, files, brief.budget))


def _described(sample: Dataset, problem: Problem, files: EmbeddingFiles | None, budget: float) -> pl.DataFrame | None:
    """What is told quickly of the sample's pictures; the embedding a person named too, where it takes little of the budget."""
    pictures = [name for name, kind in problem.kinds.items() if kind == "picture"]
    if not pictures:
        return None
    from sevenstep.data.embedding.embedder import open_embedder
    from sevenstep.tasks.tabular.images.stage import picture_features, picture_vectors  # late: loads an image library

    told = picture_features(sample.items, pictures, _GROUPS)
    if files is None or open_embedder(files).seconds * len(pictures) * len(sample.items) > _EMBEDDING_SHARE * budget:
        return told
    return told.hstack(picture_vectors(sample.items, pictures, files))
