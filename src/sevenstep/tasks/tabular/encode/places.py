"""Coordinates on a map as features: turned axes, the target in the neighbourhood, and distances between two places.

Trees split along the axes they are given, and neighbourhoods are not; what the target was nearby is the strongest input of
house prices, demand or risk.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.tabular.encode.numbers import stacked
from sevenstep.tasks.tabular.encode.part import Matrix
from sevenstep.tasks.tabular.encode.reading import Columns

__all__ = ["Distances", "Neighbourhood", "find_places"]

_LATITUDE = re.compile(r"^(.*?)(lat|latitude)([^a-z]*)$", re.IGNORECASE)
_LONGITUDE = re.compile(r"^(.*?)(lon|lng|long|longitude)([^a-z]*)$", re.IGNORECASE)
_TURNS = (15, 30, 45, 60, 75)
_NEIGHBOURS = (3, 10, 40)
_RADIUS = 6371.0


def find_places(names: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of columns that are latitude and longitude by their names, such as ``pickup_lat`` and ``pickup_lon``."""
    north = {(m[1].lower(), m[3]): name for name in names if (m := _LATITUDE.match(name))}
    east = {(m[1].lower(), m[3]): name for name in names if (m := _LONGITUDE.match(name))}
    return [(north[key], east[key]) for key in north if key in east]


def _flat(columns: Columns, place: tuple[str, str], scale: float) -> NDArray[np.float64]:
    """Coordinates on a plane in degrees of latitude, ``[n, 2]``."""
    return np.column_stack([columns.numbers(place[0]), columns.numbers(place[1]) * scale])


@dataclass(frozen=True)
class Neighbourhood:
    """One place of each row: its axes turned, the mean target of its nearest training rows, and how far they are.

    Args:
        place: columns of latitude and longitude.
        scale: length of a degree of longitude in degrees of latitude.
        points: places of the training rows, ``[n, 2]``.
        goal: target of the training rows, ``[n, targets]``.
    """

    place: tuple[str, str]
    scale: float
    points: NDArray[np.float64]
    goal: NDArray[np.float64]

    @property
    def names(self) -> list[str]:
        """Each by its angle or its number of neighbours."""
        turned = [f"{' and '.join(self.place)} at {angle} degrees" for angle in (*_TURNS, *(90 + angle for angle in _TURNS))]
        near = [f"mean {number} of {count} neighbours" for count in _NEIGHBOURS for number in range(self.goal.shape[1])]
        return [*turned, *near, *(f"distance of neighbour {count}" for count in _NEIGHBOURS)]

    def transform(self, columns: Columns) -> Matrix:
        """Features of rows to be predicted."""
        return self._features(_flat(columns, self.place, self.scale), own=False)

    @classmethod
    def learn(cls, columns: Columns, place: tuple[str, str], goal: NDArray[np.float64]) -> tuple[Neighbourhood, Matrix]:
        """The neighbourhood of the training rows, and their features, in which no row sees its own target."""
        north = columns.numbers(place[0])
        centre = float(np.nanmean(north)) if np.isfinite(north).any() else 0.0
        scale = float(np.cos(np.radians(np.clip(centre, -89.0, 89.0))))
        flat = _flat(columns, place, scale)
        known = np.isfinite(flat).all(axis=1)
        learnt = cls(place, scale, flat[known], goal[known])
        return learnt, learnt._features(flat, own=True)

    def _features(self, flat: NDArray[np.float64], own: bool) -> Matrix:
        angles = np.radians([*_TURNS, *(90 + angle for angle in _TURNS)])
        turned = flat[:, :1] * np.cos(angles) + flat[:, 1:] * np.sin(angles)
        return stacked([turned, self._near(flat, own)], len(flat))

    def _near(self, flat: NDArray[np.float64], own: bool) -> NDArray[np.float64]:
        """Means and distances; ``own`` says that the rows are the training rows, each its own nearest neighbour."""
        from scipy.spatial import cKDTree

        targets, count = self.goal.shape[1], min(max(_NEIGHBOURS), len(self.points) - own)
        made = np.full((len(flat), len(_NEIGHBOURS) * (targets + 1)), np.nan)
        known = np.flatnonzero(np.isfinite(flat).all(axis=1))
        if count < 1 or not len(known):
            return made
        distances, nearest = cKDTree(self.points).query(flat[known], count + own)
        distances, nearest = distances.reshape(len(known), -1), nearest.reshape(len(known), -1)
        if own:
            distances, nearest = _others(distances, nearest)
        means = np.cumsum(self.goal[nearest], axis=1) / np.arange(1, count + 1)[None, :, None]
        ends = [min(wanted, count) - 1 for wanted in _NEIGHBOURS]
        made[known] = np.column_stack([*(means[:, end] for end in ends), distances[:, ends]])
        return made


def _others(distances: NDArray[np.float64], nearest: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Without the row itself: where others share its place it may not come first, or not be among them at all."""
    own = nearest == np.arange(len(nearest))[:, None]
    own[~own.any(axis=1), -1] = True
    shape = (len(nearest), nearest.shape[1] - 1)
    return distances[~own].reshape(shape), nearest[~own].reshape(shape)


@dataclass(frozen=True)
class Distances:
    """How far the places of a row lie apart, in kilometres on the sphere."""

    pairs: tuple[tuple[tuple[str, str], tuple[str, str]], ...]

    @property
    def names(self) -> list[str]:
        """The two places."""
        return [f"distance from {' and '.join(first)} to {' and '.join(second)}" for first, second in self.pairs]

    def transform(self, columns: Columns) -> Matrix:
        """One feature a pair of places."""
        made = [_haversine(columns, first, second) for first, second in self.pairs]
        return stacked(made, columns.height)

    @classmethod
    def learn(cls, places: Sequence[tuple[str, str]]) -> Distances:
        """Between all places."""
        return cls(tuple(combinations(places, 2)))


def _haversine(columns: Columns, first: tuple[str, str], second: tuple[str, str]) -> NDArray[np.float64]:
    north, east = (np.radians(columns.numbers(name)) for name in first)
    other_north, other_east = (np.radians(columns.numbers(name)) for name in second)
    half = np.sin((other_north - north) / 2) ** 2
    half += np.cos(north) * np.cos(other_north) * np.sin((other_east - east) / 2) ** 2
    return np.asarray(2 * _RADIUS * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0))))
