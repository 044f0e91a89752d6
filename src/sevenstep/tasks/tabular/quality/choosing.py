"""Which control chart fits the data: all that come into question, each with the reason it was taken or left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sevenstep.stats.control.phases import Samples
from sevenstep.stats.control.process import deviations_of, estimate_by_deviations, estimate_individuals, overdispersion, sizes_of
from sevenstep.stats.scored import FloatArray
from sevenstep.tasks.tabular.quality.subgroups import Subgroups

__all__ = ["LEAST_POINTS", "Choice", "Considered", "choose_count", "choose_number", "choose_rate", "frozen_of", "samples_of"]

LEAST_POINTS = 12
_FEWEST_OLDER = 6  # known points among those that give the limits
_MOST_POINTS = 60
_SPLIT = 40
"""With as many points, the older half gives the limits and the newer half is judged by them."""
_FEW_ROWS = 80
_EXPECTED = 5.0
_SMALLEST = 4
_RANGES = 10
"""Up to as many values, all subgroups alike, a range tells the spread about as well as a standard deviation."""
_WIDER = 1.25
_RESTLESS = 1.5
_HEAVY = 5.0
_HIGHEST_COUNT = 30.0
_SPREADS = (0.5, 3.0)

Lots = NDArray[np.int64] | None


@dataclass(frozen=True)
class Considered:
    """A chart that came into question, whether it was taken, and why."""

    chart: str
    taken: bool
    reason: str


@dataclass(frozen=True)
class Choice:
    """The chart taken: its ``kind`` (a key of `phases.CHARTS`), its ``form`` (see `charted.Settings`), its subgroups, and why."""

    kind: str
    form: str
    subgroups: Subgroups
    considered: tuple[Considered, ...]

    @property
    def reason(self) -> str:
        """Why this chart."""
        return next(one.reason for one in self.considered if one.taken)


def frozen_of(points: int) -> int:
    """How many points give the limits."""
    return points // 2 if points >= _SPLIT else points


def samples_of(form: str, values: FloatArray, subgroups: Subgroups) -> Samples:
    """What is charted of row values ``[n]``."""
    groups = subgroups.matrix(values)
    if form in ("rate", "count"):
        known = sizes_of(groups)
        return Samples(np.where(known > 0, np.nansum(groups, axis=1), np.nan), np.maximum(known, 1.0))
    if form == "single":
        return Samples(groups[:, 0])
    return Samples(groups) if form == "groups" else Samples(_means(groups))


def choose_rate(defects: FloatArray, lots: Lots) -> Choice | None:
    """A chart of the share of defects ``[n]``; None where they are too few for a dozen points.

    A subgroup has enough rows for five expected defects: whole lots, or neighbouring rows. Where shares vary more than a binomial
    count, limits are Laney's.
    """
    rate = float(defects.mean()) if len(defects) else 0.0
    if not 0 < rate < 1:
        return None
    enough = int(np.ceil(_EXPECTED / min(rate, 1 - rate)))
    subgroups = _of_lots_or_rows(len(defects), enough, lots)
    if len(subgroups) < LEAST_POINTS:
        return None
    ratio = _overdispersed("rate", defects, subgroups, rate * (1 - rate))
    others = (
        Considered("individuals", False, "one row says yes or no: only the share among several has limits"),
        Considered("u", False, "a row is defective once or not at all; u is for several defects on one unit"),
    )
    subject = f"{_point(subgroups)}, so that five defects are expected in a point"
    return _by_ratio(("p", "laney_p"), "rate", "shares", "binomial", subject, ratio, subgroups, others)


def choose_count(values: FloatArray, lots: Lots) -> Choice | None:
    """A chart of counts for each row ``[n]``, NaN where missing; None where the values are no counts, or too few.

    Counts are whole numbers from 0, of 30 on average at most, that vary about as a Poisson count does.
    """
    known = values[~np.isnan(values)]
    if len(known) < LEAST_POINTS or known.min() < 0 or (known != np.round(known)).any() or known.max() < 2:
        return None
    mean, spread = float(known.mean()), float(known.var() / known.mean())
    if mean > _HIGHEST_COUNT or not _SPREADS[0] <= spread <= _SPREADS[1]:
        return None
    subgroups = _of_lots_or_rows(len(values), max(1, int(np.ceil(_EXPECTED / mean))), lots)
    if len(subgroups) < LEAST_POINTS:
        return None
    if np.isfinite(_older("count", values, subgroups).values).sum() < _FEWEST_OLDER:
        return None
    ratio = _overdispersed("count", values, subgroups, mean)
    others = (
        Considered("individuals", False, "whole numbers from 0 on: their spread follows from their mean"),
        Considered("p", False, "a row may count more than one"),
    )
    return _by_ratio(("u", "laney_u"), "count", "counts", "Poisson", _point(subgroups), ratio, subgroups, others)


def choose_number(values: FloatArray, lots: Lots) -> Choice | None:
    """A chart of a number ``[n]`` in order, NaN where missing; None where too few are known or they do not vary."""
    known = values[~np.isnan(values)]
    if len(known) < LEAST_POINTS or np.ptp(known) == 0:
        return None
    if lots is None and len(known) <= _FEW_ROWS:
        return _each_row(len(known), values)
    subgroups = _of_lots_or_rows(len(values), _SMALLEST if lots is None else 1, lots)
    older = subgroups.matrix(values)[: frozen_of(len(subgroups))]
    if len(subgroups) < LEAST_POINTS or not _several_known(older):
        return _each_row(len(known), values) if len(known) <= _FEW_ROWS else None
    single = Considered(
        "individuals", False, f"{len(known):,} rows: the mean of several finds a shift sooner than each by itself"
    )
    kind, name = _spread_chart(older)
    why_not = _why_not_together(older, "lot" if subgroups.lots else "subgroup")
    if why_not:
        taken = Considered("individuals of means", True, f"{why_not}: means are read as single values, {_point(subgroups)}")
        return Choice("individuals", "means", subgroups, (taken, Considered(name, False, why_not), single))
    taken = Considered(name, True, f"{_point(subgroups)}; means vary as the spread within explains")
    of_means = Considered("individuals of means", False, "the spread within subgroups tells the limits more precisely")
    return Choice(kind, "groups", subgroups, (taken, of_means, single))


def _each_row(known: int, values: FloatArray) -> Choice:
    taken = Considered("individuals", True, f"each value on its own, for there are {known:,}")
    other = Considered("X-bar", False, "too few rows, or no lots of several, for subgroups")
    places = np.flatnonzero(~np.isnan(values))
    return Choice("individuals", "single", Subgroups(places, np.arange(len(places) + 1), 1, lots=False), (taken, other))


def _of_lots_or_rows(rows: int, least: int, lots: Lots) -> Subgroups:
    """Whole lots where there are any, else neighbouring rows, up to 60 points."""
    if lots is not None:
        return Subgroups.of_lots(lots, least)
    return Subgroups.of_rows(rows, max(least, -(-rows // _MOST_POINTS)))


def _point(subgroups: Subgroups) -> str:
    """What a point is, in words."""
    if not subgroups.lots:
        return f"a point is {subgroups.size} rows in order" if subgroups.size > 1 else "a point is one row"
    low, high = int(subgroups.sizes.min()), int(subgroups.sizes.max())
    return f"a point is whole lots, {f'{low} rows' if low == high else f'{low} to {high} rows'}"


def _overdispersed(form: str, values: FloatArray, subgroups: Subgroups, variance: float) -> float:
    older = _older(form, values, subgroups)
    return overdispersion(older.values, older.units, float(np.nanmean(values)), variance)


def _older(form: str, values: FloatArray, subgroups: Subgroups) -> Samples:
    """The points that give the limits."""
    samples = samples_of(form, values, subgroups)
    return samples.at(slice(frozen_of(len(samples.values))))


def _by_ratio(
    kinds: tuple[str, str], form: str, what: str, law: str, subject: str, ratio: float, subgroups: Subgroups,
    others: tuple[Considered, ...],
) -> Choice:  # fmt: skip
    """The chart of a pure count, or Laney's where subgroups vary more than that."""
    name, wider = kinds[0], f"Laney's {kinds[0]}'"
    if ratio > _WIDER:
        said = f"{what} vary {ratio:.1f} times as much as a {law} count would"
        taken = Considered(wider, True, f"{said}, and its limits allow for that; {subject}")
        return Choice(kinds[1], form, subgroups, (taken, Considered(name, False, said), *others))
    said = f"{what} vary as a {law} count does ({ratio:.1f} times)"
    taken = Considered(name, True, f"{said}; {subject}")
    return Choice(kinds[0], form, subgroups, (taken, Considered(wider, False, said), *others))


def _several_known(groups: FloatArray) -> bool:
    """Whether most subgroups have values that vary, and two neighbours have some: a spread within and between can be told."""
    varied = sizes_of(groups) > 1
    neighbours = np.isfinite(np.diff(_means(groups))).any()
    return bool(varied.mean() > 0.5 and (deviations_of(groups)[varied] > 0).any() and neighbours)


def _spread_chart(groups: FloatArray) -> tuple[str, str]:
    """R where all subgroups have the same few values, else S."""
    sizes = sizes_of(groups)
    alike = bool((sizes == sizes[0]).all() and sizes[0] <= _RANGES)
    return ("xbar_r", "X-bar and R") if alike else ("xbar_s", "X-bar and S")


def _why_not_together(groups: FloatArray, noun: str) -> str:
    """Why the spread within subgroups does not tell how much their means vary; empty where it does."""
    if _kurtosis(groups) > _HEAVY:
        return "tails are too heavy for a chart of the spread"
    within = estimate_by_deviations(groups).sigma / np.sqrt(sizes_of(groups).mean())
    ratio = estimate_individuals(_means(groups)).sigma / within
    return f"means vary {ratio:.1f} times as much from {noun} to {noun} as within" if ratio > _RESTLESS else ""


def _kurtosis(groups: FloatArray) -> float:
    """Kurtosis within subgroups: 3 where values are normal."""
    about = groups - _means(groups)[:, None]
    return float(np.nanmean(about**4) / np.nanmean(about**2) ** 2)


def _means(groups: FloatArray) -> FloatArray:
    """Mean of each subgroup, NaN where it has no value."""
    known = sizes_of(groups)
    return np.where(known > 0, np.nansum(groups, axis=1) / np.maximum(known, 1), np.nan)
