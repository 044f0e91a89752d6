"""The computed calendar: how often this project is worth a refresh, kept beside its store and turned into moments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.engine.durable import replace_file
from sevenstep.engine.store import Store
from sevenstep.errors import InputError
from sevenstep.live.cadence.choose import Cadence, Price, best_leads, best_period
from sevenstep.live.cadence.curve import Curve
from sevenstep.live.cadence.study import curve_of, studied, times_known
from sevenstep.live.operation import Operation
from sevenstep.live.refitting import Recipe
from sevenstep.live.releases import Release, champion, releases
from sevenstep.live.replay import leads_up_to
from sevenstep.spec.model import Kpi, Spec
from sevenstep.spec.operate import DayFile
from sevenstep.stats.metrics import METRICS
from sevenstep.tasks.leading import leading_kpi, leading_metric
from sevenstep.wording import counted

__all__ = [
    "Reckoned", "calendar", "days_that_count", "longest_period", "price_of", "reckon", "reckon_if_due", "reckoned",
]  # fmt: skip

FILE = "cadence.json"
AHEAD = timedelta(days=62)  # how far ahead moments are told
HOUR = 5  # of the day (UTC) at which daily refreshes are due: when the actuals of the day before are in
YEAR = timedelta(days=365.25)
STALE = timedelta(weeks=13)  # age at which a calendar is reckoned anew, though the same members serve


@dataclass(frozen=True)
class Reckoned:
    """A cadence with what it was computed from.

    Args:
        release: the release it was computed for.
        made: when.
        step: seconds of one step of the data.
        horizon: longest lead, in steps.
        curve: loss by lead.
        cadence: the calendar chosen.
        price: what was weighed.
    """

    release: int
    made: datetime
    step: float
    horizon: int
    curve: Curve
    cadence: Cadence
    price: Price

    def to_json(self) -> dict[str, Any]:
        """The cadence as JSON values."""
        return {**asdict(self), "made": self.made.isoformat()}


def reckon(operation: Operation, now: datetime) -> Reckoned:
    """Study what age does to the champion's forecasts, choose the calendar, and keep it.

    Takes one fit of the members and a few dozen refreshes.

    Raises:
        InputError: ``CADENCE-NO-TIME``, time plays no part; ``CADENCE-SHORT``, there is too little past.
    """
    release, spec, store = champion(operation.store), operation.spec, Store(operation.store)
    recipe = Recipe.of(store.open(str(release.manifest["model"])))
    data = Dataset.load(store.open(str(release.manifest["collect"])).folder("dataset"))
    if data.roles.time is None:
        rule = "a cadence is about how old the newest data are"
        raise InputError("CADENCE-NO-TIME", "the data have no time column", rule, "name it under data.time")
    model = operation.task.load_model(release.verified().model_folder)
    horizon = int(model.outlook()["lead"].max())  # type: ignore[arg-type]  # there are rows to be predicted
    made = studied(operation.task, recipe, model, data, horizon, spec.seed)
    kpi = _first(spec)
    target = kpi.target or spec.targets[0]
    curve = curve_of(model, made, target, leading_metric(kpi), leads_up_to(horizon), spec.seed)
    step = _step(times_known(data))
    price = price_of(spec, kpi, step)
    every = spec.operate.refresh.days == "every"
    cadence = best_period(curve, horizon, price, longest_period(step)) if every else best_leads(curve, horizon, price)
    found = Reckoned(release.number, now, step.total_seconds(), horizon, curve, cadence, price)
    replace_file(operation.store / FILE, json.dumps(found.to_json(), ensure_ascii=False, indent=1).encode())
    return found


def reckon_if_due(operation: Operation, now: datetime) -> str:
    """`reckon` where no calendar was computed for what serves, or that is a season ago; in a sentence what came of it.

    Members that were only learnt anew age as they did before, so that their calendar stays.
    """
    release, found = champion(operation.store), reckoned(operation.store)
    if (
        found is not None
        and now - found.made < STALE
        and found.release in (release.number, *_learnt_from(operation.store, release))
    ):
        return f"the calendar of release {found.release} stands"
    try:
        made = reckon(operation, now)
    except InputError as error:
        if error.code not in ("CADENCE-NO-TIME", "CADENCE-SHORT"):
            raise
        return f"no calendar: {error.given}"
    cadence = made.cadence
    told = f"every {counted(cadence.period, 'step')}" if cadence.period else f"at leads {', '.join(map(str, cadence.leads))}"
    return f"calendar of release {made.release}: {told}, {cadence.why}"


def _learnt_from(store: Path, release: Release) -> Iterator[int]:
    """The releases whose members this one has, learnt anew."""
    known = {one.number: one for one in releases(store)}
    relearnt: Mapping[str, Any] = release.manifest.get("relearnt", {})
    while relearnt:
        number = int(relearnt["from"])
        yield number
        relearnt = known[number].manifest.get("relearnt", {}) if number in known else {}


def reckoned(store: Path) -> Reckoned | None:
    """The calendar that was computed last; None where none was."""
    path = store / FILE
    if not path.is_file():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    told["cadence"]["leads"] = tuple(told["cadence"]["leads"])
    parts = {"curve": Curve(**told["curve"]), "cadence": Cadence(**told["cadence"]), "price": Price(**told["price"])}
    return Reckoned(**{**told, **parts, "made": datetime.fromisoformat(told["made"])})


def calendar(operation: Operation, now: datetime) -> Sequence[datetime]:
    """The moments from ``now`` on at which a refresh is due, two months ahead; every day where no cadence was computed."""
    found = reckoned(operation.store)
    if found is None:
        return _every(timedelta(days=1), now, now)
    step = timedelta(seconds=found.step)
    if found.cadence.period:
        return _every(found.cadence.period * step, found.made, now)
    days = days_that_count(operation.spec)
    dues = {_due(day, lead * step) for day in days for lead in (found.horizon, *found.cadence.leads)}
    return sorted(due for due in dues if now <= due <= now + AHEAD)


def _every(gap: timedelta, start: datetime, now: datetime) -> list[datetime]:
    """Every ``gap`` from the day of ``start`` on; whole days are due at `HOUR`."""
    first = start.replace(hour=HOUR, minute=0, second=0, microsecond=0) if gap >= timedelta(days=1) else start
    skipped = max(0, -((first - now) // gap))
    found = [first + (skipped + place) * gap for place in range(int(AHEAD / gap) + 2)]
    return [moment for moment in found if now <= moment <= now + AHEAD]


def _due(day: date, before: timedelta) -> datetime:
    return datetime(day.year, day.month, day.day, HOUR, tzinfo=UTC) - before


def days_that_count(spec: Spec) -> Sequence[date]:
    """The days the spec names; none where every day counts.

    Raises:
        InputError: ``CADENCE-DAYS``, the file of days is not there or lacks its column.
    """
    days = spec.operate.refresh.days
    if not isinstance(days, DayFile):
        return () if days == "every" else days
    path = spec.base / days.file
    try:
        table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, try_parse_dates=True)
        found: list[date] = table[days.column].cast(pl.Date).drop_nulls().unique().sort().to_list()
    except (OSError, pl.exceptions.PolarsError) as error:
        given = f"operate.refresh.days names column '{days.column}' of {days.file}: {str(error).splitlines()[0]}"
        raise InputError("CADENCE-DAYS", given, "it names a CSV or Parquet file with a column of dates", "check both") from error
    return found


def price_of(spec: Spec, kpi: Kpi, step: timedelta) -> Price:
    """What the spec says things cost: the worth of the KPI is by the year, and a step of the data bears its share of it."""
    refresh = spec.operate.refresh
    unit = 0.01 if METRICS[leading_metric(kpi)].unit == "share" else 1.0
    point = kpi.worth.per_point / unit * (step / YEAR) if kpi.worth is not None else 0.0
    return Price(refresh.cost, refresh.churn, point, refresh.tolerance)


def longest_period(step: timedelta) -> int:
    """The longest period there may be, in steps: a week of daily data, a day of finer ones, a month of coarser ones."""
    usual = timedelta(weeks=1) if step >= timedelta(days=1) else timedelta(days=1)
    return max(1, round(usual / step)) if step < timedelta(weeks=1) else 4


def _first(spec: Spec) -> Kpi:
    return leading_kpi(spec.kpis, spec.kpis[0].target or spec.targets[0], spec.targets) or spec.kpis[0]


def _step(times: Sequence[Any]) -> timedelta:
    """The usual distance between two known times; a day where the data count steps."""
    gaps = [newer - older for older, newer in pairwise(times)][-100:]
    middle = sorted(gaps)[len(gaps) // 2]
    return middle if isinstance(middle, timedelta) else timedelta(days=1)
