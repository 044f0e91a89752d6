"""Step 7, operate: what is released, on which evidence, and what it predicts.

The step says what the release is; `sevenstep.live` numbers it and moves the champion.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from sevenstep.chapter import Block, Chapter, Column, Figure, Notes, Table
from sevenstep.data.dataset import Dataset
from sevenstep.errors import InputError, InputWarning
from sevenstep.search.kpis import KpiState, gate_of, leading_kpi
from sevenstep.spec.brief import Brief
from sevenstep.tasks.contract import Model, Task, predictions_made
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.wording import counted
from sevenstep.work import Artifact, Leaves, Workbench

__all__ = ["run"]


def run(brief: Brief, inputs: Mapping[str, Artifact], task: Task, bench: Workbench) -> Leaves:
    """The release: model, KPI states and input schema; and the predictions for rows that wait for one."""
    bench.say("predicting what is open")
    tune = inputs["tune"]
    model = task.load_model(tune.folder("model"))
    states: list[dict[str, Any]] = tune.json("kpis")
    data = Dataset.load(inputs["collect"].folder("dataset"))
    made = _predicted(model, data)
    gate = gate_of([KpiState(**state) for state in states])
    release = {
        "project": brief.name,
        "task": task.grammar.task,
        "model": tune.fingerprint,
        "kpis": states,
        "gate": gate,
        "card": tune.json("card") | {"charter": brief.charter.model_dump()},
        "input_schema": dict(model.input_schema()),
    }
    blocks: list[Block] = [
        _thread(brief, inputs, states),
        *_doubts(made),
        *task.pictures("operate", data, ScoreTable(tune.frame("scores")), brief, model),
        _schema(release),
    ]
    return Leaves(
        json={"release": release},
        frames={} if made.frame is None else {"predictions": made.frame},
        headline=_headline(states, made),
        gate=gate,
        chapter=Chapter("operate", "Operate", _answer(states, made), gate, blocks),
    )


_NOTHING_TO_PREDICT = ("PREDICT-NO-ROWS", "PREDICT-BLANK")  # no fault of the run: a release predicts what is given later


@dataclass(frozen=True)
class _Made:
    """Predictions (None where there are none, and ``why``), how many are for rows of the data, and what makes them worth less."""

    frame: pl.DataFrame | None
    waited: int = 0
    why: str = ""
    doubts: Sequence[str] = ()

    def counted(self) -> str:
        """How many predictions there are, in words; only where there are some."""
        assert self.frame is not None
        return counted(predictions_made(self.frame), "prediction")


def _predicted(model: Model, data: Dataset) -> _Made:
    """Predictions for the open rows, or for what comes next where none are open."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", InputWarning)
            frame = model.predict()
    except InputError as error:
        if error.code not in _NOTHING_TO_PREDICT:
            raise
        return _Made(None, why=f"{error.given}; {error.fix}")
    doubts = [str(warning.message) for warning in caught if issubclass(warning.category, InputWarning)]
    return _Made(frame, _of_rows(frame, data), doubts=doubts)


def _of_rows(frame: pl.DataFrame, data: Dataset) -> int:
    """How many of the predictions are for rows that are in the data."""
    roles = data.roles
    names = [name for name in (*roles.keys, *roles.time_parts.values(), roles.time) if name in frame.columns]
    known = data.items.select(names) if names else data.items.head(0)
    return len(frame.join(known, on=names, how="semi", nulls_equal=True)) if names else len(frame)


def _headline(states: Sequence[Mapping[str, Any]], made: _Made) -> str:
    met = sum(state["state"] == "met" for state in states)
    return f"{met} of {counted(len(states), 'KPI')} met; {made.why if made.frame is None else f'{made.counted()} made'}"


def _answer(states: Sequence[Mapping[str, Any]], made: _Made) -> str:
    missed = [state["id"] for state in states if state["state"] != "met"]
    short = f"The model is released, but {_listed(missed)} {'is' if len(missed) == 1 else 'are'} not met."
    text = short if missed else "The model is released with every KPI met."
    if made.frame is None:
        return f"{text} No predictions yet: {made.why}."
    waited = "rows of the data that wait for one" if made.waited else "what comes after the data, in which no row waits for one"
    return f"{text} It made {made.counted()}, for {waited}."


def _listed(names: Sequence[str]) -> str:
    """``the goal of accuracy``, ``the goals of accuracy and percent``."""
    *first, last = names or [""]
    return f"the goals of {', '.join(first)} and {last}" if first else f"the goal of {last}"


def _doubts(made: _Made) -> list[Block]:
    items = [{"text": f"{doubt[0].upper()}{doubt[1:]}.", "evidence": "", "tone": "warn"} for doubt in made.doubts]
    return [Notes("What makes predictions worth less", items)] if items else []


def _thread(brief: Brief, inputs: Mapping[str, Artifact], states: Sequence[Mapping[str, Any]]) -> Figure:
    """Each KPI from what was expected before training to what was reached."""
    expected = {item["kpi"]: item for item in inputs["define"].json("charter")["kpis"]}
    boards = inputs["train"].json("leaderboard")
    rows = []
    for state in states:
        before = expected[state["id"]]
        rows.append(_stage("define: expected", state, before["reachable"], before["low"], before["high"], ""))
        leads = leading_kpi(brief.kpis, state["target"], brief.targets)
        if leads is not None and leads.id == state["id"]:
            best = boards[state["target"]]["standings"][0]["estimate"]
            rows.append(_stage("train: best candidate", state, best["value"], best["low"], best["high"], ""))
        rows.append(_stage("tune: final model", state, state["value"], state["low"], state["high"], state["state"]))
    return Figure(
        "The KPI thread",
        "thread",
        rows,
        "",
        "KPI",
        "category",
        caption="One KPI from charter to release: the same id, the same goal.",
    )


def _stage(stage: str, state: Mapping[str, Any], value: Any, low: Any, high: Any, reached: str) -> dict[str, Any]:
    return {
        "stage": stage, "kpi": state["id"], "value": value, "low": low, "high": high, "state": reached,
        "goal": state["goal_value"], "metric": state["metric"],
    }  # fmt: skip


def _schema(release: Mapping[str, Any]) -> Table:
    rows = [{"column": name, "type": kind} for name, kind in release["input_schema"].items()]
    return Table("What a row to be predicted must have", [Column("column", "Column"), Column("type", "Type")], rows)
