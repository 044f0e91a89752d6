"""Which rows to label next, so that a model learns most from each label: doubtful, unlike, or worth a second look.

Three reasons, each measured and written beside the row: the model hardly prefers its first class to its second (uncertain), no
labelled or already chosen row is near (diverse), the label it has looks wrong (suspected).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from sevenstep.data.labels.errors import Suspects
from sevenstep.data.labels.typical import typical_rows
from sevenstep.wording import roughly

__all__ = ["SECOND_LOOK", "By", "Choice", "Pool", "choose_rows", "margins", "suspected_choices"]

SHORTLIST = 4  # times as many doubtful rows as are wanted, of which typical ones are taken
MOST_LABELLED = 2_000  # labelled rows distances are measured to
SECOND_LOOK = 0.2
"""Share of a mixed queue for labels that look wrong."""

By = Literal["uncertain", "diverse", "suspected", "mixed"]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Choice:
    """A row to be labelled.

    Args:
        row: its position, among the rows without a label (``uncertain``, ``diverse``) or in the labelled ones (``suspected``).
        why: ``uncertain``, ``diverse`` or ``suspected``.
        reason: the same with its figures, for people.
        suggested: number of the class found likeliest, -1 where there are no probabilities.
        probability: of that class.
    """

    row: int
    why: str
    reason: str
    suggested: int = -1
    probability: float = float("nan")


@dataclass(frozen=True)
class Pool:
    """The rows that have no label.

    Args:
        probability: calibrated, of each class, ``[row, class]``.
        points: the rows as points (`points_of`), in the same coordinates as ``labelled``.
        labelled: the labelled rows as points.
        classes: names of the classes.
    """

    probability: Floats
    points: Floats
    labelled: Floats
    classes: Sequence[str]

    def __len__(self) -> int:
        return len(self.probability)


def margins(probability: Floats) -> Floats:
    """How much likelier the first class is than the second, ``[row]``: 0 is full doubt.

    Scheffer, Decomain and Wrobel (2001), Active hidden Markov models for information extraction.
    """
    ranked = np.sort(probability, axis=1)
    return np.asarray(ranked[:, -1] - ranked[:, -2])


def choose_rows(pool: Pool, count: int, by: By) -> list[Choice]:
    """The rows to be labelled next, in the order to label them.

    ``uncertain`` takes the smallest margins. ``diverse`` goes on taking the row that is farthest from every labelled or chosen
    one (greedy k-center; Gonzalez, 1985; Sener and Savarese, 2018). ``mixed`` takes the typical row of each of as many clusters
    of the most doubtful rows, so that one batch does not ask the same question many times (Zhdanov, 2019, Diverse mini-batch
    active learning).

    Args:
        pool: rows without a label.
        count: how many are wanted; fewer where the pool is smaller.
        by: the reason to choose by; ``suspected`` chooses none, as these rows have no label.
    """
    wanted = min(count, len(pool))
    if by == "suspected" or wanted == 0:
        return []
    doubtful = np.argsort(margins(pool.probability), kind="stable")
    if by == "uncertain" or pool.points.shape[1] == 0:
        return [_doubted(pool, int(row)) for row in doubtful[:wanted]]
    if by == "diverse":
        return [_unlike(pool, row, distance) for row, distance in _farthest(pool.points, pool.labelled, wanted)]
    short = doubtful[: SHORTLIST * wanted]
    doubt = 1.0 - margins(pool.probability[short])
    return [_doubted(pool, int(short[row])) for row in typical_rows(pool.points[short], doubt, wanted)]


def suspected_choices(suspects: Suspects, given: Sequence[str], classes: Sequence[str], count: int) -> list[Choice]:
    """Labelled rows worth a second look, the most suspicious first; ``given`` is the label of each suspect."""
    found = []
    for place in range(min(count, len(suspects))):
        suggested, likely = int(suspects.suggested[place]), float(suspects.suggested_probability[place])
        own = float(suspects.given_probability[place])
        reason = f"labelled '{given[place]}', which is found {roughly(own)} likely; '{classes[suggested]}' {roughly(likely)}"
        found.append(Choice(int(suspects.rows[place]), "suspected", reason, suggested, likely))
    return found


def _doubted(pool: Pool, row: int) -> Choice:
    first, second = np.argsort(-pool.probability[row], kind="stable")[:2]
    likely, next_likely = pool.probability[row][[first, second]]
    reason = f"'{pool.classes[first]}' {roughly(likely)} or '{pool.classes[second]}' {roughly(next_likely)}"
    return Choice(row, "uncertain", reason, int(first), float(likely))


def _unlike(pool: Pool, row: int, distance: float) -> Choice:
    first = int(pool.probability[row].argmax())
    nearest = "no row is labelled yet" if not np.isfinite(distance) else f"the nearest labelled row is {distance:.2f} away"
    return Choice(row, "diverse", nearest, first, float(pool.probability[row, first]))


def _farthest(points: Floats, labelled: Floats, count: int) -> list[tuple[int, float]]:
    """Rows by distance to the nearest labelled or chosen one, each with that distance; ties go to the earlier row."""
    nearest = _distance_to(points, labelled)
    typical = -np.linalg.norm(points - points.mean(axis=0), axis=1)
    reach = nearest if len(labelled) else typical  # where nothing is labelled, begin with the most typical row
    chosen: list[tuple[int, float]] = []
    free = np.ones(len(points), np.bool_)
    for _ in range(min(count, len(points))):
        row = int(np.where(free, reach, -np.inf).argmax())
        chosen.append((row, float(nearest[row])))
        free[row] = False
        nearest = np.minimum(nearest, np.linalg.norm(points - points[row], axis=1))
        reach = nearest
    return chosen


def _distance_to(points: Floats, labelled: Floats) -> Floats:
    """Distance of each point to the nearest labelled one; infinite where none is labelled."""
    nearest = np.full(len(points), np.inf)
    step = max(len(labelled) // MOST_LABELLED, 1)
    for point in labelled[::step]:
        np.minimum(nearest, np.linalg.norm(points - point, axis=1), out=nearest)
    return nearest
