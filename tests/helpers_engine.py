"""A toy project whose steps take moments, for the tests of the engine."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pydantic import BaseModel, ConfigDict

from helpers_jobs import square
from sevenstep.chapter import Chapter, Column, Table
from sevenstep.engine.process import Process, Step
from sevenstep.engine.results import RunResult, StepResult
from sevenstep.engine.run import RunRequest, run_steps
from sevenstep.errors import SevenstepError
from sevenstep.spec.model import Spec
from sevenstep.tasks.contract import Grammar
from sevenstep.work import Artifact, Failure, Job, Leaves

Inputs = Mapping[str, Artifact]


# Steps ------------------------------------------------------------------------------------------------------------------------


class Text:
    """Something that saves itself, with a folder inside."""

    def __init__(self, text: str) -> None:
        self.text = text

    def save(self, folder: Path) -> None:
        (folder / "inner").mkdir()
        (folder / "inner" / "text.txt").write_text(self.text, encoding="utf-8")


def chapter(step: str, answer: str, rows: Sequence[Mapping[str, Any]] = ()) -> Chapter:
    return Chapter(step, step.capitalize(), answer, blocks=(Table("Figures", (Column("figure", "Figure"),), rows),))


def define(brief: Any, inputs: Inputs, task: Any, bench: Any) -> Leaves:
    rows = inputs["intake"].json("rows")
    gate = "no_go" if min(rows) < 0 else "go"
    return Leaves(json={"charter": {"rows": len(rows)}}, headline=gate, gate=gate, chapter=chapter("define", gate))


def collect(brief: Any, inputs: Inputs, task: Any, bench: Any) -> Leaves:
    rows = inputs["intake"].json("rows")
    return Leaves(
        {"rows": rows}, folders={"dataset": Text(str(rows))}, headline=f"{len(rows)} rows", chapter=chapter("collect", "")
    )


def train(brief: Any, inputs: Inputs, task: Any, bench: Any) -> Leaves:
    import polars as pl

    seconds, rows = brief.section.seconds, inputs["collect"].json("rows")
    results = bench.run([Job(f"fit {row}", square, {"number": row, "seconds": seconds}, weight=3.0) for row in rows])
    values = [None if isinstance(result, Failure) else result.json("value") for result in results]
    frame = pl.DataFrame({"row": rows, "value": values})
    said = [{"figure": value} for value in values]
    return Leaves(frames={"scores": frame}, headline=f"{task.name}: {values}", chapter=chapter("train", "", said))


def operate(brief: Any, inputs: Inputs, task: Any, bench: Any) -> Leaves:
    reached = int(inputs["train"].frame("scores")["value"].sum())
    text = (inputs["collect"].folder("dataset") / "inner" / "text.txt").read_text(encoding="utf-8")
    gate = "met" if reached >= 10 else "missed"
    return Leaves(
        {"release": {"sum": reached, "text": text}}, headline=f"sum {reached}", gate=gate, chapter=chapter("operate", gate)
    )


for _step in (define, collect, train, operate):
    sys.modules[f"toy_{_step.__name__}"] = SimpleNamespace(run=_step)  # type: ignore[assignment]

PROCESS = Process(
    (
        Step("define", "toy_define", reads_sources=True),
        Step("collect", "toy_collect", reads_sources=True),
        Step("train", "toy_train", reads=("collect",)),
        Step("operate", "toy_operate", reads=("collect", "train")),
    ),
    intake="helpers_jobs:take_in",
)


# A project --------------------------------------------------------------------------------------------------------------------


class ToySection(BaseModel):
    model_config = ConfigDict(extra="forbid")
    seconds: float = 0.0


GRAMMAR = Grammar("toy", ToySection, (), ("mae",), (), {"train": ("seconds",)})


def write_data(folder: Path, numbers: Sequence[int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data.csv").write_text("y\n" + "\n".join(map(str, numbers)) + "\n", encoding="utf-8")


def toy_spec(folder: Path, seconds: float = 0.0, **changes: Any) -> Spec:
    given = {
        "task": "toy",
        "data": {"sources": {"main": {"path": "data.csv"}}},
        "target": ["y"],
        "kpis": [{"id": "fit", "metric": "mae", "goal": "<= 1"}],
    }
    return Spec.model_validate(given | changes).located(folder / "sevenstep.yaml", ToySection(seconds=seconds), {})


def run_toy(folder: Path, spec: Spec | None = None, told: list[StepResult] | None = None, **options: Any) -> RunResult:
    """Run the project in ``folder``; each step is added to ``told`` as it ends."""
    options = {"store_root": folder / ".sevenstep", "quiet": True} | options
    request = RunRequest(spec or toy_spec(folder), GRAMMAR, lambda: SimpleNamespace(name="toy"), **options)  # type: ignore[arg-type]
    results: list[StepResult] = [] if told is None else told
    return run_steps(request, results.append, PROCESS)


def main() -> None:
    """``python -m helpers_engine FOLDER SECONDS``: run the project there, print its report hash or its error."""
    folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
    try:
        print(run_toy(folder, toy_spec(folder, seconds)).report_hash)
    except SevenstepError as error:
        print(error.sentence())
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
