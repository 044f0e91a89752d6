"""How answers came out: right, partly right, wrong or refused; whether their confidence holds; the worst of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from sevenstep.chapter import Block, Column, Figure, Notes, Table
from sevenstep.data.dataset import Dataset
from sevenstep.tasks.answers import ABSTAINED, CONFIDENCE, JUDGED, JUDGED_SPREAD
from sevenstep.tasks.rag.answering.confidence import RIGHT
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.wording import counted, percent

__all__ = ["answer_blocks"]

_KINDS = ("right", "partly right", "wrong", "refused")
_BINS, _IN_BIN, _SHOWN = 10, 20, 30


def answer_blocks(scores: ScoreTable, data: Dataset) -> Sequence[Block]:
    """Kinds of outcomes, reliability of the confidence, and what was answered worst though it was sure."""
    rows = scores.frame.filter(pl.col("prediction").is_not_null())
    if rows.is_empty():
        return []
    return [_outcomes(rows), *_reliability(rows), *_judged(rows), *_sure_and_wrong(rows, data)]


def _kind(figure: float, refused: float | None) -> str:
    if refused:
        return "refused"
    return "right" if figure >= RIGHT else "partly right" if figure > 0 else "wrong"


def _outcomes(rows: pl.DataFrame) -> Figure:
    refused = rows[ABSTAINED] if ABSTAINED in rows.columns else pl.repeat(None, len(rows), eager=True)
    kinds = [_kind(figure, own) for figure, own in zip(rows["prediction"], refused, strict=True)]
    told = [{"x": kind, "y": kinds.count(kind) / len(kinds)} for kind in _KINDS]
    caption = (
        f"{counted(len(kinds), 'question')} with a known answer, out of fold; right is a figure of {percent(RIGHT)} or more."
    )
    return Figure("How answers came out", "bars", told, "", "questions", "category", "percent", caption=caption)


def _known_confidence(rows: pl.DataFrame) -> pl.DataFrame:
    if CONFIDENCE not in rows.columns:
        return rows.head(0).with_columns(pl.lit(None, dtype=pl.Float64).alias(CONFIDENCE))
    return rows.filter(pl.col(CONFIDENCE).cast(pl.Float64).is_finite())


def _reliability(rows: pl.DataFrame) -> Sequence[Block]:
    """Of a hundred answers given a chance of 20 %, are twenty right?"""
    known = _known_confidence(rows)
    if known.is_empty():
        return []
    said, was = known[CONFIDENCE].to_numpy(), known["prediction"].to_numpy() >= RIGHT
    count = int(np.clip(len(said) // _IN_BIN, 1, _BINS))
    bins = [part for part in np.array_split(np.argsort(said, kind="stable"), count) if len(part)]
    told = [_point(float(said[part].mean()), int(was[part].sum()), len(part)) for part in bins]
    told += [{"x": float(end), "y": float(end), "group": "as it should be"} for end in (said.min(), said.max())]
    gap = sum(abs(float(said[part].mean()) - float(was[part].mean())) * len(part) for part in bins) / len(said)
    caption = (
        f"Answers in {len(bins)} bins of equal size by how sure they were; each dot is the share that was right, with its 95 % "
        f"interval (Wilson). The mean gap is {100 * gap:.1f} points."
    )
    return [Figure("Does the confidence hold?", "line", told, "said", "was right", "number", "percent", caption=caption)]


def _judged(rows: pl.DataFrame) -> Sequence[Block]:
    """What the judge says, how much it differs from itself, and what it says of answers that were right and wrong."""
    if JUDGED_SPREAD not in rows.columns:
        return []
    figure = pl.col(JUDGED if JUDGED in rows.columns else "prediction")
    known = rows.select(figure.alias("judged"), pl.col(JUDGED_SPREAD).alias("spread"), "prediction")
    known = known.with_columns(pl.all().cast(pl.Float64).fill_nan(None)).filter(pl.col("judged").is_not_null())
    if known.is_empty():
        return [Notes("What the judge says", [{"text": "The judge gave no figure.", "evidence": "", "tone": "warn"}])]
    parts = {"all": known}
    if JUDGED in rows.columns:
        parts |= {"right": known.filter(pl.col("prediction") >= RIGHT), "not right": known.filter(pl.col("prediction") < RIGHT)}
    told = [
        {"answers": name, "n": len(part), "mean": part["judged"].mean(), "between": part["judged"].var(),
         "repeats": part["spread"].pow(2).mean()}
        for name, part in parts.items() if len(part)
    ]  # fmt: skip
    columns = [
        Column("answers", "Answers"), Column("n", "n", "integer"), Column("mean", "Mean", "percent"),
        Column("between", "Variance between answers", "number"), Column("repeats", "Variance between repeats of one", "number"),
    ]  # fmt: skip
    caption = "A figure of the judge is the mean of its repeats, 0 to 1; what it says differs from one time to the next."
    return [Table("What the judge says", columns, told, caption)]


def _point(said: float, hits: int, rows: int) -> dict[str, Any]:
    ends = stats.binomtest(hits, rows).proportion_ci(method="wilson")
    return {"x": said, "y": hits / rows, "low": float(ends.low), "high": float(ends.high), "group": "measured"}


def _sure_and_wrong(rows: pl.DataFrame, data: Dataset) -> Sequence[Block]:
    """Questions whose answer was wrong, the surest first: where to look for wrong labels and odd questions."""
    known = _known_confidence(rows).filter(pl.col("prediction") < RIGHT).sort(CONFIDENCE, descending=True)
    if known.is_empty():
        return []
    told = [
        {"question": data.items["question"][item], "known": "; ".join((data.items["answers"][item].to_list() or [""])[:3]),
         "sure": sure, "figure": figure}
        for item, sure, figure in known.select("item", CONFIDENCE, "prediction").head(_SHOWN).iter_rows()
    ]  # fmt: skip
    columns = [
        Column("question", "Question"), Column("known", "Right answer"), Column("sure", "How sure", "percent"),
        Column("figure", "Figure", "percent"),
    ]  # fmt: skip
    return [Table("Surest mistakes", columns, told, f"Of {counted(len(known), 'answer')} that were not right; out of fold.")]
