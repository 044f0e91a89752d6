"""Retraining: the seven steps on grown data make a challenger, which serves when it is better on rows neither has learnt from."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa

from sevenstep.engine.results import RunResult
from sevenstep.engine.run import RunRequest, run_then
from sevenstep.engine.store import Store
from sevenstep.errors import InputError
from sevenstep.live.grown import Grown, grown
from sevenstep.live.ledger.decisions import decide, read_decisions
from sevenstep.live.operation import Operation
from sevenstep.live.pointers import CHALLENGER, challenge, move, pointed, served, settle
from sevenstep.live.releases import Release, as_flags, champion, noted, release_beside, releases
from sevenstep.search.leaderboard import Leaderboard, Standing, leaderboard
from sevenstep.spec.model import Kpi
from sevenstep.stats.wording import difference
from sevenstep.tasks.contract import Model
from sevenstep.tasks.leading import leading_kpi, leading_metric
from sevenstep.tasks.scoretable import ScoreTable, join_score_tables
from sevenstep.wording import counted

__all__ = ["Retrained", "Verdict", "prune", "retrain"]

_CHAMPION, _CHALLENGER = "champion", "challenger"


@dataclass(frozen=True)
class Verdict:
    """How challenger and champion compare on the rows held back.

    Args:
        better: whether the challenger is to serve.
        reason: why, in a sentence.
        boards: for each target the comparison (`search.leaderboard.Leaderboard`), as JSON values.
    """

    better: bool
    reason: str
    boards: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Retrained:
    """What a retraining came to.

    Args:
        challenger: number of the release it made.
        champion: number of the release that serves now.
        outcome: ``promoted``, ``proposed`` (a person is to decide) or ``kept``.
        verdict: the comparison.
        rows: rows it was judged on.
    """

    challenger: int
    champion: int
    outcome: str
    verdict: Verdict
    rows: int

    def to_json(self) -> dict[str, Any]:
        """The outcome as JSON values."""
        return asdict(self)


def retrain(
    operation: Operation, now: datetime, actor: str = "owner", overrides: Sequence[str] = (), *, quiet: bool = True
) -> Retrained:
    """Make a challenger from the data as it has grown, compare it with the champion, and let it serve where it is better.

    The newest part of what was observed is held back from the challenger (see `grown`); champion and challenger predict it from
    the same knowledge, paired row by row. The rule is that of every choice here: what cannot be told apart goes to the cheaper,
    which is what serves already. With ``operate.retrain.approve: owner`` a better challenger is proposed; a person promotes it.

    Args:
        operation: the project after release.
        now: the moment of the retraining; nothing published later is read.
        actor: who asks for it: ``owner`` or ``rule``.
        overrides: what ``--set`` changed in the spec; the champion must have been made with the same.
        quiet: show no progress.

    Raises:
        InputError: there is no sound champion, it was made with other overrides (``RETRAIN-OTHER``), nothing new was observed
            (``RETRAIN-NOTHING-NEW``), another run holds the store, or the grown data break the contract.
    """
    settle(operation)
    standing = champion(operation.store).verified()
    _same_overrides(standing, overrides)
    with operation.ledger.reading() as connection:
        data = grown(operation, connection, now)
    release = _challenger(operation, data, overrides, quiet=quiet)
    verdict = _verdict(operation, data, standing, release)
    return _decided(operation, now, actor, data, standing, release, verdict)


def _same_overrides(standing: Release, overrides: Sequence[str]) -> None:
    if standing.overrides != noted(overrides):
        flags = as_flags(standing.overrides) or "no --set"
        given = f"the champion, release {standing.number}, was made with {flags}"
        rule = "a challenger is made as the champion was, from newer data"
        raise InputError("RETRAIN-OTHER", given, rule, f"use {flags}, or run sevenstep run for a champion of another spec")


def _challenger(operation: Operation, data: Grown, overrides: Sequence[str], *, quiet: bool) -> Release:
    """Run the steps on the grown data and release the model beside the champion, while the store is held."""
    store = operation.store

    def ending(result: RunResult) -> Release:
        made = {step.name: step.fingerprint for step in result.steps}
        prune(operation)
        kept = Store(store)
        return release_beside(store, kept.open(made["operate"]), kept.open(made["tune"]), overrides, made["collect"])[0]

    request = RunRequest(data.spec, operation.task.grammar, lambda: operation.task, store, anyway=True, quiet=quiet)
    return run_then(request, ending)


def _verdict(operation: Operation, data: Grown, standing: Release, release: Release) -> Verdict:
    """Both judged on the rows held back, each target by its leading KPI."""
    spec, targets = operation.spec, operation.spec.targets
    old, new = (operation.task.load_model(one.model_folder) for one in (standing, release))
    old = old.refresh(data.known) if len(data.known) else old
    by_time = operation.task.grammar.one_row_per_time
    judge = old.refresh(data.held) if by_time else old
    tables = [
        _named(judge.judge(_made(model, data.held, targets, operation, by_time=by_time)), name)
        for name, model in ((_CHAMPION, old), (_CHALLENGER, new))
    ]
    scores = join_score_tables(tables)
    boards = {target: _board(scores.of(target=target), leading_kpi(spec.kpis, target, targets), spec.seed) for target in targets}
    return _of_boards({target: board for target, board in boards.items() if board is not None})


def _made(model: Model, held: pl.DataFrame, targets: Sequence[str], operation: Operation, *, by_time: bool) -> pl.DataFrame:
    """What a model says of the rows held back, with their truth."""
    if not by_time:
        return model.predict(held.drop(targets)).with_columns(held[targets[0]].alias("truth"))
    named = [*operation.spec.data.series, operation.time]
    truth = held.unpivot(list(targets), index=named, variable_name="target", value_name="truth").drop_nulls("truth")
    made = model.outlook()
    return made.join(
        truth.cast({name: made.schema[name] for name in named}), on=[*named, "target"], how="inner", nulls_equal=True
    )


def _named(table: ScoreTable, name: str) -> ScoreTable:
    return ScoreTable(table.frame.with_columns(pl.lit(name).alias("candidate")))


def _board(scores: ScoreTable, kpi: Kpi | None, seed: int) -> Leaderboard | None:
    if kpi is None or scores.frame.is_empty():
        return None
    costs = {_CHAMPION: 0.0, _CHALLENGER: 1.0}
    return leaderboard(scores, leading_metric(kpi), baseline=None, costs=costs, seed=seed, min_gain=kpi.min_gain)


def _of_boards(boards: Mapping[str, Leaderboard]) -> Verdict:
    """Better where it is for one target at least, and for none is measurably worse."""
    told = {target: asdict(board) for target, board in boards.items()}
    if not any(board.best for board in boards.values()):
        return Verdict(False, "no row that was held back could be predicted by both", told)
    lost = [target for target, board in boards.items() if board.best == _CHAMPION and _measurable(board)]
    won = [target for target, board in boards.items() if board.best == _CHALLENGER and _worth_it(board)]
    reasons = "; ".join(f"{target}: {_said(board)}" for target, board in boards.items() if board.best)
    return Verdict(bool(won) and not lost, reasons, told)


def _comparison(board: Leaderboard) -> Standing | None:
    """The one that is not the best, with its comparison to the best."""
    return next((standing for standing in board.standings if standing.candidate != board.best), None)


def _measurable(board: Leaderboard) -> bool:
    """Whether the best is better beyond noise."""
    other = _comparison(board)
    return other is not None and not other.same_as_best


def _worth_it(board: Leaderboard) -> bool:
    """Whether a better challenger is to serve: better beyond noise, and by what the KPI asks for where it states that; a stated
    smallest gain that is reached counts without a test. What cannot be told apart stays with the champion.
    """
    other = _comparison(board)
    gain = other.against_best.gain if other is not None and other.against_best is not None else None
    if gain is None:
        return False
    return _measurable(board) if board.min_gain is None else gain >= board.min_gain


def _said(board: Leaderboard) -> str:
    """The comparison in words: who is better by how much, and whether that can be told from noise."""
    other = _comparison(board)
    found = other.against_best if other is not None else None
    if found is None or found.gain is None:
        return f"{board.metric} could not be compared"
    if found.gain == 0:
        return f"champion and challenger have the same {board.metric}"
    ends = ""
    if found.low is not None and found.high is not None and found.p is not None:
        low, high = (difference(end, board.metric).removesuffix(" points") for end in (found.low, found.high))
        ends = f" ({100 * found.level:.0f} % interval {low} to {high}, p {found.p:.2g})"
    noise = "beyond noise" if _measurable(board) else "which cannot be told from noise"
    return f"the {board.best} is better by {difference(found.gain, board.metric)} of {board.metric}{ends}, {noise}"


def _decided(
    operation: Operation, now: datetime, actor: str, data: Grown, standing: Release, release: Release, verdict: Verdict
) -> Retrained:
    """The decision with its evidence, and the pointers it moves, as one transaction."""
    approve = operation.spec.operate.retrain.approve
    outcome = (
        "kept" if not verdict.better or release.number == standing.number else "promoted" if approve == "rule" else "proposed"
    )
    evidence = {
        "outcome": outcome, "reason": verdict.reason, "boards": verdict.boards, "held_rows": len(data.held), "held": data.since,
        "observed": data.observed, "against": standing.number,
    }  # fmt: skip
    number, held = release.number, counted(len(data.held), "row")
    with operation.ledger.writing() as connection:
        before = pointed(connection)
        if not _is_decided(connection, number, data.observed):
            text = f"release {number} challenges release {standing.number} on {held}: {outcome}"
            decide(connection, now, actor, "retrain", f"release {number}", text, evidence)
            if outcome == "promoted":
                said = ("promote", "rule", f"release {number} serves: {verdict.reason}")
                move(connection, release, before, said, now, evidence)
            elif number != before:
                challenge(connection, number if outcome == "proposed" else None, now)
        serves = pointed(connection)
    settle(operation)
    return Retrained(number, serves or number, outcome, verdict, len(data.held))


def _is_decided(connection: sa.Connection, number: int, observed: int) -> bool:
    """Whether this challenger was decided on from the same observations: a repeated command decides nothing anew."""
    return any(
        decision.kind == "retrain" and decision.subject == f"release {number}" and decision.evidence["observed"] == observed
        for decision in read_decisions(connection)
    )


def prune(operation: Operation) -> Sequence[int]:
    """Remove releases nobody can roll back to or ask for; the caller holds the store. Returns their numbers.

    Kept are champion, challenger, the last ``operate.retrain.keep`` that served, the newest one made with each set of overrides,
    and the newest of all, whose number must not be given again.
    """
    with operation.ledger.reading() as connection:
        named = {pointed(connection), pointed(connection, CHALLENGER)}
        named |= set(served(connection)[-operation.spec.operate.retrain.keep :])
    there = releases(operation.store)
    named |= {one.number for one in {one.overrides: one for one in there if one.overrides}.values()}
    named |= {one.number for one in there[-1:]}
    gone = [one for one in there if one.number not in named]
    for one in gone:
        _remove(one.folder)
    return [one.number for one in gone]


def _remove(folder: Path) -> None:
    """The folder is renamed first: a crash leaves no half release."""
    leaving = folder.with_name(f"{folder.name}.partial")
    folder.rename(leaving)
    shutil.rmtree(leaving)
