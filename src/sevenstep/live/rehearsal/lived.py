"""Living through the past, day by day: observe, refresh, look for alarms, and learn anew when it is due.

A life that was stopped goes on with the day it was in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from sevenstep.live.cadence.study import with_truth
from sevenstep.live.losstest import LossTest, loss_test
from sevenstep.live.observing import observe
from sevenstep.live.operation import Operation
from sevenstep.live.pointers import promote
from sevenstep.live.refreshing import read_version, refresh
from sevenstep.live.rehearsal.diary import MADE, Diary
from sevenstep.live.rehearsal.figures import share_lost
from sevenstep.live.rehearsal.weekly import WEEK, Fits
from sevenstep.live.rehearsal.world import World, published
from sevenstep.live.releases import champion, release_relearnt
from sevenstep.live.standing import Standing, standing
from sevenstep.tasks.contract import Model

__all__ = ["Lived", "Rules", "live_through"]

SHORT = 7  # leads whose loss decides whether to learn anew: known soonest
SOURCE = "rehearsal"


@dataclass(frozen=True)
class Rules:
    """What the rehearsal does on which day.

    Args:
        leads: leads kept of every version.
        losses: loss of earlier weeks that the first live ones are held against.
        backstop: longest time without learning anew.
        refit_after_alarm: how long after an alarm of a shift to learn anew, so that there is something to learn; None for never.
    """

    leads: Sequence[int]
    losses: Sequence[float]
    backstop: timedelta
    refit_after_alarm: timedelta | None = None


@dataclass
class Lived:
    """What happened.

    Args:
        made: forecasts of the project as it operated, at the leads kept, one row a version.
        refits: when it learnt anew and why, ``{"moment", "release", "why"}``.
        tests: the loss test of each week.
        alarms: each alarm raised, ``{"moment", ...}``.
        checks: how often it looked for alarms.
        model: what it knew in the end.
    """

    made: list[pl.DataFrame] = field(default_factory=list)
    refits: list[dict[str, Any]] = field(default_factory=list)
    tests: list[LossTest] = field(default_factory=list)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    checks: int = 0
    model: Model | None = None


Look = Callable[[Operation, Any, Standing], Sequence[dict[str, Any]]]
"""Looks for alarms at a moment, given what the newest refresh knew, and returns those raised at it as JSON values."""


def live_through(
    operation: Operation, world: World, fits: Fits, moments: Sequence[Any], rules: Rules, look: Look, diary: Diary,
    told: Callable[[Any], None] = lambda moment: None,
) -> Lived:  # fmt: skip
    """Live through some times of the data.

    Args:
        operation: a project that knows what was known before the first of them.
        world: all that happened.
        fits: what it learns anew by.
        moments: the times, oldest first.
        rules: what is done when.
        look: looks for alarms.
        diary: where days are kept; those it holds are not lived through again.
        told: told of each time when it is over.
    """
    life = _Life(operation, world, fits, rules, look, diary)
    life.remember(moments)
    for place, moment in enumerate(moments):
        if place >= life.days:
            life.day(place, moment)
            told(moment)
    life.lived.model = life.known(moments[-1]).model
    return life.lived


class _Life:
    """The state of a rehearsal between two days; ``days`` are over, and with ``looked`` the first part of the next one is."""

    def __init__(self, operation: Operation, world: World, fits: Fits, rules: Rules, look: Look, diary: Diary) -> None:
        self.operation, self.world, self.fits, self.rules, self.look = operation, world, fits, rules, look
        self.diary, self.days, self.looked = diary, 0, False
        self.lived, self.losses = Lived(), list(rules.losses)
        self.standing: Standing | None = None
        self.learnt: Any = None
        self.wanted: Any = None

    def remember(self, moments: Sequence[Any]) -> None:
        """Take up what the diary holds."""
        state = self.diary.state()
        if not state:
            return
        self.days, self.looked, self.losses = state["days"], state["looked"], state["losses"]
        self.learnt, self.wanted = (_time(state[name], moments[0]) for name in ("learnt", "wanted"))
        lived, count = self.lived, self.days + self.looked
        lived.made, lived.checks = self.diary.rows(MADE, count), state["checks"]
        lived.refits, lived.alarms = state["refits"], state["alarms"]
        lived.tests = [LossTest(**one) for one in state["tests"]]

    def _note(self, *, looked: bool) -> None:
        lived = self.lived
        self.looked = looked
        self.diary.write(
            {
                "days": self.days, "looked": looked, "losses": self.losses, "learnt": self.learnt, "wanted": self.wanted,
                "checks": lived.checks, "refits": lived.refits, "alarms": lived.alarms,
                "tests": [asdict(one) for one in lived.tests],
            }
        )  # fmt: skip

    def known(self, moment: Any) -> Standing:
        """What the champion knows at a moment."""
        if self.standing is None:
            with self.operation.ledger.reading() as connection:
                self.standing = standing(self.operation, connection, published(moment))
        return self.standing

    def day(self, place: int, moment: Any) -> None:
        """One time of the data: what arrived, what was predicted, what was decided."""
        if not self.looked:
            self._see(place, moment)
            self._note(looked=True)
        if place and place % WEEK == 0:
            self._week(moment)
        elif self.wanted is not None and moment >= self.wanted:
            self._refit(moment, "a shift was alarmed, and a week of it is known")
        self.days = place + 1
        self._note(looked=False)

    def _see(self, place: int, moment: Any) -> None:
        """What arrived, what was predicted, and what the monitor says of it."""
        rows, now = self.world.arrived(moment), published(moment)
        self.learnt = self.learnt if self.learnt is not None else moment
        observe(self.operation, rows.to_dicts(), SOURCE, now)
        version, self.standing = refresh(self.operation, now, self.standing)
        kept = read_version(self.operation.store, version).filter(pl.col("lead").is_in(list(self.rules.leads))).collect()
        self.diary.keep(MADE, place, kept)
        self.lived.made.append(kept)
        self.lived.checks += 1
        for alarm in self.look(self.operation, now, self.standing):
            self.lived.alarms.append({"moment": str(moment), **alarm})
            if self.wanted is None and self.rules.refit_after_alarm is not None:
                self.wanted = moment + self.rules.refit_after_alarm

    def _week(self, moment: Any) -> None:
        """Once a week: is the loss still what it was?"""
        self.losses.append(self._loss_of_week(moment))
        found = loss_test(self.losses)
        self.lived.tests.append(found)
        if found.due:
            self._refit(moment, found.text)
        elif moment - self.learnt >= self.rules.backstop:
            self._refit(moment, f"{self.rules.backstop.days} days have gone since it learnt")

    def _loss_of_week(self, moment: Any) -> float:
        """Mean absolute error over mean size (WAPE) of the week's forecasts at short leads."""
        name = self.world.time
        recent = pl.concat(self.lived.made[-2 * WEEK :]).filter(
            (pl.col("lead") <= SHORT) & (pl.col(name) > moment - timedelta(WEEK))
        )
        judged = with_truth(recent.filter(pl.col("target") == self.operation.spec.targets[0]), self.world.data.known_at(moment))
        return share_lost(judged)

    def _refit(self, moment: Any, why: str) -> None:
        """Learn anew, release what was learnt, and let it serve; what a life that was stopped has released already is taken."""
        release = champion(self.operation.store)
        relearnt: Mapping[str, Any] = release.manifest.get("relearnt", {})
        if relearnt.get("until") != str(moment):
            known = self.known(moment)
            made = self.fits.model(moment, known.model)
            release = release_relearnt(self.operation.store, known.release, made, str(moment))
            promote(self.operation, release.number, "rule", published(moment), {"why": why})
        self.lived.refits.append({"moment": str(moment), "release": release.number, "why": why})
        self.learnt, self.wanted = moment, None


def _time(text: str | None, like: Any) -> Any:
    """A time of the data read back from its text."""
    if text is None:
        return None
    return datetime.fromisoformat(text) if isinstance(like, datetime) else date.fromisoformat(text)
