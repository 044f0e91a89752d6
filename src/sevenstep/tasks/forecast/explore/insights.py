"""The insights that matter, in plain words with figures, ranked by how much of the target they move.

The weight of an insight is the mean error made by ignoring it, as a share of the target; problems are ranked by the share of the
data they touch, and leaks come first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.contract import Insight
from sevenstep.tasks.forecast.explore.effects import EventEffect
from sevenstep.tasks.forecast.explore.findings import TargetFindings
from sevenstep.tasks.forecast.explore.profiles import Course
from sevenstep.tasks.forecast.explore.sample import Sample
from sevenstep.tasks.forecast.explore.view import step_word
from sevenstep.wording import roughly

__all__ = ["rank_insights"]

MOST, LATER_TARGETS = 10, 0.5
LEAK, INTERMITTENT, SHORT, MANY_OUTLIERS, MANY_MISSING, BIG_CHANGE, CLEAR_CHANGE = 10.0, 0.2, 0.1, 0.005, 0.05, 0.2, 0.02
EACH_KIND = 2  # holidays and numbers told of each target


def rank_insights(
    found: Sequence[TargetFindings], courses: Sequence[Sequence[Course]], sample: Sample, data: Dataset
) -> list[Insight]:
    """The ten insights of most weight; those of later targets weigh a little less, so that the first target leads."""
    insights: list[Insight] = list(_missing_inputs(data))
    for position, (item, its_courses) in enumerate(zip(found, courses, strict=True)):
        mine = [
            *_course_insights(item, its_courses),
            *_effect_insights(item),
            *_level_insights(item, sample),
            *_problems(item, sample),
        ]
        insights += [replace(insight, weight=insight.weight * LATER_TARGETS**position) for insight in mine]
    return sorted(insights, key=lambda insight: -insight.weight)[:MOST]


def _share(value: float) -> str:
    """A share of 1 in percent: one decimal below a hundred percent, none above."""
    return f"{100 * value:.1f} %" if abs(value) < 1 else f"{100 * value:.0f} %"


def _than(value: float) -> str:
    return f"{_share(abs(value))} {'higher' if value > 0 else 'lower'}"


def _interval(found: TargetFindings, low: float, high: float, *, effects: bool = True) -> str:
    """The 95 % interval in words, from bounds on the scale of effects or from shares."""
    shares = [found.view.measure.relative(bound) for bound in (low, high)] if effects else [low, high]
    if any(share != share for share in shares):
        return "no interval"
    return f"95 % interval {100 * shares[0]:+.1f} % to {100 * shares[1]:+.1f} %, {found.view.method}"


def _course_insights(found: TargetFindings, courses: Sequence[Course]) -> Iterator[Insight]:
    told = [*courses[:1], *(course for course in courses[1:] if course.name == "month")]  # longer seasons refine the first
    for course in told:
        best, worst = course.best, course.worst
        above, below = _share(abs(course.value[best])), _share(abs(course.value[worst]))
        text = (
            f"{found.target} follows the {course.name}: {course.labels[best]} is {above} above the usual level, "
            f"{course.labels[worst]} {below} below"
        )
        bounds = _interval(found, float(course.low[best]), float(course.high[best]), effects=False)
        yield Insight(text, f"n = {int(course.count[best]):,} rows for {course.labels[best]}; {bounds}", course.matters)


def _effect_insights(found: TargetFindings) -> Iterator[Insight]:
    for effect in found.effects:
        if insight := _event(found, effect):
            yield insight
    for number in found.numbers[:EACH_KIND]:
        if number.low * number.high > 0:
            text = (
                f"A usual swing of {number.column} ({number.spread:.3g} up) goes with {found.target} {_than(number.relative)}, "
                f"season, level and events held fixed"
            )
            evidence = f"n = {number.n:,} rows; {_interval(found, number.low * number.spread, number.high * number.spread)}"
            yield Insight(text, evidence, number.matters)
    clear = [effect for effect in found.holidays if effect.low * effect.high > 0]
    for holiday in clear[:EACH_KIND]:
        text = f"On {holiday.name}, {found.target} is {_than(holiday.relative)} than on like days"
        text = (
            text
            if not holiday.name.startswith("the week")
            else f"In {holiday.name}, {found.target} is {_than(holiday.relative)} than usual"
        )
        yield Insight(text, f"n = {holiday.n:,} rows; {_interval(found, holiday.low, holiday.high)}", holiday.matters)


def _event(found: TargetFindings, effect: EventEffect) -> Insight | None:
    level = max(effect.effects, key=lambda one: abs(one.effect) * one.share)
    if level.low * level.high > 0:
        text = (
            f"With {effect.column} = {level.level}, {found.target} is {_than(level.relative)} than with "
            f"{effect.column} = {effect.against} for {found.view.cells.words}"
        )
    elif effect.share_explained >= INTERMITTENT:
        text = (
            f"{effect.column} changes the shape of the season rather than the level: its states explain "
            f"{_share(effect.share_explained)} of what {found.target} varies within {found.view.cells.words}"
        )
    else:
        return None
    return Insight(text, f"n = {level.n:,} rows with it; {_interval(found, level.low, level.high)}", effect.matters)


def _level_insights(found: TargetFindings, sample: Sample) -> Iterator[Insight]:
    yield Insight(
        f"Among like rows{_beside(found)}, {found.target} still varies by {_share(found.noise)} of its size: other inputs and "
        f"recent values have to explain it, and some of it nobody can",
        f"n = {len(found.view.row):,} rows, compared within {found.view.fine.words}; mean error as WAPE counts it",
        found.noise,
    )
    change = found.change
    if change and change.low * change.high > 0 and abs(change.relative) >= CLEAR_CHANGE:
        word = step_word(sample)
        before = "the same time a year before" if change.seasonal else f"the {change.steps:,} {word}s before"
        text = (
            f"{found.target} in the newest {change.steps:,} {word}s is {_than(change.relative)} than in {before}, like for like"
        )
        moved = f"; {_share(change.moved)} of the series moved by over a fifth"
        tone: Literal["warn", "info"] = "warn" if abs(change.relative) >= BIG_CHANGE else "info"
        evidence = f"n = {change.n:,} rows; {_interval(found, change.low, change.high)}{moved}"
        yield Insight(text, evidence, abs(change.relative), tone)


def _beside(found: TargetFindings) -> str:
    names = " and ".join(effect.column for effect, _ in found.chosen)
    return f" in the same state of {names}" if names else ""


def _problems(found: TargetFindings, sample: Sample) -> Iterator[Insight]:
    for leak in found.leaks:
        fate = "it is left out" if leak["drop"] else "make sure that it is known when the forecast is made"
        fate = "it is not used as an input" if leak["role"] == "observed" else fate
        yield Insight(f"{leak['column']} gives {found.target} away: {leak['text']}; {fate}", f"n = {leak['n']:,}", LEAK, "warn")
    classes, series = found.history["classes"], found.history["series"]
    rare = classes["intermittent"] + classes["lumpy"] + classes["empty"]
    if rare >= INTERMITTENT:
        text = f"{_share(rare)} of the series of {found.target} see demand only now and then: percentages mean little for them"
        yield Insight(
            text, f"n = {series:,} series by intervals between demands and their variation (Syntetos and Boylan)", rare, "warn"
        )
    if found.history["short_series"] >= SHORT:
        short = found.history["short_series"]
        text = f"{_share(short)} of the series are shorter than two seasons: they must borrow from the others"
        yield Insight(text, f"n = {series:,} series", short, "warn")
    if found.outliers.share >= MANY_OUTLIERS:
        text = (
            f"{_share(found.outliers.share)} of the values of {found.target} lie far from their like (over 6 robust deviations)"
        )
        yield Insight(text, f"n = {found.outliers.count:,} of {sample.observed:,} rows", found.outliers.share, "warn")
    if found.history["filled"] < 1 - MANY_MISSING and sample.settings.gaps == "missing":
        empty = 1 - found.history["filled"]
        text = f"{_share(empty)} of the steps between first and last value of a series have no value of {found.target}"
        yield Insight(text, f"n = {found.history['rows']:,} values", empty, "warn")


def _missing_inputs(data: Dataset) -> Iterator[Insight]:
    """The known-ahead column with most missing values."""
    columns = list(data.roles.known_ahead)
    if not columns:
        return
    nulls = data.items.select(pl.col(columns).null_count()).row(0)
    most, column = max(zip(nulls, columns, strict=True))
    share = most / max(len(data.items), 1)
    if share >= MANY_MISSING:
        others = sum(count / max(len(data.items), 1) >= MANY_MISSING for count in nulls) - 1
        also = f"; inputs with gaps over {roughly(MANY_MISSING)} besides: {others}" if others else ""
        yield Insight(
            f"{column} is missing in {_share(share)} of the rows{also}", f"n = {len(data.items):,} rows", share / 10, "warn"
        )
