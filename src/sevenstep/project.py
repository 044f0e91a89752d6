"""The Python face: a project is a folder (or a spec file) that can be planned, run, shown, and asked for predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sevenstep.chapter import Chapter
from sevenstep.endpoints.keeping import keep_calls
from sevenstep.engine.durable import replace_file
from sevenstep.engine.results import RunResult, StepResult
from sevenstep.engine.run import RunRequest, run_then
from sevenstep.engine.store import Store
from sevenstep.errors import InputError
from sevenstep.spec.read import read_spec
from sevenstep.spec.resolve import Resolved, resolve
from sevenstep.tasks.registry import grammars, load_task

if TYPE_CHECKING:
    import polars as pl

    from sevenstep.engine.artifact import StoredArtifact
    from sevenstep.live.labels import Labels
    from sevenstep.live.ledger.decisions import Decisions
    from sevenstep.live.monitor.watch import Watch
    from sevenstep.live.operation import Operation
    from sevenstep.live.recording import Arrival
    from sevenstep.live.refreshing import Version
    from sevenstep.live.releases import Release
    from sevenstep.live.retraining import Retrained
    from sevenstep.spec.model import Spec
    from sevenstep.tasks.abilities import WhatIf
    from sevenstep.tasks.answers import Answer
    from sevenstep.tasks.contract import Explanation

__all__ = ["Project", "Run"]

REPORT, QUARANTINE, QUARANTINE_STAMP = "report.html", "quarantine.parquet", "quarantine-stamp.txt"


@dataclass(frozen=True)
class Run:
    """What a run came to: its steps, where the report is, and every step's artifact by name.

    ``release`` is the number of its release, and ``champion`` of the one that serves; None where the run released nothing.

    In a notebook it shows the chapters; in a terminal it prints one line per step.
    """

    result: RunResult
    store: Path
    report: Path | None
    release: int | None
    champion: int | None = None

    @property
    def status(self) -> str:
        """``done``, ``missed`` (a KPI) or ``no_go``."""
        return self.result.status

    @property
    def steps(self) -> Sequence[StepResult]:
        """One entry per step: headline, gate, seconds, whether it came from the cache."""
        return self.result.steps

    def step(self, name: str) -> StoredArtifact:
        """What a step left, to be read with ``.json(name)``, ``.frame(name)``, ``.folder(name)`` and ``.chapter()``."""
        found = next((step for step in self.result.steps if step.name == name), None)
        if found is None:
            rule = f"this run has {', '.join(step.name for step in self.result.steps)}"
            raise InputError("RUN-NO-STEP", f"step '{name}' was not run", rule, "run it with until=None")
        return Store(self.store).open(found.fingerprint)

    @property
    def kpis(self) -> pl.DataFrame:
        """Where each KPI stands, one row each."""
        import polars as pl

        return pl.DataFrame(self.step("tune").json("kpis"), infer_schema_length=None)

    @property
    def predictions(self) -> pl.DataFrame:
        """Predictions for the rows that waited for one."""
        return self.step("operate").frame("predictions")

    def __repr__(self) -> str:
        return "\n".join(f"{step.name:<8} {step.headline}" for step in self.result.steps)

    def _repr_html_(self) -> str:
        from sevenstep.report.notebook import chapters_html

        return chapters_html(list(chapters_of(self.result, self.store).values()))


def chapters_of(result: RunResult, store: Path) -> dict[str, Chapter]:
    """The chapter of every step of a run that has one."""
    opened = Store(store)
    found = {step.name: opened.open(step.fingerprint).chapter() for step in result.steps}
    return {name: chapter for name, chapter in found.items() if chapter is not None}


class Project:
    """A spec with the store its results go to.

    Args:
        path: the spec file or its folder.
        store: folder for results; ``.sevenstep`` beside the spec when not given.
        overrides: dotted keys with values, as ``--set`` takes them ("forecast.horizon=28"). What a run with overrides releases
            serves projects with the same overrides, and leaves the champion as it is.

    Raises:
        InputError: the spec is not there or not right; all faults at once.
    """

    def __init__(self, path: str | Path, store: str | Path | None = None, overrides: Sequence[str] = ()) -> None:
        self.spec: Spec = read_spec(Path(path), grammars(), overrides)
        self.store = Path(store) if store is not None else self.spec.base / ".sevenstep"
        self.overrides = tuple(overrides)
        keep_calls(self.store)

    @cached_property
    def task(self) -> Any:
        """The task of the spec, loaded when it is first needed."""
        return load_task(self.spec.task)

    @cached_property
    def labels(self) -> Labels:
        """Which labels look wrong, and which rows to label next."""
        from sevenstep.live.labels import Labels

        return Labels(self.spec, self.store, lambda: self.task)

    def run(
        self,
        *,
        until: str | None = None,
        anyway: bool = False,
        quiet: bool = True,
        report: bool = True,
        on_step: Callable[[StepResult], None] = lambda step: None,
    ) -> Run:
        """Run the steps, release the model, write the report.

        Args:
            until: the last step to run; all seven when None.
            anyway: go on although the verdict is ``no_go``.
            quiet: show no progress.
            report: write the report; a run that stops early leaves the report of a whole run as it is.
            on_step: called with each step as it ends.
        """
        grammar = grammars()[self.spec.task]
        request = RunRequest(self.spec, grammar, lambda: self.task, self.store, until, anyway, quiet)
        return run_then(request, lambda result: self._ended(result, report=report, whole=until is None), on_step)

    def _ended(self, result: RunResult, *, report: bool, whole: bool) -> Run:
        """What a run leaves besides its artifacts: a release, the quarantine, the report."""
        made = {step.name: step for step in result.steps}
        release, champion = self._publish(made) if "operate" in made else (None, None)
        self._leave_beside(made)
        wanted = report and (whole or not (self.store / REPORT).exists())
        return Run(result, self.store, self._report(result) if wanted else None, release, champion)

    def _publish(self, made: Mapping[str, StepResult]) -> tuple[int, int]:
        """Number of the release of this run, and of the champion."""
        from sevenstep.live.releases import champion, publish

        store = Store(self.store)
        operate, tune = (store.open(made[name].fingerprint) for name in ("operate", "tune"))
        released = publish(self.store, operate, tune, self.overrides, made["collect"].fingerprint, self._crown)
        return released.number, champion(self.store).number

    def _crown(self, release: Release, new: bool) -> None:
        """Make the release of a run the champion, in the ledger and then for all who predict."""
        from sevenstep.live.pointers import crown_by_run  # late: a run that moves no champion opens no ledger

        with self.operating() as operation:
            crown_by_run(operation, release, datetime.now(UTC), new=new)

    @contextmanager
    def operating(self) -> Iterator[Operation]:
        """The project in operation, its ledger open for as long as the block lasts."""
        from sevenstep.live.operation import Operation

        operation = Operation.of(self.spec, self.store, lambda: self.task)
        try:
            yield operation
        finally:
            operation.ledger.close()

    def _leave_beside(self, made: Mapping[str, StepResult]) -> None:
        """The quarantine of this run, where a person looks for it; the stamp spares an unchanged run the writing."""
        path, stamp = self.store / QUARANTINE, self.store / QUARANTINE_STAMP
        if "collect" not in made:
            return
        made_of = made["collect"].fingerprint
        if path.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == made_of:
            return
        content = BytesIO()
        Store(self.store).open(made_of).frame("quarantine").write_parquet(content)
        replace_file(path, content.getvalue())
        replace_file(stamp, made_of.encode())

    def _report(self, result: RunResult) -> Path | None:
        """The report, rendered again only when something in it changed."""
        from sevenstep.report.write import write_report

        return write_report(self.store / REPORT, self.spec, result, Store(self.store))

    def observe(self, rows: str | Path | Sequence[Mapping[str, Any]], source: str = "python", ids: Sequence[str] = ()) -> Arrival:
        """Take in what was observed after release: actuals, corrections, late rows, or the truth of served predictions.

        See `sevenstep.live.observing.observe`; ``rows`` is a file, or mappings of column and value.
        """
        from sevenstep.live.observing import observe

        given = Path(rows) if isinstance(rows, str) else rows
        with self.operating() as operation:
            return observe(operation, given, source, datetime.now(UTC), ids)

    def decisions(self) -> Decisions:
        """Who or what decided what, when, on which evidence; and where the chain of decisions is broken, if it is."""
        from sevenstep.live.ledger.decisions import Decisions
        from sevenstep.live.pointers import settle

        with self.operating() as operation:
            settle(operation)
            with operation.ledger.reading() as connection:
                return Decisions.of(connection)

    def promote(self, release: int) -> Release:
        """Let a release serve from now on."""
        from sevenstep.live.pointers import promote

        with self.operating() as operation:
            return promote(operation, release, "owner", datetime.now(UTC))

    def rollback(self) -> Release:
        """Let the release serve that served before; damaged ones are passed over."""
        from sevenstep.live.pointers import rollback

        with self.operating() as operation:
            return rollback(operation, "owner", datetime.now(UTC))

    def refresh(self) -> Version:
        """Predict everything open again from what was observed since, without learning anew; each version is kept."""
        from sevenstep.live.monitor.scored import follow
        from sevenstep.live.refreshing import refresh

        with self.operating() as operation:
            version, known = refresh(operation, now := datetime.now(UTC))
            follow(operation, now, known)
            return version

    def monitor(self) -> Watch:
        """How well the champion does on live rows, and what alarms there are."""
        from sevenstep.live.monitor.watch import monitor

        with self.operating() as operation:
            return monitor(operation, datetime.now(UTC))

    def retrain(self, *, quiet: bool = True) -> Retrained:
        """Run the steps on the data as it has grown, and let the new release serve where it is better.

        See `sevenstep.live.retraining.retrain`.
        """
        from sevenstep.live.retraining import retrain

        with self.operating() as operation:
            return retrain(operation, datetime.now(UTC), "owner", self.overrides, quiet=quiet)

    def resolved(self) -> Sequence[Resolved]:
        """Every value of the spec with where it came from."""
        return resolve(self.spec)

    def ask(self, question: str, access: Sequence[str] | None = None) -> Answer:
        """The answer of the champion to a question, with citations, or a refusal; see `sevenstep.tasks.answers.Answers`."""
        from sevenstep.live.predict import load_answering

        return load_answering(self.spec, self.store, self.task, self.overrides)[1].ask(question, access)

    def predict(self, rows: str | Path | None = None, documents: str | Path | None = None) -> pl.DataFrame:
        """Predictions of the champion for the rows of a file, or for the rows whose target is missing; answers to the questions
        of a file, from other ``documents`` where some are given.

        With overrides, the newest release made with the same ones predicts; where there is none, an `InputWarning` says so. What
        makes a prediction worth less, such as a time beyond the horizon, is warned of as well.
        """
        from sevenstep.live.predict import predict

        given, corpus = (None if path is None else Path(path) for path in (rows, documents))
        return predict(self.spec, self.store, self.task, given, self.overrides, corpus).frame

    def explain(self, **item: Any) -> Sequence[Explanation]:
        """What drove the prediction of one item, named by its keys and time (``Store=12, Date="2015-07-01"``)."""
        from sevenstep.live.predict import explain

        return explain(self.store, self.task, item, self.overrides)

    def whatif(
        self, changes: Mapping[str, Any], series: Mapping[str, Any] | None = None, first: Any = None, last: Any = None
    ) -> WhatIf:
        """Predictions of the champion if inputs known ahead were others, beside those as they stand.

        Args:
            changes: input to value (``{"Promo": 1}``).
            series: key or segment to value, to choose series; all of them when not given.
            first: first time meant; the first open one when not given.
            last: last time meant.
        """
        from sevenstep.live.whatif import what_if

        return what_if(self.store, self.task, changes, series or {}, first, last)

    def __repr__(self) -> str:
        return f"Project({self.spec.name!r}, task={self.spec.task!r}, store={str(self.store)!r})"
