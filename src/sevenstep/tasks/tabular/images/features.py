"""Hand-made features of a picture: no weights, nothing learnt, the same for a picture whatever others there are.

Groups of features have names, so that a candidate can take some of them and importances can be told by what they measure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.tabular.images import blobs, brightness, cooccurrence, gradients, patterns, scattering
from sevenstep.tasks.tabular.images.patterns import shrink
from sevenstep.tasks.tabular.images.read import Picture

__all__ = ["GROUPS", "describe", "feature_names"]


class Group(NamedTuple):
    """Features that measure one thing: their ``names`` and how to ``measure`` them."""

    names: Callable[[], list[str]]
    measure: Callable[[Picture], NDArray[np.float32]]


GROUPS = {
    "light": Group(brightness.names_of_brightness, lambda picture: brightness.brightness(picture.grey)),
    "colour": Group(brightness.names_of_colours, lambda picture: brightness.colours(picture.colour)),
    "edge": Group(gradients.names, lambda picture: gradients.gradients(picture.grey)),
    "pattern": Group(patterns.names, lambda picture: patterns.patterns(picture.grey)),
    "beside": Group(cooccurrence.names, lambda picture: cooccurrence.co_occurrence(picture.grey)),
    "spots": Group(blobs.names, lambda picture: blobs.blobs(picture.grey)),
    "wave": Group(scattering.names, lambda picture: scattering.scattering(shrink(picture.grey, 2))),
}
"""What can be measured, by name: brightness, colour, edges, local patterns, co-occurrence, spots, scattering."""


def feature_names(groups: Sequence[str]) -> list[str]:
    """Names of the features of these groups, in the order of `describe`."""
    return [name for group in groups for name in GROUPS[group].names()]


def describe(picture: Picture, groups: Sequence[str]) -> NDArray[np.float32]:
    """The features of one picture ``[feature]``, group by group; every one is finite."""
    return np.concatenate([GROUPS[group].measure(picture) for group in groups])
