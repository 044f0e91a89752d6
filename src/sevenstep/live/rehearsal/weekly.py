"""The project that learns anew every week, whether that is due or not: what the rule for learning anew is held against.

It asks nothing of the project as it operates, so it is lived through beside it, in a thread of its own: most of its work is fits
and trees, which leave Python to others meanwhile. Where both learn on one day they share the fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any

import polars as pl

from sevenstep.live.refitting import Members, Recipe, learnt_members
from sevenstep.live.rehearsal.diary import WEEKLY, Diary
from sevenstep.live.rehearsal.world import World
from sevenstep.tasks.contract import Model, Task

__all__ = ["Fits", "Weekly", "alongside", "live_weekly"]

WEEK = 7


class Fits:
    """What was learnt at some moments, each once, whichever life asks first; safe for several threads.

    Args:
        task: whose members are fitted.
        recipe: what the run chose.
        world: all that happened; a fit knows what was known at its moment.
        seed: of the fits.
    """

    def __init__(self, task: Task, recipe: Recipe, world: World, seed: int) -> None:
        self._task, self._recipe, self._world, self._seed = task, recipe, world, seed
        self._made: dict[Any, Members] = {}
        self._locks: defaultdict[Any, Lock] = defaultdict(Lock)
        self._lock = Lock()

    def model(self, moment: Any, base: Model) -> Model:
        """``base`` with its members learnt anew from what was known at ``moment``; waits where that fit is under way."""
        data = self._world.data.known_at(moment)
        with self._lock:
            one_at_a_time = self._locks[moment]
        with one_at_a_time:
            if moment not in self._made:
                self._made[moment] = learnt_members(self._task, self._recipe, data, self._seed)
        return base.relearnt(self._made[moment], data)


@dataclass(frozen=True)
class Weekly:
    """What the project that learns every week forecast, one frame a time of the data, and how often it learnt."""

    rows: Sequence[pl.DataFrame]
    refits: int


def live_weekly(
    model: Model, load: Callable[[Any], Model], world: World, fits: Fits, moments: Sequence[Any], leads: Sequence[int],
    diary: Diary, stop: Event,
) -> Weekly:  # fmt: skip
    """Live through some times of the data, learning anew every seventh.

    Args:
        model: what was known before the first of them.
        load: reads a model back from its folder.
        world: all that happened.
        fits: what is learnt, shared with the project as it operates.
        moments: the times, oldest first.
        leads: leads forecast at.
        diary: where days are kept; those it holds are not lived through again.
        stop: set when nobody waits for it any more: it ends after the day it is in.
    """
    state: Mapping[str, Any] = diary.state()
    days = int(state.get("days", 0))
    rows = diary.rows(WEEKLY, days)
    if days:
        start = int(state["learnt"]) if state["learnt"] is not None else None
        first = load(diary.model_folder(_name(start))) if start is not None else model
        model = _told(first, world, moments[0 if start is None else start + 1 : days])
    for place, moment in enumerate(moments):
        if place < days:
            continue
        if stop.is_set():
            break
        if place and place % WEEK == 0:
            model = fits.model(moment, model)
            diary.keep_model(_name(place), model)
        else:
            model = _told(model, world, [moment])
        made = model.outlook(leads)
        diary.keep(WEEKLY, place, made)
        rows.append(made)
        diary.write({"days": place + 1, "learnt": place - place % WEEK or None})
    return Weekly(rows, max(0, len(rows) - 1) // WEEK)


def _name(place: int) -> str:
    return f"learnt-{place:04d}"


def _told(model: Model, world: World, moments: Sequence[Any]) -> Model:
    """The model once it knows what became known at some moments."""
    rows = world.data.items.filter(pl.col(world.time).is_in(list(moments)))
    return model.refresh(rows) if len(rows) else model


@contextmanager
def alongside(work: Callable[[Event], Weekly]) -> Iterator[Callable[[], Weekly]]:
    """Work in a thread of its own while the body runs; gives what waits for its result.

    Whoever leaves the body, by its end or by a failure, has the work told to stop and waits for its day to end.
    """
    stop = Event()
    with ThreadPoolExecutor(1, "weekly") as pool:
        begun = pool.submit(work, stop)
        try:
            yield begun.result
        finally:
            stop.set()
