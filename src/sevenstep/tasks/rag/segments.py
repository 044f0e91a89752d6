"""Columns worth slicing results by: those the person names, or the kind of question and how long it is."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import polars as pl

from sevenstep.data.dataset import Dataset
from sevenstep.tasks.rag.explore.kinds import question_kind
from sevenstep.tasks.scoretable import ScoreTable

__all__ = ["segment_scores"]

_LENGTHS = (6, 10, 16)


def segment_scores(scores: ScoreTable, data: Dataset) -> tuple[ScoreTable, Mapping[str, str]]:
    """The score table with its segments, and what to call each."""
    row = scores.frame["item"].cast(pl.UInt32)
    named = {name: data.items[name].cast(pl.String) for name in data.roles.segments}
    if not named:
        asked = data.items["question"]
        kinds = pl.Series([question_kind(text) for text in asked.to_list()], dtype=pl.String)
        named = {"kind of question": kinds, "words in the question": _lengths(asked)}
    columns = [column.gather(row).alias(name) for name, column in named.items()]
    return ScoreTable(scores.frame.with_columns(columns)), {name: name for name in named}


def _lengths(asked: pl.Series) -> pl.Series:
    words = asked.str.split(" ").list.len()
    between = [f"{low + 1} to {high}" for low, high in pairwise(_LENGTHS)]
    labels = [f"up to {_LENGTHS[0]}", *between, f"over {_LENGTHS[-1]}"]
    place = np.searchsorted(_LENGTHS, words.to_numpy())
    return pl.Series([labels[at] for at in place.tolist()], dtype=pl.String)
