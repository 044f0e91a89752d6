"""Forecasts from a history in parts: each question goes to the parts it is about, one after the other.

Every part answers as a model of its own, with the same members and the history of its series. What members pool over series (the
mean course of all) they then pool over the part, a systematic sample of all series.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset, Roles
from sevenstep.data.parts import Parts
from sevenstep.errors import InputError, InputWarning
from sevenstep.tasks.forecast.asking import to_forecast
from sevenstep.tasks.forecast.grown import of_history, refreshed
from sevenstep.tasks.scoretable import ScoreTable

__all__ = ["ahead", "asked", "grown", "judged", "part_with"]


def ahead(parts: Parts, ask: Callable[[int], pl.DataFrame]) -> pl.DataFrame:
    """What every part answers, one after the other; parts without an open row have no say, unless none has any."""
    made: list[pl.DataFrame] = []
    fault: InputError | None = None
    with _said_once():
        for number in range(parts.count):
            try:
                made.append(ask(number))
            except InputError as error:
                if error.code != "PREDICT-NO-ROWS":
                    raise
                fault = error
    if not made and fault is not None:
        raise fault
    return pl.concat(made, how="vertical")


def asked(parts: Parts, roles: Roles, rows: pl.DataFrame, ask: Callable[[int, pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    """Forecasts of some rows in the order they were given, each target after the other."""
    number, wanted = parts.numbers(rows).to_numpy(), to_forecast(rows, roles).to_numpy()
    made: dict[str, list[pl.DataFrame]] = {}
    places: list[NDArray[np.int64]] = []
    with _said_once():
        for part in np.unique(number[wanted]).tolist() or [0]:
            own = ask(part, rows.filter(pl.Series(number == part)))
            places.append(np.flatnonzero(wanted & (number == part)))
            for (target,), frame in own.partition_by("target", as_dict=True, maintain_order=True).items():
                made.setdefault(str(target), []).append(frame)
    order = np.argsort(np.concatenate(places))
    return pl.concat([pl.concat(frames)[order] for frames in made.values()])


def judged(parts: Parts, made: pl.DataFrame, judge: Callable[[int, pl.DataFrame], ScoreTable]) -> ScoreTable:
    """Score tables of all parts; series and rows keep numbers of their own."""
    number = parts.numbers(made)
    found = []
    for part in number.unique().sort().to_list() or [0]:
        own = judge(part, made.filter(number == part)).frame
        apart = [(pl.col(name) * parts.count + part).cast(own.schema[name]).alias(name) for name in ("item", "cluster")]
        found.append(own.with_columns(apart))
    return ScoreTable(pl.concat(found, how="diagonal_relaxed"))


def grown(history: Dataset, parts: Parts, rows: pl.DataFrame) -> Dataset:
    """A history with newer observations: part 0 takes them in at once, the others when they are read."""
    typed = of_history(rows, history)

    def take(items: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
        return refreshed(history.of_items(items), own)

    first = take(history.items, parts.of(typed, 0))
    return replace(history.of_items(first), parts=parts.grown(typed, take))


def part_with(parts: Parts, roles: Roles, item: Mapping[str, Any]) -> int:
    """The part with the series of an item; part 0 where it does not say which, or is not there."""
    if any(name not in item for name in roles.keys):
        return 0
    return int(parts.numbers(pl.DataFrame({name: [item[name]] for name in roles.keys}))[0])


@contextmanager
def _said_once() -> Iterator[None]:
    """Warnings of one text are told once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for text in dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, InputWarning)):
        warnings.warn(InputWarning(text), stacklevel=5)
