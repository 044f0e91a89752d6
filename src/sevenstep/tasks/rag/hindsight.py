"""What answers given earlier came to, now that their asker, or someone who knows, has told what is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from sevenstep.stats.answers import answer_f1, exact_match, groundedness
from sevenstep.stats.ranking import ranking_figure
from sevenstep.tasks.rag.grammar import ANSWER, PASSAGES
from sevenstep.tasks.rag.text.sentences import sentences
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable, join_score_tables

__all__ = ["judged"]

Floats = npt.NDArray[np.float64]
Row = Mapping[str, Any]


def judged(made: pl.DataFrame, measures: Mapping[str, Sequence[str]], language: str) -> ScoreTable:
    """Score answers against the truth told of them; each question stands for itself, since nothing groups what is served.

    Args:
        made: ``question``, ``prediction`` (what was answered), ``ranking``, ``citations`` and ``truth``, which holds what was
            told: the right ``answer``, the ``document`` that holds it.
        measures: metrics of each target, the leading one first.
        language: by whose rules answers are compared.
    """
    rows = made.to_dicts()
    tables = []
    for target, metrics in measures.items():
        known = [(number, row) for number, row in enumerate(rows) if _truth(row, target) is not None]
        tables.append(_table(target, metrics, known, language))
    return join_score_tables(tables)


def _truth(row: Row, target: str) -> str | None:
    told = row.get("truth") or {}
    found: str | None = told.get("document" if target == PASSAGES else "answer")
    return found


def _table(target: str, metrics: Sequence[str], known: Sequence[tuple[int, Row]], language: str) -> ScoreTable:
    rows = [row for _, row in known]
    figures = {metric: _figures(metric, target, rows, language) for metric in metrics}
    count, nothing = len(rows), pl.Series([None] * len(rows), dtype=pl.Datetime("us"))
    item = np.array([number for number, _ in known], dtype=np.int64)
    frame = pl.DataFrame({
        "candidate": ["final"] * count, "target": [target] * count, "fold": np.zeros(count, np.int32), "origin": nothing,
        "time": nothing, "lead": np.zeros(count, np.int32), "item": item, "cluster": item, "weight": np.ones(count),
        "scale": np.ones(count), "root_scale": np.ones(count), "truth": np.ones(count),
        "prediction": pl.Series(figures[metrics[0]], dtype=pl.Float64).fill_nan(None) if metrics else None,
        **dict.fromkeys(BOUNDS, pl.Series([None] * count, dtype=pl.Float64)),
    })  # fmt: skip
    more = [pl.Series(metric, values, dtype=pl.Float64).fill_nan(None) for metric, values in list(figures.items())[1:]]
    return ScoreTable(frame.with_columns(more))


def _figures(metric: str, target: str, rows: Sequence[Row], language: str) -> Floats:
    """The figure of each row; NaN where the metric cannot be measured on what was served."""
    if target == PASSAGES and "@" in metric:
        most = max((len(row.get("ranking") or ()) for row in rows), default=0)
        gains = np.full((len(rows), most), np.nan)
        for at, row in enumerate(rows):
            ranking, right = row.get("ranking") or (), _truth(row, target)
            gains[at, : len(ranking)] = [float(one == right) for one in ranking]
        return ranking_figure(metric, gains, [[1.0]] * len(rows))
    own = _ANSWERED.get(metric)
    return np.array([float("nan") if own is None or target != ANSWER else own(row, language) for row in rows], np.float64)


def _grounded(row: Row, language: str) -> float:
    text = row.get("prediction") or ""
    quotes = [one["quote"] for one in row.get("citations") or ()]
    parts = [text[start:end] for start, end in sentences(text)]
    return groundedness(parts, [quotes] * len(parts))


_ANSWERED: Mapping[str, Callable[[Row, str], float]] = {
    "answer_f1": lambda row, language: answer_f1(row.get("prediction") or "", [str(_truth(row, ANSWER))], language),
    "exact_match": lambda row, language: exact_match(row.get("prediction") or "", [str(_truth(row, ANSWER))], language),
    "abstention_error": lambda row, language: float(not row.get("prediction")),
    "groundedness": _grounded,
}
