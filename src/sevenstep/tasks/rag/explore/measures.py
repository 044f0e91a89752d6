"""The figures of a profile: sizes, languages, kinds, repeats, where answers stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sevenstep.tasks.rag.explore.gap import Gap, gap_of
from sevenstep.tasks.rag.explore.kinds import answer_kind, question_kind
from sevenstep.tasks.rag.known import Known

__all__ = ["Measures", "measured", "quantiles"]


@dataclass(frozen=True)
class Measures:
    """What was counted in a corpus and its questions.

    Args:
        language: of the questions.
        lengths: characters of each document.
        asked: characters of each question.
        languages: documents by language.
        kinds: questions by what they ask for.
        answers: known answers by what they are.
        answer_lengths: characters of each known answer.
        places: where in its document an answer begins, 0 at the top to 1 at the end.
        parts: characters of text by the kind of part (text, table, heading).
        near: documents that nearly repeat an earlier one.
        sources: documents by the file they came from.
        trusts: documents by trust tag.
        relevant: documents judged right, for each judged question.
        gap: words of questions against words of documents.
    """

    language: str
    lengths: Sequence[int]
    asked: Sequence[int]
    languages: Mapping[str, int]
    kinds: Mapping[str, int]
    answers: Mapping[str, int]
    answer_lengths: Sequence[int]
    places: Sequence[float]
    parts: Mapping[str, int]
    near: int
    sources: Mapping[str, int]
    trusts: Mapping[str, int]
    relevant: Sequence[int]
    gap: Gap


def measured(known: Known) -> Measures:
    """All figures of a data set."""
    language = str(known.data.facts["language"]["value"])
    documents, questions = known.documents, known.questions
    answers = [answer for question in known.answered for answer in question.answers or ()]
    return Measures(
        language=language,
        lengths=documents["text"].str.len_chars().to_list(),
        asked=[len(question.text) for question in questions],
        languages=_counts(documents["language"].to_list()),
        kinds=_counts([question_kind(question.text) for question in questions]),
        answers=_counts([answer_kind(answer) for answer in answers]),
        answer_lengths=[len(answer) for answer in answers],
        places=_places(known),
        parts=_parts(known.data.tables["parts"]),
        near=documents["near"].len() - documents["near"].null_count(),
        sources=_counts(documents["source"].to_list()),
        trusts=_counts([tag for tag in documents["trust"].to_list() if tag]),
        relevant=[len(question.relevant) for question in known.judged],
        gap=gap_of(known, language),
    )


def quantiles(values: Sequence[float], at: Sequence[float] = (0.1, 0.5, 0.9)) -> list[float]:
    """Quantiles of values; zeros of none."""
    return [float(value) for value in np.quantile(np.asarray(values, np.float64), at)] if len(values) else [0.0] * len(at)


def _counts(values: Sequence[str]) -> dict[str, int]:
    """How often each value stands there, the most frequent first."""
    return dict(sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0])))


def _places(known: Known) -> list[float]:
    lengths = known.documents.select("document_id", pl.col("text").str.len_chars().alias("length"))
    placed = known.judgements.filter(pl.col("start").is_not_null()).join(lengths, on="document_id")
    return placed.select(pl.col("start") / pl.col("length").clip(1)).to_series().to_list()


def _parts(parts: pl.DataFrame) -> dict[str, int]:
    sizes = parts.group_by("kind").agg((pl.col("end") - pl.col("start")).sum().alias("size")).sort("size", descending=True)
    return dict(sizes.iter_rows())
