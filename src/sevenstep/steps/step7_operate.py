"""Step 7, operate: what is released, on which evidence, and what it predicts.

The step says what the release is; `sevenstep.live` numbers it and moves the champion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from sevenstep.chapter import Block, Chapter, Column, Figure, Table
from sevenstep.data.dataset import Dataset
from sevenstep.errors import InputError
from sevenstep.search.kpis import KpiState, gate_of, leading_kpi
from sevenstep.spec.brief import Brief
from sevenstep.steps.words import counted
from sevenstep.tasks.contract import Model, Task
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.work import Artifact, Leaves, Workbench

__all__ = ["run"]


def run(brief: Brief, inputs: Mapping[str, Artifact], task: Task, bench: Workbench) -> Leaves:
    """The release: model, KPI states and input schema; and the predictions for rows that wait for one."""
    bench.say("predicting what is open")
    tune = inputs["tune"]
    model = task.load_model(tune.folder("model"))
    states: list[dict[str, Any]] = tune.json("kpis")
    predictions, why = _predicted(model)
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
    data = Dataset.load(inputs["collect"].folder("dataset"))
    scores = ScoreTable(tune.frame("scores"))
    blocks: list[Block] = [
        _thread(brief, inputs, states),
        *task.pictures("operate", data, scores, brief, model),
        _schema(release),
    ]
    frames = {} if predictions is None else {"predictions": predictions}
    return Leaves(
        json={"release": release},
        frames=frames,
        headline=_headline(states, predictions, why),
        gate=gate,
        chapter=Chapter("operate", "Operate", _answer(states, predictions, why), gate, blocks),
    )


def _predicted(model: Model) -> tuple[pl.DataFrame | None, str]:
    """Predictions for the open rows, or the reason why there are none."""
    try:
        return model.predict(), ""
    except InputError as error:
        if error.code != "PREDICT-NO-ROWS":
            raise
        return None, f"{error.given}; {error.fix}"


def _headline(states: Sequence[Mapping[str, Any]], predictions: pl.DataFrame | None, why: str) -> str:
    met = sum(state["state"] == "met" for state in states)
    made = f"{counted(len(predictions), 'prediction')} made" if predictions is not None else why
    return f"{met} of {counted(len(states), 'KPI')} met; {made}"


def _answer(states: Sequence[Mapping[str, Any]], predictions: pl.DataFrame | None, why: str) -> str:
    missed = [state["id"] for state in states if state["state"] != "met"]
    text = (
        "The model is released with every KPI met." if not missed else f"The model is released, but {', '.join(missed)} not met."
    )
    made = f" It made {counted(len(predictions), 'prediction')} for rows that wait for one." if predictions is not None else ""
    return text + (made or f" No predictions yet: {why}.")


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
