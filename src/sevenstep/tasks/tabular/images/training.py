"""The convolutional network itself and how it learns, in PyTorch, which is handed in because it may not be installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Training", "apart", "make_network", "score"]

_SHIFT = 0.08  # of a side, at most, that a picture is moved by
_CLOSER = 0.2  # by which it is shown closer at most
_LIGHT = 0.2  # by which contrast and brightness change at most, of the spread of all pictures
_BLOCKS = (1, 2, 4, 4)  # channels of each block, in widths
_SCORED_AT_ONCE = 256


@contextmanager
def apart(torch: Any, seed: int = 0) -> Iterator[None]:
    """PyTorch with random numbers of its own, and on one thread: jobs run side by side, and sums in one order are repeatable."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before)


def make_network(torch: Any, width: int, dropout: float, outputs: int) -> Any:
    """Blocks of convolution, batch normalisation and pooling (``body``), then a linear layer (``head``)."""
    nn, body, before = torch.nn, [], 3
    for times in _BLOCKS:
        after = times * width
        convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
        body += [convolution, nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
        before = after
    head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * before, outputs))
    return nn.ModuleDict({"body": nn.Sequential(*body), "head": head})


def score(torch: Any, network: Any, shown: NDArray[np.uint8], light: NDArray[np.float32]) -> Any:
    """Scores ``[n, outputs]`` of pictures ``[n, side, side, 3]``; ``light`` is the mean and spread of each colour."""
    network.eval()
    with torch.no_grad():
        parts = [
            _forward(torch, network, _normal(torch, shown[start : start + _SCORED_AT_ONCE], light))
            for start in range(0, len(shown), _SCORED_AT_ONCE)
        ]
    return torch.cat(parts)


def _forward(torch: Any, network: Any, pictures: Any) -> Any:
    """The mean and the largest value over the picture tell of textures and of single spots."""
    seen = network["body"](pictures)
    return network["head"](torch.cat([seen.mean(dim=(2, 3)), seen.amax(dim=(2, 3))], dim=1))


def _normal(torch: Any, shown: NDArray[np.uint8], light: NDArray[np.float32]) -> Any:
    scaled = (shown.astype(np.float32) - light[0]) / light[1]
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(scaled, 3, 1)))


@dataclass(frozen=True)
class Training:
    """What a network learns from.

    Args:
        torch: PyTorch.
        shown: pictures ``[n, side, side, 3]``.
        wanted: class codes ``[n]``, or scaled numbers ``[n, 1]``.
        light: mean and spread of each colour, ``[2, 3]``.
        settings: see `convnet.fit_convnet`.
        outputs: number of classes, or 1.
    """

    torch: Any
    shown: NDArray[np.uint8]
    wanted: NDArray[Any]
    light: NDArray[np.float32]
    settings: Mapping[str, float]
    outputs: int

    def best(self, learnt: NDArray[np.int64], judged: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
        """Weights after the pass with the least loss on the rows ``judged``, by name."""
        torch, settings = self.torch, self.settings
        network = make_network(torch, int(settings["width"]), settings["dropout"], self.outputs)
        optimizer = torch.optim.AdamW(network.parameters(), lr=settings["rate"], weight_decay=settings["decay"])
        steps = int(settings["epochs"]) * -(-len(learnt) // int(settings["batch"]))
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings["rate"], total_steps=steps)
        least, since, kept = np.inf, 0, deepcopy(network.state_dict())
        for _ in range(int(settings["epochs"])):
            self._pass(network, optimizer, schedule, learnt)
            loss = self._loss(score(torch, network, self.shown[judged], self.light), judged).item()
            since = 0 if loss < least else since + 1
            if loss < least:
                least, kept = loss, deepcopy(network.state_dict())
            if since >= settings["patience"]:
                break
        return {name: values.numpy() for name, values in kept.items()}

    def _pass(self, network: Any, optimizer: Any, schedule: Any, learnt: NDArray[np.int64]) -> None:
        """All rows once, in random order."""
        network.train()
        order = learnt[self.torch.randperm(len(learnt)).numpy()]
        for batch in np.array_split(order, -(-len(order) // int(self.settings["batch"]))):
            pictures = self._varied(_normal(self.torch, self.shown[batch], self.light))
            optimizer.zero_grad()
            self._loss(_forward(self.torch, network, pictures), batch).backward()
            optimizer.step()
            schedule.step()

    def _loss(self, scores: Any, rows: NDArray[np.int64]) -> Any:
        wanted = self.torch.from_numpy(self.wanted[rows])
        functional = self.torch.nn.functional
        return functional.cross_entropy(scores, wanted) if self.outputs > 1 else functional.mse_loss(scores, wanted)

    def _varied(self, pictures: Any) -> Any:
        """The pictures mirrored, moved, closer, and lighter or darker, each at random."""
        torch, count = self.torch, len(pictures)
        mirrored = torch.randint(0, 2, (count, 2)) * 2 - 1 if self.settings["flips"] else torch.ones(count, 2)
        placed = torch.zeros(count, 2, 3)
        sizes = mirrored * (1 - _CLOSER * torch.rand(count, 1))
        placed[:, 0, 0], placed[:, 1, 1] = sizes[:, 0], sizes[:, 1]
        placed[:, :, 2] = 2 * _SHIFT * (2 * torch.rand(count, 2) - 1)
        functional = torch.nn.functional
        grid = functional.affine_grid(placed, pictures.shape, align_corners=False)
        moved = functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
        contrast, brighter = (_LIGHT * (2 * torch.rand(2, count, 1, 1, 1) - 1)).unbind(0)
        return moved * (1 + contrast) + brighter
