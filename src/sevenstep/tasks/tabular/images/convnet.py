"""A small convolutional network trained from scratch on pictures, with PyTorch where a person has installed it.

Four blocks of convolution, batch normalisation and pooling, then the mean and the largest value over the picture, then one linear
layer. Pictures are flipped, shifted and made lighter or darker at random while it learns; the learning rate rises and falls
once (one-cycle, Smith and Topin, 2018), and the pass that does best on an inner part is kept. Weights are kept as NumPy arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import softmax

from sevenstep.data.pictures import UnreadablePicture
from sevenstep.errors import InputError
from sevenstep.tasks.tabular.encode.parts import deal
from sevenstep.tasks.tabular.images.read import pixels
from sevenstep.tasks.tabular.images.training import Training, apart, make_network, score

__all__ = ["ConvnetPredictor", "fit_convnet", "missing_note"]

_DEFAULTS: Mapping[str, float] = {
    "side": 64, "width": 16, "epochs": 24, "batch": 32, "rate": 0.004, "decay": 0.01, "dropout": 0.2, "patience": 8, "flips": 1,
}  # fmt: skip
_INSTALL = "pip install torch==2.13.0, from the index of PyTorch for machines without a GPU"
_INNER = 8  # parts of the training rows, one of which tells when to stop

Floats = NDArray[np.float64]


def missing_note() -> str:
    """Why the network is not among the candidates, as a sentence; empty where PyTorch is installed."""
    return "" if find_spec("torch") else f"no network learns from the pictures themselves: PyTorch is not installed ({_INSTALL})"


def _torch() -> Any:
    if not find_spec("torch"):
        given, rule = "a candidate of the family 'convnet'", "it needs PyTorch, which is not installed"
        raise InputError("TABULAR-EXTRA", given, rule, f"{_INSTALL}, or leave the candidate out")
    return import_module("torch")


@dataclass(frozen=True)
class ConvnetPredictor:
    """A trained network.

    Args:
        column: the column of pictures.
        weights: arrays of the network by PyTorch's names.
        settings: side in pixels and width of the first block.
        classes: number of classes, 0 for a number.
        light: mean and spread of each colour of the training pictures, ``[2, 3]``.
        scale: middle and spread of a number that was learnt.
    """

    column: str
    weights: Mapping[str, NDArray[np.float32]]
    settings: Mapping[str, float]
    classes: int
    light: NDArray[np.float32]
    scale: tuple[float, float] = (0.0, 1.0)

    def predict(self, rows: pl.DataFrame) -> Floats:
        """Probabilities ``[n, classes]`` or numbers ``[n, 1]``; a row without a picture counts as one of the mean colour."""
        torch = _torch()
        shown = _shown(rows, self.column, int(self.settings["side"]), self.light[0])
        with apart(torch):
            network = make_network(torch, int(self.settings["width"]), self.settings["dropout"], self.classes or 1)
            network.load_state_dict({name: torch.from_numpy(np.array(values)) for name, values in self.weights.items()})
            scores = score(torch, network, shown, self.light)
        values = scores.numpy().astype(np.float64)
        return np.asarray(softmax(values, axis=1)) if self.classes else values * self.scale[1] + self.scale[0]

    def save(self, folder: Path) -> dict[str, Any]:
        """The weights as ``convnet.npz``."""
        np.savez_compressed(folder / "convnet.npz", light=self.light, **self.weights)  # type: ignore[arg-type]
        return {"column": self.column, "settings": dict(self.settings), "classes": self.classes, "scale": self.scale}

    @classmethod
    def load(cls, folder: Path, about: Mapping[str, Any]) -> ConvnetPredictor:
        """Read back what `save` wrote."""
        with np.load(folder / "convnet.npz", allow_pickle=False) as arrays:
            weights = {name: arrays[name] for name in arrays.files if name != "light"}
            light = arrays["light"]
        return cls(about["column"], weights, about["settings"], about["classes"], light, tuple(about["scale"]))


def fit_convnet(
    rows: pl.DataFrame, column: str, goal: Floats, classes: int, parameters: Mapping[str, Any], seed: int
) -> ConvnetPredictor:
    """Train on the pictures of rows.

    Args:
        rows: training rows, with pictures as bytes.
        column: the column of pictures.
        goal: class codes, or numbers, ``[n]``.
        classes: number of classes, 0 for a number.
        parameters: any of ``side`` (pixels), ``width`` (channels of the first block), ``epochs``, ``batch``, ``rate``,
            ``decay``, ``dropout``, ``patience`` (passes without gain before it stops), ``flips`` (whether a mirrored picture
            means the same).
        seed: seed of everything random.

    Raises:
        InputError: ``TABULAR-EXTRA``, PyTorch is not installed.
    """
    torch = _torch()
    settings = {name: float(parameters.get(name, value)) for name, value in _DEFAULTS.items()}
    shown = _shown(rows, column, int(settings["side"]), np.full(3, 127.0, dtype=np.float32))
    light = np.stack([shown.mean(axis=(0, 1, 2)), shown.std(axis=(0, 1, 2)) + 1.0]).astype(np.float32)
    scale = (0.0, 1.0) if classes else (float(goal.mean()), float(goal.std()) or 1.0)
    wanted = goal.astype(np.int64) if classes else ((goal - scale[0]) / scale[1]).astype(np.float32)[:, None]
    aside = deal(goal, _INNER, seed) == 0
    with apart(torch, seed):
        training = Training(torch, shown, wanted, light, settings, classes or 1)
        weights = training.best(np.flatnonzero(~aside), np.flatnonzero(aside))
    kept = {name: settings[name] for name in ("side", "width", "dropout")}
    return ConvnetPredictor(column, weights, kept, classes, light, scale)


def _shown(rows: pl.DataFrame, column: str, side: int, plain: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Pixels of each row's picture ``[n, side, side, 3]``, of the colour ``plain`` where there is none."""
    shown = np.empty((rows.height, side, side, 3), dtype=np.uint8)
    shown[:] = plain.astype(np.uint8)
    contents: list[bytes | None] = rows[column].to_list() if column in rows.columns else []
    for row, content in enumerate(contents):
        if content is not None:
            with suppress(UnreadablePicture):
                shown[row] = pixels(content, side)
    return shown
