"""One look at a project after release: everything that is watched, the alarms that follow, and who is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from sevenstep.live.alarms import Alarm, mark_told, raise_alarm, read_alarms, settle_unseen, untold
from sevenstep.live.channels import tell
from sevenstep.live.check import SHARES, Check
from sevenstep.live.monitor.contracted import contract_checks, newest_arrival
from sevenstep.live.monitor.daily import day_of
from sevenstep.live.monitor.drifting import input_checks, prediction_checks
from sevenstep.live.monitor.estimating import class_names, estimate_checks, probabilities
from sevenstep.live.monitor.performance import LiveKpi, coverage_checks, keep_figures, kpi_checks, live_kpis
from sevenstep.live.monitor.questions import question_checks, question_references
from sevenstep.live.monitor.references import references, values_of
from sevenstep.live.monitor.released import Released
from sevenstep.live.monitor.scored import scored
from sevenstep.live.monitor.served import SPAN, newest_forecasts, newest_inputs, served
from sevenstep.live.monitor.shifts import shift_checks
from sevenstep.live.monitor.silence import feed_checks, rhythms, series_checks
from sevenstep.live.observing import newest
from sevenstep.live.operation import Operation
from sevenstep.live.pointers import settle
from sevenstep.live.releases import champion
from sevenstep.live.scoring import live_scores
from sevenstep.live.standing import Standing
from sevenstep.tasks.answers import Answers
from sevenstep.wording import counted

__all__ = ["Watch", "monitor"]

LABELS = 4
"""Times `SPAN` within which predictions served are scored, where rows have no times: labels take their time to come."""


@dataclass(frozen=True)
class Watch:
    """What a look found.

    Args:
        made: when.
        release: number of the champion.
        kpis: each KPI on live rows.
        checks: everything that was looked at, alarm or not.
        alarms: alarms that are alive, those raised by this look first.
        new: numbers of the alarms raised, or opened again, by this look.
        ended: alarms that ended by themselves.
        notes: channels that could not be told.
    """

    made: datetime
    release: int
    kpis: Sequence[LiveKpi]
    checks: Sequence[Check]
    alarms: Sequence[Alarm]
    new: Sequence[int]
    ended: Sequence[Alarm]
    notes: Sequence[str]

    @property
    def open(self) -> Sequence[Alarm]:
        """Alarms that nobody has acknowledged or snoozed."""
        return [alarm for alarm in self.alarms if alarm.state == "open"]

    def __str__(self) -> str:
        measured = sum(one.state.value is not None for one in self.kpis)
        said = f"{counted(measured, 'KPI')} measured, {counted(len(self.open), 'alarm')} open"
        first = next((alarm.text for alarm in self.alarms if alarm.number in self.new), "")
        return f"{said}; new: {first}" if first else said

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON values."""
        about = ("kind", "kpi", "subject", "text", "alarm", "cause")
        checks = [{**{name: getattr(one, name) for name in about}, **one.figures()} for one in self.checks]
        return {
            "made": self.made.isoformat(),
            "release": self.release,
            "kpis": [one.to_json() for one in self.kpis],
            "checks": checks,
            "alarms": [alarm.to_json() for alarm in self.alarms],
            "new": list(self.new),
            "ended": [alarm.to_json() for alarm in self.ended],
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class _Look:
    """What was looked at: ``looked`` tells for each kind which data were seen, so that the same data count once."""

    kpis: Sequence[LiveKpi]
    checks: Sequence[Check]
    looked: Mapping[str, str]


def monitor(operation: Operation, now: datetime, last: Standing | None = None) -> Watch:
    """Look at everything that is watched, keep figures and alarms in the ledger, and tell the channels what is new.

    The share of looks at sound data that raise an alarm is at most ``operate.alarms.false_alarms``, over all that is looked at
    (`SHARES`). Each day of live rows is scored once, so that a look is cheap and may be taken often.

    Args:
        operation: the project after release.
        now: the moment; nothing published or made later is seen.
        last: where the newest refresh left off, which spares loading the champion.

    Raises:
        InputError: there is no release, or not all of it.
    """
    settle(operation)
    released = Released.of(operation, champion(operation.store))
    with operation.ledger.reading() as connection:
        look = _look(operation, connection, released, now, last)
    with operation.ledger.writing() as connection:
        keep_figures(connection, look.kpis, released.release.number, now)
        ended = _recorded(connection, look, now)
        waiting = untold(connection)
    notes = tell(operation.spec, operation.store, waiting, now)
    with operation.ledger.writing() as connection:
        mark_told(connection, [alarm.number for alarm in waiting], now)
        alive = read_alarms(connection)
    new = [alarm.number for alarm in waiting]
    ordered = sorted(alive, key=lambda alarm: (alarm.number not in new, alarm.state != "open", -alarm.number))
    return Watch(now, released.release.number, look.kpis, look.checks, ordered, new, ended, notes)


def _recorded(connection: sa.Connection, look: _Look, now: datetime) -> Sequence[Alarm]:
    """Raise what alarms and count clean looks; the alarms that ended."""
    found = [check for check in look.checks if check.alarm]
    for check in found:
        raise_alarm(connection, check, now, look.looked.get(check.kind, ""))
    return settle_unseen(connection, look.looked, [check.name for check in found], now)


def _look(operation: Operation, connection: sa.Connection, released: Released, now: datetime, last: Standing | None) -> _Look:
    spec = operation.spec
    by_time = operation.task.grammar.one_row_per_time
    live = scored(operation, connection, released, now, last) if by_time else _labelled(operation, connection, released, now)
    kpis = live_kpis(spec, live, released)
    share = {kind: spec.operate.alarms.false_alarms * part for kind, part in SHARES.items()}
    of_live = [
        *kpi_checks(spec, kpis, live, released, share["kpi"]),
        *coverage_checks(spec, live, released, share["coverage"]),
        *shift_checks(spec, live, released, share["shift"]),
    ]
    newest_day = "" if live.is_empty() else str(live.select(day_of(live).max().alias("day"))["day"][0])
    looked = dict.fromkeys(("kpi", "coverage", "shift"), f"{newest_day} {len(live)}") if len(live) else {}
    of_inputs = _inputs_by_time(operation, connection, released, now, share, last) if by_time else []
    of_served = [] if by_time else _served(operation, connection, released, now, share)
    seen = str(newest(connection, now))
    if of_inputs or of_served:
        looked |= dict.fromkeys(("drift", "predictions"), seen if by_time else _number(of_served, now))
    arrived = newest_arrival(connection, now)
    arrival_checks = contract_checks(connection, spec.kpis[0].id, now)
    if arrived is not None:
        looked |= {"contract": str(arrived[0]), "silent": str(arrived[0])}
    if any(check.kind == "estimate" for check in of_served):
        looked["estimate"] = looked["predictions"]
    silent = list(_silent(operation, connection, released, now, share["silent"], by_time=by_time))
    return _Look(kpis, [*of_live, *of_inputs, *of_served, *arrival_checks, *silent], looked)


def _number(checks: Sequence[Check], now: datetime) -> str:
    return f"{now:%Y-%m-%d} {sum(check.n for check in checks)}"


def _labelled(operation: Operation, connection: sa.Connection, released: Released, now: datetime) -> pl.DataFrame:
    """Predictions the champion served whose label has come."""
    found = live_scores(operation, connection, now - LABELS * SPAN, now, now)
    if found is None:
        return pl.DataFrame(schema={"time": pl.Date})
    return found.frame.filter(pl.col("fold") == released.release.number)


def _inputs_by_time(
    operation: Operation,
    connection: sa.Connection,
    released: Released,
    now: datetime,
    share: Mapping[str, float],
    last: Standing | None,
) -> list[Check]:
    kept, kpi = references(operation.store, released), operation.spec.kpis[0].id
    rows = newest_inputs(operation, connection, released, released.window, now, last)
    found = input_checks(kept, rows, operation.time, kpi, share["drift"]) if len(rows) else []
    made = newest_forecasts(operation, connection, released, now)
    if made is None or made.is_empty():
        return found
    for target in operation.spec.targets:
        own = made.filter(pl.col("target") == target) if "target" in made.columns else made
        days = own.select(day_of(own, operation.time).rank("dense").cast(pl.Int64).alias("day"))["day"].to_numpy()
        columns = {target: values_of(own["prediction"])}
        part = share["predictions"] / len(operation.spec.targets)
        found += prediction_checks(kept, columns, {target: target}, days, kpi, part)
    return found


def _served(
    operation: Operation, connection: sa.Connection, released: Released, now: datetime, share: Mapping[str, float]
) -> list[Check]:
    rows, kpi = served(connection, released.release.number, now), operation.spec.kpis[0].id
    if not rows:
        return []
    if released.collected.beside:
        return _asked(operation, released, rows, kpi, share)
    kept, schema = references(operation.store, released), dict(released.collected.schema)
    inputs = pl.DataFrame([row["inputs"] for row in rows], infer_schema_length=None, strict=False)
    typed = inputs.select(pl.col(name).cast(schema[name], strict=False) for name in inputs.columns if name in schema)
    found = input_checks(kept, typed, "", kpi, share["drift"])
    names = class_names(rows, released)
    if names:
        told = probabilities(rows, names)
        columns = {str(place): told[:, place] for place in range(len(names))}
        labels = {str(place): f"class {name}" for place, name in enumerate(names)}
        found += prediction_checks(kept, columns, labels, None, kpi, share["predictions"])
        return [*found, *estimate_checks(operation.spec, rows, released, share["estimate"])]
    target = operation.spec.targets[0]
    numbers = pl.Series("prediction", [row["prediction"] for row in rows], dtype=pl.Float64, strict=False)
    return [*found, *prediction_checks(kept, {target: values_of(numbers)}, {target: target}, None, kpi, share["predictions"])]


def _asked(
    operation: Operation, released: Released, rows: Sequence[Mapping[str, Any]], kpi: str, share: Mapping[str, float]
) -> list[Check]:
    """Questions that were answered; the model describes them, so it is loaded."""
    model = operation.task.load_model(released.release.model_folder)
    if not isinstance(model, Answers):
        return []
    kept = references(operation.store, released, lambda: question_references(released, model))
    return question_checks(kept, rows, model, kpi, share)


def _silent(
    operation: Operation, connection: sa.Connection, released: Released, now: datetime, alpha: float, *, by_time: bool
) -> Iterator[Check]:
    kpi = operation.spec.kpis[0].id
    yield from feed_checks(connection, kpi, now, alpha / 2)
    if by_time and released.collected.roles.time is not None:
        yield from series_checks(rhythms(operation.store, released), connection, released, kpi, now, alpha / 2)
