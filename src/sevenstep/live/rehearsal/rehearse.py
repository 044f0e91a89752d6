"""A rehearsal from start to end: the seven steps on what was known then, the study of age, the days one by one, the figures.

What is rehearsed is the project as the spec states it, for the target of its first KPI: run, observe, refresh, cadence, monitor,
learn anew. Its results lie in a folder of their own; the project's releases and ledger stay as they are.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import Any

import polars as pl

from sevenstep.engine.durable import claimed_folder, make_folder, replace_file
from sevenstep.engine.fingerprints import code_version, fingerprint
from sevenstep.engine.run import RunRequest, run_then
from sevenstep.engine.store import Store
from sevenstep.live.cadence.choose import Cadence, Price, best_period
from sevenstep.live.cadence.curve import Curve
from sevenstep.live.cadence.study import curve_of, studied, with_truth
from sevenstep.live.ledger.tables import observations, versions
from sevenstep.live.losstest import backstop
from sevenstep.live.operation import Operation
from sevenstep.live.refitting import Recipe
from sevenstep.live.rehearsal.diary import Diary
from sevenstep.live.rehearsal.figures import Beside, Lifting, beside, in_force, judged, lifting, lived_curve
from sevenstep.live.rehearsal.lived import SHORT, Lived, Look, Rules, live_through
from sevenstep.live.rehearsal.planted import Shift, lived_shifted
from sevenstep.live.rehearsal.weekly import WEEK, Fits, Weekly, alongside, live_weekly
from sevenstep.live.rehearsal.world import World
from sevenstep.live.releases import point, release_beside, sound_release
from sevenstep.live.replay import leads_up_to
from sevenstep.search.leaderboard import kpi_estimate
from sevenstep.spec.model import Spec
from sevenstep.spec.units import Duration
from sevenstep.stats.intervals import Estimate
from sevenstep.tasks.contract import Grammar, Task
from sevenstep.tasks.leading import leading_kpi, leading_metric

__all__ = ["Plan", "Rehearsal", "collected", "leaks", "rehearse", "started"]

FILE, PLAN, STUDY = "rehearsal.json", "plan", "study.parquet"
_ROOMS = ("live", "tasks", "stats", "search")  # whose code days are lived by; that of the seven steps is in their fingerprints
FIRST = 1  # number of the release that the seven steps make
LIFE = 28  # leads in force that refreshes are judged over, at most


@dataclass(frozen=True)
class Plan:
    """What to rehearse.

    Args:
        since: last day that is known at the start.
        until: last day that is lived through.
        budget: seconds the seven steps may take at the start.
        shift: a change to plant in a second life; None for none.
    """

    since: date
    until: date
    budget: float
    shift: Shift | None = None


@dataclass(frozen=True)
class Rehearsal:
    """What a rehearsal showed; all JSON values but for the frames.

    Args:
        metric: of the first KPI.
        members: name and family of what the seven steps chose: on a busy machine their clock may have kept all but rules out.
        days: how many days were lived through.
        studied: error by age before the start.
        lived: error by lead as it was lived, on the same items at every lead.
        cadence: the calendar computed from the study.
        cadence_beside: the forecasts in force under it against those of a refresh every day.
        due_beside: learning anew when due against every week.
        refits: when it learnt anew, and why.
        weekly_refits: how often the one that learns every week did.
        alarms: alarms of the clean life.
        checks: how often it looked for alarms.
        leaks: versions that knew something published after they were made.
        coverage: share of actuals within the bounds, of those said to hold 80 and 95 %.
        lifting: versions whose segments were lifted, and the loss of what was lifted beside what it would have been.
        shift: what became of the planted change; empty where none was.
        seconds: what each part took.
    """

    metric: str
    members: Sequence[Mapping[str, str]]
    days: int
    studied: Curve
    lived: Curve
    cadence: Cadence
    cadence_beside: Beside
    due_beside: Beside
    refits: Sequence[Mapping[str, Any]]
    weekly_refits: int
    alarms: Sequence[Mapping[str, Any]]
    checks: int
    leaks: int
    coverage: Mapping[str, Estimate]
    lifting: Lifting
    shift: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The rehearsal as JSON values."""
        return asdict(self)


def rehearse(
    spec: Spec, grammar: Grammar, load_task: Callable[[], Task], store: Path, plan: Plan, look: Look,
    told: Callable[[str], None] = lambda text: None,
) -> Rehearsal:  # fmt: skip
    """Rehearse a project.

    Args:
        spec: the project file.
        grammar: of its task.
        load_task: gives the task.
        store: folder of the project's store; the rehearsal's own lies below it.
        plan: what to rehearse.
        look: looks for alarms, and returns the new ones.
        told: is told what is being done.

    Raises:
        InputError: the rows have no dates to be replayed by, or there is too little past before the start.
    """
    clock = _Clock()
    own = _own(spec, plan.budget)
    told("taking in the data")
    data = collected(own, grammar, load_task, store)
    world = World.of(data)
    folder = _folder(store, own, plan, data.fingerprint)
    start = world.at(plan.since)
    told(f"the seven steps on what was known on {plan.since}")
    operation, recipe = started(world.opened(own, start, folder), grammar, load_task, folder / "store")
    clock.lap("seven steps")
    told("what age does to a forecast")
    target, metric = own.targets[0], _metric(own)
    model = operation.task.load_model(sound_release(operation.store, FIRST).model_folder)
    horizon = int(model.outlook()["lead"].max())  # type: ignore[arg-type]  # there are rows to be predicted
    made = _study(folder / STUDY, lambda: studied(operation.task, recipe, model, world.data.known_at(start), horizon, own.seed))
    curve = curve_of(model, made, target, metric, leads_up_to(horizon), own.seed)
    life = min(LIFE, horizon)
    refresh = own.operate.refresh
    cadence = best_period(curve, life, Price(refresh.cost, refresh.churn, 0.0, refresh.tolerance), WEEK)
    clock.lap("study of age")
    if plan.shift is not None:
        _copied(operation.store, folder / "shifted")
    moments = world.moments(start, world.at(plan.until))
    rules = Rules(range(1, life + 1), _losses(made, world), _backstop(own))
    fits, leads = Fits(operation.task, recipe, world, own.seed), leads_up_to(life)

    def every_week(stop: Event) -> Weekly:
        before = operation.task.load_model(sound_release(operation.store, FIRST).model_folder)
        return live_weekly(before, operation.task.load_model, world, fits, moments, leads, Diary(folder / "weekly"), stop)

    shifted: Mapping[str, Any] = {}
    with alongside(every_week) as weekly_lived:
        lived = live_through(operation, world, fits, moments, rules, look, Diary(folder / "days"), _living(told))
        clock.lap("days")
        if plan.shift is not None:
            again = Operation.of(operation.spec, folder / "shifted", operation.load_task)
            days = folder / "shifted-days"
            shifted = lived_shifted(
                (world, lived), plan.shift, plan.since, again, recipe, rules, look, days, _living(told, ", shifted")
            )
            clock.lap("planted shift")
        told("learning anew every week")
        weekly = weekly_lived()
        clock.lap("learning every week, beyond the rest")
    told("comparing")
    found = _figures(own, operation, world, (lived, weekly), moments, cadence, curve, metric, life)
    clock.lap("figures")
    members = [{"name": one.name, "family": one.family} for one, _ in recipe.members[target]]
    result = replace(found, members=members, shift=shifted, seconds=clock.laps)
    replace_file(folder / FILE, json.dumps(result.to_json(), ensure_ascii=False, indent=1, default=str).encode())
    return result


def _living(told: Callable[[str], None], how: str = "") -> Callable[[Any], None]:
    """Tells of each time that is over."""
    return lambda moment: told(f"living through {moment}{how}")


def _folder(store: Path, spec: Spec, plan: Plan, data: str) -> Path:
    """The folder of a rehearsal: what a stopped one has left there is gone on with, where it was of the same plan, spec, data and
    code; anything else, and a rehearsal that came to its end, is removed.
    """
    folder = make_folder(store / "rehearsals") / f"{plan.since}-{plan.until}"
    code = code_version(_ROOMS)
    said = fingerprint({"plan": str(plan), "spec": spec.model_dump(mode="json"), "data": data, "code": code}).encode()
    same = (folder / PLAN).is_file() and (folder / PLAN).read_bytes() == said
    if not same or (folder / FILE).is_file():
        shutil.rmtree(folder, ignore_errors=True)
    replace_file(make_folder(folder) / PLAN, said)
    return folder


def _study(path: Path, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """The rows of the study of age, made once."""
    if not path.is_file():
        content = BytesIO()
        make().write_parquet(content)
        replace_file(path, content.getvalue())
    return pl.read_parquet(path)


def _copied(store: Path, copy: Path) -> None:
    """A copy of a store before anything has happened, made whole or not at all."""
    if not copy.is_dir():
        with claimed_folder(copy.parent) as draft:
            shutil.copytree(store, draft, dirs_exist_ok=True)
            draft.rename(copy)


class _Clock:
    """Seconds of each part of the rehearsal itself, which no result depends on."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name], self._last = round(now - self._last, 1), now


def _own(spec: Spec, budget: float) -> Spec:
    """The spec for the target of its first KPI alone, with the budget of the rehearsal."""
    target = spec.kpis[0].target or spec.targets[0]
    kpis = tuple(kpi for kpi in spec.kpis if kpi.target in (None, target))
    time_ = spec.budget.model_copy(update={"time": Duration(budget)})
    return spec.model_copy(update={"target": (target,), "kpis": kpis, "budget": time_})


def _metric(spec: Spec) -> str:
    kpi = leading_kpi(spec.kpis, spec.targets[0], spec.targets)
    return leading_metric(kpi) if kpi is not None else spec.kpis[0].metric


def collected(spec: Spec, grammar: Grammar, load_task: Callable[[], Task], store: Path) -> Any:
    """What step 2 leaves of all the data."""
    request = RunRequest(spec, grammar, load_task, store, "collect", anyway=True, quiet=True)
    result = run_then(request, lambda made: made)
    return Store(store).open(result.steps[-1].fingerprint)


def started(spec: Spec, grammar: Grammar, load_task: Callable[[], Task], store: Path) -> tuple[Operation, Recipe]:
    """The seven steps, and the release they make."""
    request = RunRequest(spec, grammar, load_task, store, None, anyway=True, quiet=True)
    made = {step.name: step for step in run_then(request, lambda result: result).steps}
    kept = Store(store)
    operate, tune = (kept.open(made[name].fingerprint) for name in ("operate", "tune"))
    release, new = release_beside(store, operate, tune, (), made["collect"].fingerprint)
    if new:  # one that was there already may have learnt anew since
        point(store, release.number)
    return Operation.of(spec, store, load_task), Recipe.of(tune)


def _losses(made: pl.DataFrame, world: World) -> list[float]:
    """Loss of each whole week of the study at the leads that decide about learning anew."""
    name = world.time
    short = made.filter(pl.col("lead") <= SHORT)
    last = short[name].max()
    weeks = short.with_columns(((pl.lit(last) - pl.col(name)).dt.total_days() // WEEK).alias("week"))
    found = (
        weeks.group_by("week")
        .agg(
            (pl.col("prediction") - pl.col("truth")).abs().sum() / pl.col("truth").abs().sum(), pl.col(name).n_unique().alias("n")
        )
        .filter(pl.col("n") >= WEEK - 1)
        .sort("week", descending=True)
    )
    losses: list[float] = found["prediction"].to_list()
    return losses


def _backstop(spec: Spec) -> timedelta:
    every = spec.operate.retrain.every
    return timedelta(seconds=every.seconds) if every is not None else backstop(timedelta(days=1))


def _figures(
    spec: Spec, operation: Operation, world: World, lives: tuple[Lived, Weekly], moments: Sequence[Any], cadence: Cadence,
    curve: Curve, metric: str, life: int,
) -> Rehearsal:  # fmt: skip
    """What was lived, as figures."""
    lived, every_week = lives
    target, model = spec.targets[0], lived.model
    assert model is not None
    made, weekly = (with_truth(pl.concat(frames), world.data) for frames in (lived.made, every_week.rows))
    leads = leads_up_to(life)
    every = judged(model, made, target, range(1, life + 1))
    older, newest = in_force(every, life, moments, cadence.period)
    keys = ["target", "item", "lead"]
    due, each = judged(model, made, target, leads), judged(model, weekly, target, leads)
    both = due.frame.select(keys).join(each.frame.select(keys), on=keys)
    paired = [
        replace(one, frame=one.frame.join(both, on=keys, how="semi").with_columns(pl.col("lead").cast(pl.Int32).alias("fold")))
        for one in (due, each)
    ]
    return Rehearsal(
        metric=metric,
        members=(),
        days=len(moments),
        studied=curve,
        lived=lived_curve(model, made, target, metric, leads, spec.seed),
        cadence=cadence,
        cadence_beside=beside(older, newest, metric, spec.seed),
        due_beside=beside(paired[0], paired[1], metric, spec.seed),
        refits=lived.refits,
        weekly_refits=every_week.refits,
        alarms=lived.alarms,
        checks=lived.checks,
        leaks=leaks(operation),
        coverage={level: kpi_estimate(due, f"coverage_{level}", spec.seed) for level in ("80", "95")},
        lifting=lifting(operation, world.data, lived.made),
    )


def leaks(operation: Operation) -> int:
    """How many versions knew an observation that was published after they were made: the audit of every input; 0 is right."""
    import sqlalchemy as sa

    later = sa.and_(observations.c.id <= versions.c.observed, observations.c.published > versions.c.made)
    query = sa.select(sa.func.count(sa.distinct(versions.c.id))).select_from(versions.join(observations, later))
    with operation.ledger.reading() as connection:
        return int(connection.scalar(query) or 0)
