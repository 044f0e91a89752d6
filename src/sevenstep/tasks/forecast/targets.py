"""Targets forecast side by side: what one target asks of NumPy, Polars and LightGBM leaves the others free to go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["side_by_side"]

Made = TypeVar("Made")

MANY = 5_000  # rows from which threads pay


def side_by_side(made: Callable[[str], Made], targets: Sequence[str], rows: int) -> dict[str, Made]:
    """What is made of each target, in their order; in as many threads as the process has cores where there are many rows."""
    if rows < MANY or len(targets) < 2:
        return {target: made(target) for target in targets}
    import joblib  # late: it knows the limits of containers

    with ThreadPoolExecutor(min(len(targets), int(joblib.cpu_count())), "target") as pool:
        return dict(zip(targets, pool.map(made, targets), strict=True))
