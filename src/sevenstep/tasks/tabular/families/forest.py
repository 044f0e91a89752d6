"""Forests of fully grown trees (extra trees, random forest), kept as arrays and read without the library that grew them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.errors import InputError
from sevenstep.tasks.tabular.families.learning import Floats, Lesson

__all__ = ["ForestPredictor", "fit_forest"]

_LEAF = -1
_WALKERS = 200_000  # rows times trees that go down side by side: few enough to stay in the cache


@dataclass(frozen=True)
class ForestPredictor:
    """All nodes of all trees, one tree after another.

    Args:
        roots: number of each tree's first node.
        left: node for rows at or below the threshold, -1 at a leaf.
        right: node for the others.
        feature: column compared.
        threshold: what it is compared with.
        missing_left: whether a missing value goes left.
        value: probabilities or number at each node, ``[nodes, classes or 1]``.
    """

    roots: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    value: NDArray[np.float32]

    def predict(self, values: NDArray[np.float32]) -> Floats:
        """Mean of all trees."""
        total = np.zeros((len(values), self.value.shape[1]))
        side_by_side = max(1, _WALKERS // max(len(values), 1))
        for start in range(0, len(self.roots), side_by_side):
            leaves = self._leaves(values, self.roots[start : start + side_by_side])
            for tree in leaves:
                total += self.value[tree]
        return total / len(self.roots)

    def _leaves(self, values: NDArray[np.float32], roots: NDArray[np.int32]) -> NDArray[np.int32]:
        """The leaf of each tree that each row falls into, ``[tree, row]``: all go down one level at a time."""
        at = np.repeat(roots, len(values))
        row = np.tile(np.arange(len(values), dtype=np.int32), len(roots))
        moving = np.flatnonzero(self.left[at] != _LEAF)
        while len(moving):
            node = at[moving]
            own = values[row[moving], self.feature[node]]
            left = np.where(np.isnan(own), self.missing_left[node], own <= self.threshold[node])
            node = np.where(left, self.left[node], self.right[node])
            at[moving] = node
            moving = moving[self.left[node] != _LEAF]
        return at.reshape(len(roots), len(values))

    def save(self, folder: Path) -> dict[str, Any]:
        """The arrays as ``forest.npz``."""
        np.savez_compressed(folder / "forest.npz", **self.__dict__)
        return {}

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> ForestPredictor:
        """Read back what `save` wrote; raises InputError where the nodes are no trees, so that prediction always ends."""
        with np.load(folder / "forest.npz", allow_pickle=False) as arrays:
            forest = cls(**{name: arrays[name] for name in arrays.files})
        inner, numbers = forest.left != _LEAF, np.arange(len(forest.left))
        down = (forest.left > numbers) & (forest.right > numbers) & (np.maximum(forest.left, forest.right) < len(numbers))
        if not down[inner].all() or forest.feature[inner].min(initial=0) < 0:
            given, rule = f"{folder / 'forest.npz'} holds nodes that do not lead down", "each node leads to later ones"
            raise InputError("TABULAR-FOREST", given, rule, "make the model again")
        return forest


def fit_forest(lesson: Lesson) -> ForestPredictor:
    """Grow a forest.

    Parameters: ``kind`` (``extra`` or ``random``), ``trees``, ``least_in_leaf``, ``feature_share`` (of the columns tried at each
    split; the square root of their number when not given) and ``criterion`` (of classes).
    """
    model = _library(lesson)
    model.fit(lesson.values, lesson.goal.astype(np.int64) if lesson.classes else lesson.goal)
    known = model.classes_ if lesson.classes else None
    return _gathered([tree.tree_ for tree in model.estimators_], lesson.classes, known)


def _library(lesson: Lesson) -> Any:
    from sklearn import ensemble

    kind = {"extra": "ExtraTrees", "random": "RandomForest"}[lesson.parameters.get("kind", "extra")]
    maker = getattr(ensemble, kind + ("Classifier" if lesson.classes else "Regressor"))
    given = {"criterion": lesson.parameters["criterion"]} if lesson.classes and "criterion" in lesson.parameters else {}
    return maker(
        int(lesson.parameters.get("trees", 200)),
        min_samples_leaf=int(lesson.parameters.get("least_in_leaf", 1)),
        max_features=lesson.parameters.get("feature_share", "sqrt"),
        random_state=lesson.seed,
        n_jobs=1,
        **given,
    )


def _gathered(trees: list[Any], classes: int, known: NDArray[np.int64] | None) -> ForestPredictor:
    counts = [tree.node_count for tree in trees]
    roots = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int32)
    nodes = [tree.__getstate__()["nodes"] for tree in trees]

    def children(side: str) -> NDArray[np.int32]:
        shifted = [np.where(node[side] == _LEAF, _LEAF, node[side] + root) for node, root in zip(nodes, roots, strict=True)]
        return np.concatenate(shifted).astype(np.int32)

    def all_of(field: str, kind: type[Any]) -> NDArray[Any]:
        return np.concatenate([node[field] for node in nodes]).astype(kind)

    return ForestPredictor(
        roots, children("left_child"), children("right_child"), all_of("feature", np.int32),
        _single(all_of("threshold", np.float64)), all_of("missing_go_to_left", np.bool_), _values(trees, classes, known),
    )  # fmt: skip


def _single(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The largest single-precision number at or below each, which sends single-precision values the same way."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _values(trees: list[Any], classes: int, known: NDArray[np.int64] | None) -> NDArray[np.float32]:
    values = np.concatenate([tree.value[:, 0, :] for tree in trees]).astype(np.float32)
    if known is None:
        return values
    every = np.zeros((len(values), classes), np.float32)
    every[:, known] = values / values.sum(axis=1, keepdims=True)
    return every
