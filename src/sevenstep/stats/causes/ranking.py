"""The ranking: the strongest cause first, each further one judged among items that are alike in the causes before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sevenstep.stats.causes.clustering import Clusters
from sevenstep.stats.causes.effects import Effect
from sevenstep.stats.causes.looks import Columns, make_looks
from sevenstep.stats.causes.model import design_columns
from sevenstep.stats.causes.null import Null
from sevenstep.stats.causes.outcomes import Defects, Numbers, Outcome
from sevenstep.stats.causes.scores import Looked, Tested, score_looks
from sevenstep.stats.causes.shifts import Shift
from sevenstep.stats.scored import FloatArray

__all__ = ["Cause", "Ranking", "rank_causes", "rank_number_causes"]

_ALIKE = 0.9


@dataclass(frozen=True)
class Cause:
    """A possible cause of defects, or of a number being higher or lower.

    Args:
        rank: 1 for the strongest.
        columns: the column it is about, or two for a pair that acts together.
        text: when an item is exposed ("etcher = E3", "force above 412").
        items: how many are exposed.
        defects: how many of those are defective; None where the outcome is a number.
        effect: among items alike in the causes ranked before it: an `Effect` on defects, or a `Shift` of a number.
        p: chance that any of the looks reaches as far where nothing is a cause.
        same: other columns with a level that exposes nearly the same items: the data cannot tell them apart.
    """

    rank: int
    columns: tuple[str, ...]
    text: str
    items: int
    defects: int | None
    effect: Effect | Shift
    p: float
    same: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """The cause as one flat row for a table or a frame."""
        parts = {"rank": self.rank, "cause": " and ".join(self.columns), "level": self.text}
        figures = {"items": self.items, "defects": self.defects, **asdict(self.effect)}
        return {**parts, **figures, "p": self.p, "same": ", ".join(self.same)}


@dataclass(frozen=True)
class Ranking:
    """Causes in order, and what they were found among: ``looks`` is how many possible causes were looked at.

    ``defects`` is None where the outcome is a number.
    """

    causes: tuple[Cause, ...]
    looks: int
    items: int
    defects: int | None
    clusters: int


def rank_causes(
    outcome: FloatArray,
    categories: Mapping[str, NDArray[np.object_]],
    numbers: Mapping[str, FloatArray],
    *,
    cluster: NDArray[Any] | None = None,
    pairs: bool = True,
    most: int = 6,
    alpha: float = 0.05,
    seed: int = 0,
) -> Ranking:
    """Rank what may cause defects, strongest first, until nothing stands out beyond chance.

    Use it on items with what happened to each on its way: tools, lots, shifts, suppliers, measured inputs. Levels, stretches of
    numbers (above, up to, outside), gaps and pairs are looked at. In forward steps the look with the largest score is taken,
    and all further ones are judged given it, so that a tool that merely stands on the same line as the bad one falls away.
    p values hold for all the looks together, and intervals too (Bonferroni). What goes with defects need not cause them: the
    ranking says where to look first, not what to blame.

    Args:
        outcome: 1 for a defective item, 0 for a good one, ``[n]``.
        categories: texts by column (None is missing), each ``[n]``.
        numbers: floats by column (NaN is missing), each ``[n]``.
        cluster: label of each item's lot, or of whatever else makes items alike; each item stands alone when not given.
        pairs: whether to look at pairs too.
        most: how many causes to rank at most.
        alpha: chance of ranking anything where nothing is a cause.
        seed: of the sign flips.

    Raises:
        ValueError: when items are all good or all defective.
    """
    if not 0 < outcome.sum() < len(outcome):
        raise ValueError("all items are alike: a cause needs good and defective ones")
    return _ranked(Defects, outcome, Columns(categories, numbers), cluster, _Settings(pairs, most, alpha, seed))


def rank_number_causes(
    outcome: FloatArray,
    categories: Mapping[str, NDArray[np.object_]],
    numbers: Mapping[str, FloatArray],
    *,
    cluster: NDArray[Any] | None = None,
    pairs: bool = True,
    most: int = 6,
    alpha: float = 0.05,
    seed: int = 0,
) -> Ranking:
    """Rank what may make a number higher or lower, strongest first: `rank_causes` for a measured outcome.

    Arguments are those of `rank_causes`, but that ``outcome`` is the number itself. Effects are differences in its unit, all else
    that was ranked before being equal.

    Raises:
        ValueError: when all numbers are equal.
    """
    if not np.ptp(outcome) > 0:
        raise ValueError("all items are alike: a cause needs numbers that differ")
    return _ranked(Numbers, outcome, Columns(categories, numbers), cluster, _Settings(pairs, most, alpha, seed))


@dataclass(frozen=True)
class _Settings:
    pairs: bool
    most: int
    alpha: float
    seed: int


def _ranked(
    kind: type[Defects] | type[Numbers], outcome: FloatArray, columns: Columns, cluster: NDArray[Any] | None, settings: _Settings
) -> Ranking:
    search = _Search.over(kind, outcome, columns, cluster, settings)
    found: list[Cause] = []
    while len(found) < settings.most:
        cause = search.next_cause(len(found) + 1, settings.alpha)
        if cause is None:
            break
        found.append(cause)
    defects = int(outcome.sum()) if kind is Defects else None
    return Ranking(tuple(found), len(search.looked.looks), len(outcome), defects, len(search.clusters))


@dataclass
class _Search:
    """The state of a forward search: ``design`` is what the causes found so far add to the model; rows are sorted by cluster."""

    outcome: Outcome
    numbers: Mapping[str, FloatArray]
    looked: Looked
    clusters: Clusters
    seed: int
    design: FloatArray
    null: Null

    @classmethod
    def over(
        cls,
        kind: type[Defects] | type[Numbers],
        outcome: FloatArray,
        columns: Columns,
        cluster: NDArray[Any] | None,
        settings: _Settings,
    ) -> _Search:
        labels = np.arange(len(outcome)) if cluster is None else np.unique(cluster, return_inverse=True)[1]
        order = np.argsort(labels, kind="stable")
        sorted_columns = Columns(
            {name: texts[order] for name, texts in columns.categories.items()},
            {name: values[order] for name, values in columns.numbers.items()},
        )
        clusters, happened = Clusters.of(labels[order]), kind(outcome[order].astype(np.float64))
        looked = Looked.of(make_looks(sorted_columns, happened.rate, pairs=settings.pairs, halves=happened.sides == 1), clusters)
        design = np.empty((len(outcome), 0))
        null = happened.null(design, clusters)
        return cls(happened, sorted_columns.numbers, looked, clusters, settings.seed, design, null)

    def next_cause(self, rank: int, alpha: float) -> Cause | None:
        """The strongest cause beyond those found, or None where none stands out."""
        if not self.looked.looks:
            return None
        tested = score_looks(self.outcome, self.null, self.looked, self.clusters, self.seed + rank)
        place = self._strongest(tested, alpha)
        if place is None:
            return None
        cause = self._described(place, rank, float(tested.p[place]))
        self._take(place)
        return cause

    def _strongest(self, tested: Tested, alpha: float) -> int | None:
        """The look that explains most of those beyond chance; a pair only where it adds to what its two parts say."""
        sure = np.where(tested.p <= alpha, tested.explained, -np.inf)
        best = int(np.argmax(sure))
        if self.looked.looks[best].parts and np.isfinite(sure[best]) and not self._acts_together(best):
            sure = np.where([bool(look.parts) for look in self.looked.looks], -np.inf, sure)
            best = int(np.argmax(sure))
        return best if np.isfinite(sure[best]) else None

    def _acts_together(self, place: int) -> bool:
        look = self.looked.looks[place]
        design = np.column_stack([self.design, *(part.exposed for part in look.parts)])
        null, alone = self.outcome.null(design, self.clusters), Looked.of([look], self.clusters)
        z = float(score_looks(self.outcome, null, alone, self.clusters, self.seed).z[0])
        pairs = sum(bool(other.parts) for other in self.looked.looks)
        return float(stats.norm.sf(z)) * self.outcome.sides * pairs < 0.05

    def _described(self, place: int, rank: int, p: float) -> Cause | None:
        look = self.looked.looks[place]
        chance = 0.05 / len(self.looked.looks)
        effect = self.outcome.effect(look.exposed, self.null, self.design, self.clusters, chance)
        if effect is None:
            return None
        items = int(look.exposed.sum())
        defects = int(self.outcome.tested[look.exposed].sum()) if isinstance(effect, Effect) else None
        return Cause(rank, look.columns, look.text, items, defects, effect, p, tuple(self._same_as(place)))

    def _same_as(self, place: int) -> Sequence[str]:
        alike = self.looked.correlations(place) > _ALIKE
        own = self.looked.looks[place].columns
        others = (self.looked.looks[int(other)] for other in np.flatnonzero(alike))
        return [other.text for other in others if not other.parts and other.columns[0] not in own]

    def _take(self, place: int) -> None:
        added = design_columns(self.looked.looks[place], self.numbers)
        self.design = np.column_stack([self.design, added])
        self.null = self.outcome.null(self.design, self.clusters)
