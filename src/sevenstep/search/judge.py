"""Honest scores of the final model: every fold predicted with choices that have not seen it.

Weights, shift and bounds all come from out-of-fold scores. To say how good the whole is, each fold is scored with weights,
shift and bounds made from the other folds only; the model that is released uses all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from sevenstep.search.ensemble import Selection
from sevenstep.search.library import Library
from sevenstep.spec.brief import Brief
from sevenstep.tasks.contract import Task
from sevenstep.tasks.scoretable import ScoreTable

__all__ = ["FINAL", "Judgement", "judge"]

FINAL = "final model"


@dataclass(frozen=True)
class Judgement:
    """Scores of the final model of one target, the calibration it is released with, and how the scores came about."""

    scores: ScoreTable
    calibration: Mapping[str, Any]
    method: str


def judge(task: Task, library: Library, selection: Selection, brief: Brief) -> Judgement:
    """Score the selection on every fold without that fold, and calibrate it on all folds."""
    whole = library.table(task.blend, selection.weights, FINAL)
    calibration = task.calibrate(whole, brief)
    if len(selection.by_fold) < 2:
        scores = task.apply_calibration(whole, calibration)
        return Judgement(scores, calibration, "one fold: chosen, calibrated and judged on the same rows, so rather too good")
    parts = [_left_out(task, library, fold, selection, brief).frame for fold in selection.by_fold]
    method = f"{len(parts)} folds, each judged with weights, shift and bounds made from the others"
    return Judgement(ScoreTable(pl.concat(parts, how="vertical_relaxed")), calibration, method)


def _left_out(task: Task, library: Library, fold: int, selection: Selection, brief: Brief) -> ScoreTable:
    weights = selection.by_fold[fold]
    others, own = library.only(library.folds != fold), library.only(library.folds == fold)
    calibration = task.calibrate(others.table(task.blend, weights, FINAL), brief)
    return task.apply_calibration(own.table(task.blend, weights, FINAL), calibration)
