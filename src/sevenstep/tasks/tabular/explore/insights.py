"""The insights that matter, in plain words with figures, ranked.

The weight of a relation is the share of the target's entropy it explains; that of a problem the share of the data it touches. A
target that is not the same over time comes first, because it says that old rows may not answer for new ones.
"""

from __future__ import annotations

from collections.abc import Iterator

from sevenstep.data.naming import listed
from sevenstep.tasks.contract import Insight
from sevenstep.tasks.tabular.explore.findings import Findings
from sevenstep.tasks.tabular.explore.separation import level_estimates
from sevenstep.tasks.tabular.explore.strength import SURE
from sevenstep.tasks.tabular.explore.view import MISSING, Binned, short
from sevenstep.wording import percent, roughly

__all__ = ["rank_insights"]

_MOST, _EACH = 12, 6
_DRIFT, _RARE, _WEAK = 1.0, 0.1, 0.3
_RARE_SHARE, _MANY_EXTREMES, _TOO_GOOD = 0.1, 0.05, 0.9


def rank_insights(found: Findings) -> list[Insight]:
    """The insights of most weight, twelve at most."""
    told = [
        *_inputs(found),
        *_weak(found),
        *_pairs(found),
        *_gaps(found),
        *_drift(found),
        *_rare(found),
        *_alike(found),
        *_extremes(found),
    ]
    return sorted(told, key=lambda insight: -insight.weight)[:_MOST]


def _inputs(found: Findings) -> Iterator[Insight]:
    for one in found.told[:_EACH]:
        separation = found.separations.get(one.column)
        if separation is None:
            continue
        share = f"explains {percent(one.share)} of the uncertainty about {found.view.problem.target}, {_rate(one.q)}"
        if one.share >= _TOO_GOOD:
            text = f"{separation.text}: so well that it may be known only afterwards"
            yield Insight(text, f"{separation.evidence}; {share}", 10.0, "warn")
        else:
            yield Insight(separation.text, f"{separation.evidence}; {share}", one.share)


def _rate(q: float) -> str:
    return "false discovery rate under 0.1 %" if q < 0.001 else f"false discovery rate {percent(q)}"


def _weak(found: Findings) -> Iterator[Insight]:
    """How many inputs say anything at all."""
    told, all_ = len(found.told), len(found.strengths)
    if all_ and told <= all_ / 2:
        text = f"{told} of {all_} inputs say more about {found.view.problem.target} than chance, each looked at alone"
        evidence = f"G test of each, false discovery rate {roughly(SURE)} over all {all_}; n = {len(found.view.rows):,} rows"
        yield Insight(text, evidence, _WEAK if told <= all_ / 10 else _WEAK / 10, "warn" if told == 0 else "info")


def _pairs(found: Findings) -> Iterator[Insight]:
    for pair in found.pairs[:2]:
        one, two = pair.columns
        text = f"What {one} says about {found.view.problem.target} depends on {two}: together they say more than the sum of both"
        yield Insight(
            text, f"{percent(pair.share)} of the uncertainty beyond both alone, {_rate(pair.q)}, n = {pair.n:,}", pair.share
        )


def _gaps(found: Findings) -> Iterator[Insight]:
    for gap in [gap for gap in found.gaps if gap.told][:2]:
        column = found.view.inputs[gap.column]
        absent = Binned((found.view.inputs[gap.column].codes == column.labels.index(MISSING)).astype(int), ("there", MISSING))
        levels = level_estimates(found.view, absent)
        if len(levels) == 2:
            there, missing = (_level(found, row[1]) for row in levels)
            text = f"{_level_of(found)} is {missing} where {gap.column} is missing, {there} where it is not"
            yield Insight(text, f"missing in {percent(gap.missing)} of {gap.n:,} rows, {_rate(gap.q)}", gap.share)
    bare = max(found.gaps, key=lambda gap: gap.missing, default=None)
    if bare is not None and bare.missing >= 0.2 and not bare.told:
        others = sum(gap.missing >= 0.2 for gap in found.gaps) - 1
        text = f"{bare.column} is missing in {roughly(bare.missing)} of the rows" + (
            f", {others} more inputs in a fifth and more" if others else ""
        )
        yield Insight(text, f"n = {bare.n:,} rows; its absence says nothing about the target", bare.missing / 10, "warn")


def _level_of(found: Findings) -> str:
    problem = found.view.problem
    if not problem.classes:
        return f"The median {problem.target}"
    name = problem.classes[1] if problem.binary else max(found.counts().items(), key=lambda item: item[1])[0]
    return f"The share of {problem.target} = {name}"


def _level(found: Findings, value: float) -> str:
    return f"{percent(value)}" if found.view.problem.classes else short(value)


def _drift(found: Findings) -> Iterator[Insight]:
    drift = found.drift
    if drift is None:
        return
    if drift.p < SURE and len(drift.stretches) > 1:
        first, last = drift.stretches[0], drift.stretches[-1]
        text = (
            f"{_level_of(found)} is not the same over time: {_level(found, first[1])} in the oldest rows (from {first[0]}), "
            f"{_level(found, last[1])} in the newest (from {last[0]})"
        )
        evidence = f"{len(drift.stretches)} stretches of about {last[4]:,} rows, p {_small(drift.p)}"
        yield Insight(text, evidence, _DRIFT, "warn")
    if drift.moved:
        share = len(drift.moved) / max(drift.tested, 1)
        names = listed((one.column for one in drift.moved), most=3)
        text = (
            f"{len(drift.moved)} of {drift.tested} inputs moved from the older to the newer half of the rows, most of all {names}"
        )
        evidence = f"largest gap of distributions {drift.moved[0].size:.2f} of 1, false discovery rate {roughly(SURE)}"
        yield Insight(text, evidence, share * _DRIFT * 0.9, "warn" if share >= 0.2 else "info")


def _small(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _rare(found: Findings) -> Iterator[Insight]:
    counts = found.counts()
    if not counts:
        return
    name, rows = min(counts.items(), key=lambda item: item[1])
    share = rows / max(sum(counts.values()), 1)
    if share < _RARE_SHARE:
        target = found.view.problem.target
        text = f"{target} = {name} is rare, {percent(share)} of the rows: their number counts, not that of all rows"
        yield Insight(text, f"{rows:,} of {sum(counts.values()):,} rows looked at", _RARE)


def _alike(found: Findings) -> Iterator[Insight]:
    if found.groups:
        first = found.groups[0]
        more = sum(len(group) - 1 for group in found.groups)
        count = "one group" if len(found.groups) == 1 else f"{len(found.groups)} groups"
        says = "number column says" if more == 1 else "number columns say"
        text = f"{more} {says} nearly what others say, in {count}; the largest is {listed(first, most=4)}"
        yield Insight(text, "rank correlations of 0.95 and more, linked", 0.02 + 0.1 * more / max(len(found.strengths), 1))


def _extremes(found: Findings) -> Iterator[Insight]:
    if found.extremes and found.extremes[0].share >= _MANY_EXTREMES:
        first = found.extremes[0]
        many = sum(one.share >= _MANY_EXTREMES for one in found.extremes)
        others = f", and {many - 1} more inputs are like it" if many > 1 else ""
        text = f"{first.column} has heavy tails: {percent(first.share)} of its values lie beyond the outer fences{others}"
        yield Insight(text, f"three interquartile ranges from the quartiles, {first.rows:,} values", 0.02)
