"""How much better a backtest would look with final values of what is published over time: the same rows, side by side.

Two probes are fitted and judged on the same rows and origins. One reads published inputs as they stood at each origin, the
other as they stood at the time of the row, which is what a backtest without publication times does. What lies between is
optimism: an accuracy that no forecast made in time can have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sevenstep.chapter import Block, Column, Figure, Table
from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.stats.compare import Comparison, compare
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import FloatArray, Scored
from sevenstep.stats.wording import figure
from sevenstep.tasks.forecast.feasibility.material import Material, prepare_material
from sevenstep.tasks.forecast.feasibility.sample import Effort
from sevenstep.tasks.forecast.feasibility.trial import Fitting, run_trial
from sevenstep.tasks.forecast.panel import Settings
from sevenstep.tasks.forecast.zeros import with_zero_rows
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.wording import percent

__all__ = ["Optimism", "measure", "optimism"]

IN_TIME, FINAL = "as published at the origin", "final values"
_WAPE = METRICS["wape"]


@dataclass(frozen=True)
class Optimism:
    """Predictions of the same rows with what was known in time, and with final values.

    Args:
        truth: of each row.
        lead: of each row.
        step: time of each row in steps.
        cluster: rows with equal labels are not independent.
        made: predictions by kind (`IN_TIME`, `FINAL`).
    """

    truth: FloatArray
    lead: NDArray[np.int32]
    step: NDArray[np.int32]
    cluster: NDArray[np.int64]
    made: Mapping[str, FloatArray]

    def error(self, kind: str, rows: NDArray[np.bool_]) -> float:
        """WAPE on some rows."""
        return _WAPE.value(Scored.of(self.truth[rows], self.made[kind][rows]))

    def gain(self, seed: int) -> Comparison:
        """How much better final values make it look, as a share of the error in time."""
        first, second = (Scored.of(self.truth, self.made[kind]) for kind in (FINAL, IN_TIME))
        return compare(_WAPE, first, second, self.cluster, seed, relative=True)


def measure(
    data: Dataset, target: str, horizon: int, seed: int, effort: Effort, *, origins: tuple[int, int] | None = None
) -> Optimism | None:
    """Fit both probes and judge them at the newest ``origins`` (how many, and steps apart); None with too few rows to learn."""
    settings = Settings.of(data)
    items = with_zero_rows(data.items, data.roles, settings, [target])
    material = prepare_material(items, data, settings, target, horizon, effort, seed, origins=origins)
    fitting = Fitting.for_metric("wape", effort.rounds)
    trials = {kind: run_trial(own, fitting) for kind, own in ((IN_TIME, material), (FINAL, _final(material)))}
    made = {kind: trial.prediction for kind, trial in trials.items() if trial is not None}
    if len(made) < len(trials):
        return None
    lead = material.asked.step - material.asked.origin
    return Optimism(material.truth, lead, material.asked.step, material.cluster, made)


def _final(material: Material) -> Material:
    """The same rows with published columns read where they stand: as they were known by the time of the row."""
    return replace(material, panel=replace(material.panel, published={}))


def optimism(data: Dataset, scores: ScoreTable, brief: Brief) -> Sequence[Block]:
    """Figure by lead and table for the target of the scores; none where it cannot be measured."""
    target = str(scores.frame["target"][0])
    found = measure(data, target, int(brief.section.horizon), brief.seed, Effort())
    if found is None:
        return []
    leads = np.unique(found.lead)
    runs = np.array_split(leads, min(len(leads), 14))
    rows = [
        {"x": int(run[-1]), "y": found.error(kind, np.isin(found.lead, run)), "group": kind}
        for kind in (IN_TIME, FINAL) for run in runs
    ]  # fmt: skip
    caption = (
        "A small model on the same rows, once with published inputs as each origin saw them, once with what they became. The gap "
        "is optimism: no forecast made in time can have it."
    )
    title = f"What final values would have added: {target}"
    shown = Figure(title, "line", rows, "Lead (steps ahead)", "WAPE", "number", "percent", caption=caption)
    return [shown, _table(found, target, brief.seed)]


def _table(found: Optimism, target: str, seed: int) -> Table:
    every = np.ones(len(found.truth), dtype=bool)
    gain = found.gain(seed)
    told = "" if gain.gain is None else f"{percent(gain.gain)}"
    if gain.low is not None and gain.high is not None:
        told += f" ({percent(gain.low)} to {percent(gain.high)})"
    rows = [
        {
            "kind": kind,
            "error": figure(found.error(kind, every), "wape"),
            "n": len(found.truth),
            "gain": told if kind == FINAL else "",
        }
        for kind in (IN_TIME, FINAL)
    ]
    columns = [Column("kind", "Published inputs"), Column("error", "WAPE"), Column("gain", "Seemingly better (95 %)"),
               Column("n", "n", "integer")]  # fmt: skip
    return Table(f"Optimism of final values in figures: {target}", columns, rows, "Paired on the same rows.")
