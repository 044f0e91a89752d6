"""How much of the target no model can tell from these inputs: equal rows that differ in it, and nearest neighbours that do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.contract import Evidence
from sevenstep.tasks.tabular.encode.encoder import Encoder
from sevenstep.tasks.tabular.feasibility.material import Material
from sevenstep.wording import counted, roughly, short

__all__ = ["Noise", "noise_evidence", "noise_of"]

_MOST_ROWS, _NEIGHBOURS, _FEWEST_PAIRS = 3_000, 8, 20


@dataclass(frozen=True)
class Noise:
    """What cannot be told.

    Args:
        twins: rows that equal another in all inputs.
        differing: share of pairs of such rows whose classes differ; for numbers, half their mean squared difference.
        neighbours: share of rows whose nearest other row is of another class; for numbers, the noise variance by the Gamma test.
        floor: least error of any model by the neighbours: share of rows, or standard deviation.
        rows: rows whose neighbours were looked at.
    """

    twins: int
    differing: float | None
    neighbours: float | None
    floor: float | None
    rows: int


def noise_of(material: Material) -> Noise:
    """Twins among all sampled rows; neighbours among the first three thousand, on encoded inputs of equal spread."""
    twins, differing = _twins(material)
    neighbours, floor, rows = _neighbours(material)
    return Noise(twins, differing, neighbours, floor, rows)


def _twins(material: Material) -> tuple[int, float | None]:
    inputs = [name for name, kind in material.problem.kinds.items() if kind != "picture"]
    if len(inputs) < len(material.problem.kinds) or not inputs:
        return 0, None
    frame = material.data.items.select(inputs).with_columns(pl.Series("value_", material.values))
    groups = frame.group_by(inputs).agg(pl.len().alias("n_"), pl.col("value_"), pl.col("value_").var(ddof=1).alias("spread_"))
    groups = groups.filter(pl.col("n_") > 1)
    twins = int(groups["n_"].sum())
    if twins < _FEWEST_PAIRS:
        return twins, None
    if not material.problem.classes:
        return twins, float(np.average(groups["spread_"].to_numpy(), weights=groups["n_"].to_numpy() - 1))
    pairs, unequal = np.array([_pairs(values) for values in groups["value_"].to_list()]).sum(axis=0)
    return twins, float(unequal / pairs)


def _pairs(values: list[float]) -> tuple[float, float]:
    """Pairs of rows, and those that differ."""
    counts = np.unique(values, return_counts=True)[1]
    all_pairs = len(values) * (len(values) - 1) / 2
    return all_pairs, all_pairs - float((counts * (counts - 1) / 2).sum())


def _neighbours(material: Material) -> tuple[float | None, float | None, int]:
    count = min(material.rows, _MOST_ROWS)
    if count < 5 * _NEIGHBOURS or "picture" in material.problem.kinds.values():
        return None, None, 0
    from sklearn.neighbors import NearestNeighbors  # late: slow to import

    rows, values = material.data.items.head(count), material.values[:count]
    encoded = Encoder.fit(rows, material.problem, "distance", values, {}, material.seed).transform(rows).values
    distance, near = NearestNeighbors(n_neighbors=_NEIGHBOURS + 1).fit(encoded).kneighbors(encoded)
    if material.problem.classes:
        return (*_told_apart(values, near, len(material.problem.classes)), count)
    return (*_gamma(values, near, distance), count)


def _told_apart(values: NDArray[np.float64], near: NDArray[np.int64], classes: int) -> tuple[float, float]:
    """Error of the nearest neighbour, and the least error of any model that goes with it.

    Cover and Hart (1967), Nearest neighbor pattern classification: with many rows the neighbour errs at most twice as often.
    """
    own = np.arange(len(values))
    other = np.where(near[:, 0] == own, near[:, 1], near[:, 0])
    error = float((values[other] != values).mean())
    most = (classes - 1) / classes
    return error, most * (1 - float(np.sqrt(max(0.0, 1 - error / most))))


def _gamma(values: NDArray[np.float64], near: NDArray[np.int64], distance: NDArray[np.float64]) -> tuple[float, float]:
    """Noise variance where the distance to neighbours goes to 0, by a straight line through the first neighbours.

    The Gamma test (Stefánsson, Končar and Jones, 1997, A note on the Gamma test).
    """
    squared = (distance[:, 1:] ** 2).mean(axis=0)
    halved = ((values[near[:, 1:]] - values[:, None]) ** 2).mean(axis=0) / 2
    slope, start = np.polyfit(squared, halved, 1) if np.ptp(squared) > 0 else (0.0, float(halved.mean()))
    variance = float(np.clip(start if slope > 0 else halved.min(), 0.0, values.var()))
    return variance, float(np.sqrt(variance))


def noise_evidence(noise: Noise, material: Material) -> list[Evidence]:
    """What was found, in sentences."""
    found = []
    classes, target = bool(material.problem.classes), material.problem.target
    if noise.differing is not None:
        differ = f"{roughly(noise.differing)} of their pairs differ in '{target}'" if classes else (
            f"their '{target}' spreads by {short(noise.differing**0.5)} all the same")  # fmt: skip
        text = f"{counted(noise.twins, 'row')} equal another in all inputs; {differ}: what no model can tell apart."
        found.append(Evidence("label noise", text, noise.differing if classes else noise.differing**0.5, n=noise.twins))
    if noise.neighbours is not None and noise.floor is not None:
        found.append(_by_neighbours(noise, classes))
    return found


def _by_neighbours(noise: Noise, classes: bool) -> Evidence:
    if classes:
        text = (
            f"The most similar other row is of another class in {roughly(noise.neighbours or 0.0)} of the rows; with all inputs "
            f"at like weight, about {roughly(noise.floor or 0.0)} cannot be told right (Cover and Hart)."
        )
    else:
        text = f"Rows that come ever nearer to each other still spread by {short(noise.floor or 0.0)} (Gamma test)."
    return Evidence("neighbours", text, noise.floor, n=noise.rows)
