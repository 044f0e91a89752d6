"""Has one segment moved away from its forecasts while the others have not? Arithmetic, apart from where figures come from.

A segment is judged by the logarithm of its actuals over its forecasts, beside the same of all that is not in it: what all
segments share (a warm week, a strike) cancels out, and the segment that moved is named rather than its neighbours. How far such a
figure strays by itself is read off blocks of days of the same length in which nothing was known to be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from sevenstep.live.monitor.cells import Days, Segments
from sevenstep.stats.compare import holm
from sevenstep.stats.scored import FloatArray

__all__ = ["WEEK", "WINDOWS", "Moved", "Usual", "cumulated_p", "moderated", "moved", "usual_of"]

WINDOWS = {3: 1, 5: 1, 7: 1}
"""Lengths in days over which a sudden shift is looked for, each with how many of the days are left out that speak most for it: a
holiday nobody forecast is no shift.
"""

WEEK = 7
"""Days of one point of the cumulated sum that finds slow shifts."""

SLACK = 0.5  # of the cumulated sum: finds shifts of about one standard deviation soonest
FEWEST = 4  # blocks below which nothing is said about how far a figure strays
MOST = 5  # segments named at a time
_HIGHEST = 3.0  # score of a week beyond which it adds no more to the sum: one odd week is no slow shift
_OVERSHOOT = 0.583  # of a sum of normal steps over a limit (Siegmund 1985, Sequential Analysis, chapter 10)
_PRIOR_AT_MOST = 1e6
_STILL = 0.05  # p value at which a segment known to have moved is taken to be away still


@dataclass(frozen=True)
class Usual:
    """How the figure of each segment strays over blocks of one length, arrays ``[segments]``.

    Args:
        mean: of the blocks.
        variance: between them, `moderated`.
        freedom: degrees of freedom of the variance; 0 where there are too few blocks.
        blocks: how many there are.
    """

    mean: FloatArray
    variance: FloatArray
    freedom: FloatArray
    blocks: FloatArray

    @property
    def error(self) -> FloatArray:
        """Standard error of a new figure as a departure from the mean."""
        return np.asarray(np.sqrt(self.variance * (1 + 1 / np.maximum(self.blocks, 1))))

    def scores(self, figures: FloatArray) -> FloatArray:
        """New figures ``[segments]`` as standard normal scores of equal tail; NaN where nothing can be said."""
        known = (self.freedom > 0) & np.isfinite(figures) & (self.variance > 0)
        t = np.divide(figures - self.mean, self.error, out=np.full(len(figures), np.nan), where=known)
        tail = special.stdtr(np.maximum(self.freedom, 1), -np.abs(t))
        return np.asarray(np.sign(t) * -special.ndtri(np.maximum(tail, 1e-300)))


def usual_of(segments: Segments, blocks: Days) -> Usual:
    """How far figures stray from block to block; the variances of segments steady each other (`moderated`)."""
    figures = segments.log_ratios(blocks)
    known = np.isfinite(figures)
    count = known.sum(axis=1).astype(np.float64)
    mean = np.where(known, figures, 0.0).sum(axis=1) / np.maximum(count, 1)
    squares = np.where(known, (figures - mean[:, None]) ** 2, 0.0).sum(axis=1)
    variance = squares / np.maximum(count - 1, 1)
    freedom = np.where(count >= FEWEST, count - 1, 0.0)
    compared = segments.compared & (freedom > 0) & (variance > 0)
    steadied, steady = variance.copy(), freedom.copy()
    if compared.sum() > 2:
        share = np.log(np.maximum(segments.shares(blocks)[compared], 1e-12))
        steadied[compared], steady[compared] = moderated(variance[compared], freedom[compared], share)
    return Usual(mean, steadied, steady, count)


def moderated(variance: FloatArray, freedom: FloatArray, log_size: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Variances drawn towards what segments of their size have, and their degrees of freedom, each ``[segments]``.

    How much is borrowed follows from how unlike the variances are beyond chance: empirical Bayes with a scaled inverse
    chi-squared prior whose location falls with size.

    Source: Smyth (2004), Linear models and empirical Bayes methods for assessing differential expression in microarray
    experiments, sections 3 and 6.2; the trend as in Law et al. (2014).
    """
    half = freedom / 2
    level = np.log(variance) - special.digamma(half) + np.log(half)
    away = log_size - log_size.mean()
    spread = float((away**2).sum())
    slope = float(np.clip((away * level).sum() / spread, -1.0, 0.0)) if spread > 0 else 0.0
    trend = level.mean() + slope * away
    excess = float(((level - trend) ** 2).sum() / (len(level) - 1) - special.polygamma(1, half).mean())
    prior = min(2 * _inverse_trigamma(excess), _PRIOR_AT_MOST) if excess > 0 else _PRIOR_AT_MOST
    centre = np.exp(trend + special.digamma(prior / 2) - np.log(prior / 2))
    pooled = float(freedom.sum())  # nobody knows a variance better than all blocks together
    borrowed = np.minimum(prior, np.maximum(pooled - freedom, 0.0))
    return (borrowed * centre + freedom * variance) / (borrowed + freedom), borrowed + freedom


def _inverse_trigamma(value: float) -> float:
    """Newton's iteration of Smyth (2004), appendix; convex and monotone, so it cannot overshoot."""
    found = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, found))
        step = trigamma * (1 - trigamma / value) / float(special.polygamma(2, found))
        found += step
        if -step / found < 1e-8:
            break
    return found


def cumulated_p(scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """P values of the newest cumulated sums of normal scores ``[segments, weeks]``, and how many weeks each has run.

    A two-sided CUSUM with slack `SLACK`. Its value in the long run is the highest point of a falling random walk, which exceeds
    ``c`` with probability ``exp(-2 slack (c + 0.583))`` (Siegmund 1985). A missing score leaves the sums as they are.
    """
    above, below = np.zeros(len(scores)), np.zeros(len(scores))
    weeks_above, weeks_below = np.zeros(len(scores)), np.zeros(len(scores))
    for week in np.nan_to_num(scores).T:
        above, below = np.maximum(0.0, above + week - SLACK), np.maximum(0.0, below - week - SLACK)
        weeks_above, weeks_below = np.where(above > 0, weeks_above + 1, 0), np.where(below > 0, weeks_below + 1, 0)
    highest = np.maximum(above, below)
    p = np.minimum(1.0, 2 * np.exp(-2 * SLACK * (highest + _OVERSHOOT)))
    return np.where(highest > 0, p, 1.0), np.where(above >= below, weeks_above, weeks_below)


@dataclass(frozen=True)
class Moved:
    """A segment that has moved.

    Args:
        segment: its place among the segments.
        size: logarithm of actuals over forecasts beyond what is usual, with its interval ``low`` to ``high`` (95 %).
        since: day from which on, counted from the first of the live days.
        days: newest days in which it was seen.
        p: p value corrected for all that was asked.
        blocks: blocks of days it was held against.
        slow: whether the sum over weeks found it, not the newest days alone.
    """

    segment: int
    size: float
    low: float
    high: float
    since: int
    days: int
    p: float
    blocks: int
    slow: bool


def moved(segments: Segments, live: Days, released: Sequence[Days], alpha: float, expected: Sequence[int] = ()) -> list[Moved]:
    """The segments that have moved, the surest first; none, but for a share ``alpha`` of checks, where nothing has.

    One after the other the surest is taken as known (its forecasts are scaled), and the rest is judged again: what moved only
    because another did is not named.

    Args:
        segments: what may move.
        live: newest days, oldest first.
        released: days of each stretch of forecasts the release was judged on, each oldest first.
        alpha: chance of naming any segment where none has moved; corrected by Holm over segments and windows.
        expected: segments known to have moved before: each is asked by itself, and first, whether it still is away.
    """
    found: list[Moved] = []
    usual = {length: _usual(segments, live, released, length) for length in WINDOWS}
    calm = usual_of(segments, _joined([one.blocks(WEEK) for one in released]))
    for place in expected:
        still = _still_away(segments, live, usual, place)
        if still is not None:
            found.append(still)
            live = live.explained(segments.inside[place], still.since, still.size)
    while len(found) < MOST:
        next_one = _surest(segments, live, usual, calm, alpha, {one.segment for one in found})
        if next_one is None:
            break
        found.append(next_one)
        live = live.explained(segments.inside[next_one.segment], next_one.since, next_one.size)
    return found


def _still_away(segments: Segments, live: Days, usual: dict[int, Usual], place: int) -> Moved | None:
    """A segment over the newest days, where its figure is outside the 95 % that are usual."""
    length = max((one for one in WINDOWS if live.truth.shape[1] >= one), default=0)
    if not length:
        return None
    score = float(usual[length].scores(segments.log_ratios(live.last(length).blocks(length))[:, 0])[place])
    p = 2 * float(special.ndtr(-abs(score))) if np.isfinite(score) else 1.0
    return _described(segments, live, usual[length], place, length, p, slow=False) if p <= _STILL else None


def _usual(segments: Segments, live: Days, released: Sequence[Days], length: int) -> Usual:
    """From the stretches of the release and from the live days before the newest ones that are judged."""
    before = Days(live.truth[:, : -max(WINDOWS)], live.forecast[:, : -max(WINDOWS)])
    return usual_of(segments, _joined([one.blocks(length) for one in (*released, before)]))


def _joined(blocks: Sequence[Days]) -> Days:
    joined = blocks[0]
    for one in blocks[1:]:
        joined = joined.beside(one)
    return joined


def _surest(segments: Segments, live: Days, usual: dict[int, Usual], calm: Usual, alpha: float, known: set[int]) -> Moved | None:
    """The segment with the least corrected p value, where that is at most ``alpha``."""
    lengths = [length for length in WINDOWS if live.truth.shape[1] >= length]
    scores = [usual[length].scores(_figures(segments, live, length, usual[length])) for length in lengths]
    sudden = [2 * special.ndtr(-np.abs(one)) for one in scores]
    weekly = segments.log_ratios(live.blocks(WEEK))
    slow, weeks = cumulated_p(np.column_stack([_capped(calm.scores(week)) for week in weekly.T]) if weekly.shape[1] else weekly)
    every = np.nan_to_num(np.column_stack([*sudden, slow]), nan=1.0)
    corrected = holm(every.ravel()).reshape(every.shape)
    every[list(known)] = 1.0
    place = int(np.argmin(every.min(axis=1)))
    which = int(np.argmin(every[place]))
    if corrected[place, which] > alpha or every[place, which] >= 1.0:
        return None
    if which == len(lengths):
        return _described(segments, live, calm, place, WEEK * int(weeks[place]), float(corrected[place, which]), slow=True)
    return _described(segments, live, usual[lengths[which]], place, lengths[which], float(corrected[place, which]), slow=False)


def _figures(segments: Segments, live: Days, length: int, usual: Usual) -> FloatArray:
    """The figure of each segment over the newest days, those left out that speak most for a shift, ``[segments]``."""
    figures = segments.log_ratios(live.least(length, WINDOWS[length]))
    away = np.where(np.isfinite(figures), np.abs(figures - usual.mean[:, None]), np.inf)
    return np.asarray(np.take_along_axis(figures, away.argmin(axis=1)[:, None], axis=1)[:, 0])


def _capped(scores: FloatArray) -> FloatArray:
    return np.clip(scores, -_HIGHEST, _HIGHEST)


def _described(segments: Segments, live: Days, usual: Usual, place: int, days: int, p: float, *, slow: bool) -> Moved:
    since = _since(segments, live, usual, place, days)
    count = live.truth.shape[1] - since
    own = Segments([segments.names[place]], segments.inside[[place]], segments.beside[[place]])
    figure = float(own.log_ratios(live.last(count).blocks(count))[0, 0])
    size = figure - float(usual.mean[place])
    reach = float(special.stdtrit(usual.freedom[place], 0.975) * usual.error[place])
    return Moved(place, size, size - reach, size + reach, since, days, p, int(usual.blocks[place]), slow)


def _since(segments: Segments, live: Days, usual: Usual, place: int, days: int) -> int:
    """The likeliest start of a lasting shift: from there on the mean departure, in the direction of the newest ``days``, is the
    most standard errors.
    """
    own = Segments([segments.names[place]], segments.inside[[place]], segments.beside[[place]])
    newest = own.log_ratios(live.last(days).blocks(days))[0, 0] - usual.mean[place]
    daily = np.nan_to_num(own.log_ratios(live.last(max(days, 2 * WEEK)))[0] - usual.mean[place]) * np.sign(newest)
    sums = np.cumsum(daily[::-1]) / np.sqrt(np.arange(1, len(daily) + 1))
    return int(live.truth.shape[1]) - 1 - int(np.argmax(sums))
