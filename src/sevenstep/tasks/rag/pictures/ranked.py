"""What was found and what was missed: at which rank the first right document stood, where it stood too low, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from sevenstep.chapter import Block, Column, Figure, Table
from sevenstep.data.dataset import Dataset
from sevenstep.tasks.rag.judged import judged_by_question
from sevenstep.tasks.rag.scoring import RANK
from sevenstep.tasks.rag.text.tokens import tokenizer_for, tokenizer_named
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.wording import counted

__all__ = ["found_blocks"]

_RANKS = (1, 2, 3, 5, 10, 20, 50, 100)
_SHOWN, _LONGEST = 30, 160
_KINDS = ("found first", "ranks 2 to 10", "ranks 11 to 100", "not found, words in common", "not found, no word in common")


def found_blocks(scores: ScoreTable, data: Dataset) -> Sequence[Block]:
    """The curve by rank, the kinds of errors, and the questions that went worst; none where ranks are not known."""
    if RANK not in scores.frame.columns:
        return []
    rows = scores.frame.filter(pl.col(RANK).is_not_null())
    if rows.is_empty():
        return []
    asked = _asked(rows, data)
    return [_curve(asked), _kinds(asked), *_missed(asked)]


def _asked(rows: pl.DataFrame, data: Dataset) -> list[dict[str, Any]]:
    """For each judged question, once: its figure, the rank of the first right document (None beyond all), and what was right."""
    judged = judged_by_question(data)
    documents = {row["document_id"]: row for row in data.tables["documents"].to_dicts()}
    tokenizer = tokenizer_named(tokenizer_for(str(data.facts["language"]["value"])))
    mean = rows.group_by("item").agg(pl.col("prediction", RANK).mean()).sort("item")
    told = []
    for item, figure, worth in mean.iter_rows():
        question = data.items["question"][item]
        right = [documents[name] for name in judged[item] if name in documents]
        words = set(tokenizer.tokens([question])[0])
        common = max((len(words & set(tokenizer.tokens([f"{one['title']} {one['text']}"])[0])) for one in right), default=0)
        rank = round(1.0 / worth) if worth > 0 else None
        told.append({"question": question, "figure": figure, "rank": rank, "right": right, "common": common})
    return told


def _curve(asked: Sequence[Mapping[str, Any]]) -> Figure:
    rows = []
    for rank in _RANKS:
        hits = sum(one["rank"] is not None and one["rank"] <= rank for one in asked)
        ends = stats.binomtest(hits, len(asked)).proportion_ci(method="wilson")
        rows.append(
            {"x": rank, "y": hits / len(asked), "low": float(ends.low), "high": float(ends.high), "group": "right among them"}
        )
    caption = (
        f"Share of {counted(len(asked), 'judged question')} with a right document among the first so many, each by a model that "
        "has not learnt from the question; 95 % intervals (Wilson)."
    )
    return Figure(
        "How far down the right document stands",
        "line",
        rows,
        "first documents",
        "questions",
        "number",
        "percent",
        caption=caption,
    )


def _kinds(asked: Sequence[Mapping[str, Any]]) -> Figure:
    kinds = [_kind(one) for one in asked]
    rows = [{"x": kind, "y": kinds.count(kind) / len(kinds)} for kind in _KINDS]
    words = "words are compared as they are searched, function words left out"
    caption = f"Where the first right document of each of {counted(len(kinds), 'question')} stood; {words}."
    return Figure("Found and missed", "bars", rows, "", "questions", "category", "percent", caption=caption)


def _kind(one: Mapping[str, Any]) -> str:
    if one["rank"] is None:
        return _KINDS[3] if one["common"] else _KINDS[4]
    return _KINDS[0] if one["rank"] == 1 else _KINDS[1] if one["rank"] <= 10 else _KINDS[2]


def _missed(asked: Sequence[Mapping[str, Any]]) -> Sequence[Block]:
    """The worst questions with what should have been found; a document with tags is not shown: anybody may read a report."""
    worst = [asked[at] for at in np.argsort([one["figure"] for one in asked], kind="stable") if asked[at]["rank"] != 1][:_SHOWN]
    if not worst:
        return []
    rows = [
        {"question": _short(one["question"]), "rank": str(one["rank"] or "beyond 100"), "figure": one["figure"],
         "title": _named(one["right"]), "text": _text(one["right"]), "common": one["common"]}
        for one in worst
    ]  # fmt: skip
    columns = [
        Column("question", "Question"), Column("rank", "Rank"), Column("figure", "Figure", "percent"),
        Column("title", "What was right"), Column("text", "It says"), Column("common", "Words in common", "integer"),
    ]  # fmt: skip
    missed = sum(one["rank"] != 1 for one in asked)
    caption = f"Of {counted(missed, 'question')} whose right document did not stand first, the worst; out of fold."
    return [Table("Missed", columns, rows, caption)]


def _named(right: Sequence[Mapping[str, Any]]) -> str:
    return (
        "; ".join(_short(str(one["title"] or one["document_id"])) for one in right[:3] if not one["access"])
        or "a document with tags"
    )


def _text(right: Sequence[Mapping[str, Any]]) -> str:
    return _short(next((str(one["text"]) for one in right if not one["access"]), ""))


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST].rstrip()} …"
