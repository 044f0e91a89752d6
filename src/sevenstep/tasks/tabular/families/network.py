"""A small neural network, trained from scratch with nothing but NumPy.

Two hidden layers on spread-out features, Adam with a cosine schedule, dropout, weight decay and early choice of the best
epoch on an inner part; several seeds are averaged. Only the weights are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from sevenstep.tasks.tabular.families.learning import Floats, Lesson

__all__ = ["NetworkPredictor", "fit_network"]

Single = NDArray[np.float32]

_INNER = 8
_MOST_SEEN = 400_000  # rows a network looks at, however often it passes over few
_LEAST_EPOCHS = 6
_DEFAULTS: dict[str, float] = {
    "width": 96, "epochs": 24, "batch": 256, "rate": 0.003, "dropout": 0.25, "decay": 0.03, "nets": 2,
}  # fmt: skip


@dataclass(frozen=True)
class NetworkPredictor:
    """Weights of each network, layer by layer; with ``classes`` 0 output times ``spread`` plus ``middle`` is the number."""

    nets: tuple[tuple[Single, ...], ...]
    classes: int
    middle: float
    spread: float

    def predict(self, values: NDArray[np.float32]) -> Floats:
        """Mean of all networks."""
        return np.asarray(np.mean([self._outcome(_forward(net, values)[-1]) for net in self.nets], axis=0))

    def _outcome(self, scores: Single) -> Floats:
        if self.classes == 0:
            return np.asarray(scores * self.spread + self.middle, np.float64)
        if self.classes == 2:
            positive = expit(scores[:, 0].astype(np.float64))
            return np.column_stack([1.0 - positive, positive])
        return np.asarray(softmax(scores.astype(np.float64), axis=1))

    def save(self, folder: Path) -> dict[str, Any]:
        """The weights as ``network.npz``."""
        arrays = {f"{net}.{layer}": weights for net, layers in enumerate(self.nets) for layer, weights in enumerate(layers)}
        np.savez_compressed(folder / "network.npz", **arrays)  # type: ignore[arg-type]
        counts = {"nets": len(self.nets), "layers": len(self.nets[0])}
        return counts | {"classes": self.classes, "middle": self.middle, "spread": self.spread}

    @classmethod
    def load(cls, folder: Path, about: dict[str, Any]) -> NetworkPredictor:
        """Read back what `save` wrote."""
        with np.load(folder / "network.npz", allow_pickle=False) as arrays:
            nets = tuple(tuple(arrays[f"{net}.{layer}"] for layer in range(about["layers"])) for net in range(about["nets"]))
        return cls(nets, about["classes"], about["middle"], about["spread"])


def fit_network(lesson: Lesson) -> NetworkPredictor:
    """Train; parameters as in ``_DEFAULTS``: units of a layer, passes, rows a step, learning rate, dropout, decay, networks."""
    settings = {name: float(lesson.parameters.get(name, value)) for name, value in _DEFAULTS.items()}
    middle, spread = (0.0, 1.0) if lesson.classes else (float(lesson.goal.mean()), float(lesson.goal.std()) or 1.0)
    goal = _wanted(lesson, middle, spread)
    parts = lesson.parts(_INNER)
    nets = []
    for number in range(int(settings["nets"])):
        aside = parts == (parts.max() if lesson.in_time else number % _INNER)
        random = np.random.default_rng(lesson.seed + number)
        nets.append(_Training(lesson.values, goal, aside, lesson.classes, settings, random).best())
    return NetworkPredictor(tuple(nets), lesson.classes, middle, spread)


def _wanted(lesson: Lesson, middle: float, spread: float) -> Single:
    """What the output layer should say: P(second class), one column a class, or the number in standard units."""
    if lesson.classes > 2:
        return np.asarray(lesson.goal[:, None] == np.arange(lesson.classes), np.float32)
    return np.asarray(((lesson.goal - middle) / spread)[:, None], np.float32)


def _forward(net: Sequence[Single], values: Single, masks: Sequence[Single] = ()) -> list[Single]:
    """Output of each layer; ``masks`` are what dropout multiplies hidden layers by."""
    made = [values]
    for layer in range(0, len(net) - 2, 2):
        hidden = np.maximum(made[-1] @ net[layer] + net[layer + 1], 0.0)
        made.append(hidden * masks[layer // 2] if masks else hidden)
    return [*made, made[-1] @ net[-2] + net[-1]]


@dataclass
class _Training:
    """One network under way; ``aside`` are the rows that tell which epoch was best."""

    values: Single
    goal: Single
    aside: NDArray[np.bool_]
    classes: int
    settings: dict[str, float]
    random: np.random.Generator
    net: list[Single] = field(default_factory=list)

    def best(self) -> tuple[Single, ...]:
        """The weights of the epoch with the least loss on the rows aside."""
        self.net = list(self._start())
        moments = [(np.zeros_like(weights), np.zeros_like(weights)) for weights in self.net]
        best, least = tuple(self.net), np.inf
        epochs, step = int(min(self.settings["epochs"], max(_LEAST_EPOCHS, _MOST_SEEN / len(self.values)))), 0
        for epoch in range(epochs):
            for rows in self._batches():
                step += 1
                share = (epoch + 0.5) / epochs
                self._adam(self._gradients(rows), moments, step, share)
            loss = self._loss()
            if loss < least:
                best, least = tuple(weights.copy() for weights in self.net), loss
        return best

    def _start(self) -> Iterator[Single]:
        """Weights by He et al. (2015), for rectified units; the output starts at 0."""
        width = int(self.settings["width"])
        sizes = [self.values.shape[1], width, width]
        for inputs, outputs in pairwise(sizes):
            yield (self.random.normal(size=(inputs, outputs)) * np.sqrt(2.0 / max(inputs, 1))).astype(np.float32)
            yield np.zeros(outputs, np.float32)
        yield np.zeros((width, self.goal.shape[1]), np.float32)
        yield self.goal.mean(axis=0) * 0.0

    def _batches(self) -> Iterator[NDArray[np.int64]]:
        rows = self.random.permutation(np.flatnonzero(~self.aside))
        batch = max(16, min(int(self.settings["batch"]), len(rows) // 8))
        for start in range(0, len(rows), batch):
            yield rows[start : start + batch]

    def _gradients(self, rows: NDArray[np.int64]) -> list[Single]:
        keep, width = 1.0 - self.settings["dropout"], int(self.settings["width"])
        drawn = [self.random.random((len(rows), width), np.float32) for _ in range(2)]
        masks = [(draw < keep).astype(np.float32) / np.float32(keep) for draw in drawn]
        made = _forward(self.net, self.values[rows], masks)
        error = (self._mean(made[-1]) - self.goal[rows]) / np.float32(len(rows))
        gradients: list[Single] = []
        for layer in range(len(self.net) - 2, -1, -2):
            gradients = [made[layer // 2].T @ error, error.sum(axis=0), *gradients]
            if layer:
                error = (error @ self.net[layer].T) * (made[layer // 2] > 0) * masks[layer // 2 - 1]
        return gradients

    def _mean(self, scores: Single) -> Single:
        """What the scores predict: for all three losses the gradient is this less what was wanted."""
        if self.classes == 0:
            return scores
        return np.asarray(expit(scores) if self.goal.shape[1] == 1 else softmax(scores, axis=1), np.float32)

    def _adam(self, gradients: list[Single], moments: list[tuple[Single, Single]], step: int, share: float) -> None:
        """One step of AdamW (Loshchilov and Hutter, 2019) at a rate that falls as a cosine."""
        rate = np.float32(self.settings["rate"] * 0.5 * (1.0 + np.cos(np.pi * share)))
        for place, gradient in enumerate(gradients):
            first, second = moments[place]
            first += np.float32(0.1) * (gradient - first)
            second += np.float32(0.01) * (gradient * gradient - second)
            move = first / np.float32(1 - 0.9**step) / (np.sqrt(second / np.float32(1 - 0.99**step)) + np.float32(1e-8))
            decay = np.float32(self.settings["decay"]) if self.net[place].ndim == 2 else np.float32(0.0)
            self.net[place] -= rate * (move + decay * self.net[place])

    def _loss(self) -> float:
        """Log loss or squared error on the rows aside."""
        made, wanted = self._mean(_forward(self.net, self.values[self.aside])[-1]), self.goal[self.aside]
        if self.classes == 0:
            return float(((made - wanted) ** 2).mean())
        own = made * wanted + (1 - made) * (1 - wanted) if wanted.shape[1] == 1 else (made * wanted).sum(axis=1)
        return float(-np.log(np.maximum(own, 1e-7)).mean())
