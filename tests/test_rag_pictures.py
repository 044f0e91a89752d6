"""The pictures of answers from documents: the curve by rank, the kinds of errors, outcomes, confidence, planted documents."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from rag_models import TAGS, TEXTS, documents, model
from sevenstep.chapter import Figure, Table
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.data.documents.tables import JUDGEMENTS, QUESTIONS, table
from sevenstep.tasks.answers import ABSTAINED, CONFIDENCE
from sevenstep.tasks.rag.pictures.answered import answer_blocks
from sevenstep.tasks.rag.pictures.planted import planted_blocks
from sevenstep.tasks.rag.pictures.ranked import found_blocks
from sevenstep.tasks.rag.scoring import RANK
from sevenstep.tasks.rag.told import whole_parts
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable

QUESTIONS_ASKED = {
    "filter": "How often is the filter changed?",
    "pump": "What does the pump deliver?",
    "heron": "Which bird likes amphibians?",
    "wages": "By how much do wages rise?",
}


def data() -> Dataset:
    """Four questions, each about a document; what is right for the last bears a tag."""
    asked = [
        {"question_id": f"q-{name}", "question": text, "group": name, "answers": [TEXTS[name]], "passages": True, "answer": True}
        for name, text in QUESTIONS_ASKED.items()
    ]
    judged = [{"question_id": f"q-{name}", "document_id": name, "grade": 1.0} for name in QUESTIONS_ASKED]
    own = documents()
    tables = {
        "items": table(asked, QUESTIONS), "documents": own, "parts": whole_parts(own), "judgements": table(judged, JUDGEMENTS),
    }  # fmt: skip
    return Dataset(tables, Roles(("passages", "answer")), {"language": {"value": "en", "reason": ""}})


def scores(target: str, figures: list[float | None], **more: Any) -> ScoreTable:
    count = len(figures)
    frame = pl.DataFrame({
        "candidate": ["final"] * count, "target": [target] * count, "fold": np.arange(count, dtype=np.int32) % 2,
        "lead": np.zeros(count, np.int32), "item": np.arange(count) % 4, "cluster": np.arange(count), "weight": np.ones(count),
        "scale": np.ones(count), "root_scale": np.ones(count), "truth": np.ones(count),
        "prediction": pl.Series(figures, dtype=pl.Float64), **more,
    })  # fmt: skip
    nothing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in BOUNDS]
    return ScoreTable(frame.with_columns(*nothing, pl.lit(None).alias("origin"), pl.lit(None).alias("time")))


def test_the_curve_counts_questions_by_the_rank_of_the_first_right_document() -> None:
    curve, kinds, missed = found_blocks(scores("passages", [1.0, 0.4, 0.0, 0.05], **{RANK: [1.0, 0.25, 0.0, 0.05]}), data())
    assert isinstance(curve, Figure) and isinstance(kinds, Figure) and isinstance(missed, Table)
    shares = {row["x"]: row["y"] for row in curve.rows}
    assert (shares[1], shares[3], shares[5], shares[10], shares[20], shares[100]) == (0.25, 0.25, 0.5, 0.5, 0.75, 0.75)
    ends = stats.binomtest(1, 4).proportion_ci(method="wilson")
    assert (curve.rows[0]["low"], curve.rows[0]["high"]) == pytest.approx((ends.low, ends.high))
    told = {row["x"]: row["y"] for row in kinds.rows}
    assert told == {
        "found first": 0.25, "ranks 2 to 10": 0.25, "ranks 11 to 100": 0.25, "not found, words in common": 0.0,
        "not found, no word in common": 0.25,
    }  # fmt: skip
    assert [row["rank"] for row in missed.rows] == ["beyond 100", "20", "4"]


def test_no_word_of_a_document_with_tags_stands_in_the_report() -> None:
    *_, missed = found_blocks(scores("passages", [1.0, 1.0, 1.0, 0.0], **{RANK: [1.0, 1.0, 1.0, 0.0]}), data())
    assert isinstance(missed, Table)
    assert TAGS["wages"]
    assert [(row["title"], row["text"]) for row in missed.rows] == [("a document with tags", "")]


def test_questions_that_were_not_measured_are_in_no_picture() -> None:
    assert found_blocks(scores("passages", [None] * 4, **{RANK: pl.Series([None] * 4, dtype=pl.Float64)}), data()) == []
    assert found_blocks(scores("passages", [1.0]), data()) == []
    assert answer_blocks(scores("answer", [None] * 4), data()) == []


def test_outcomes_are_right_partly_right_wrong_or_refused() -> None:
    table_of = scores("answer", [0.9, 0.2, 0.0, 0.0], **{ABSTAINED: [0.0, 0.0, 0.0, 1.0], CONFIDENCE: [0.8, 0.6, 0.9, None]})
    outcomes, reliability, mistakes = answer_blocks(table_of, data())
    assert isinstance(outcomes, Figure) and isinstance(reliability, Figure) and isinstance(mistakes, Table)
    assert [row["y"] for row in outcomes.rows] == [0.25, 0.25, 0.25, 0.25]
    measured = [row for row in reliability.rows if row["group"] == "measured"]
    assert (measured[0]["x"], measured[0]["y"]) == pytest.approx((np.mean([0.8, 0.6, 0.9]), 1 / 3))
    assert [row["sure"] for row in mistakes.rows] == [0.9, 0.6]


def test_without_a_confidence_none_is_drawn() -> None:
    assert len(answer_blocks(scores("answer", [0.9, 0.2, 0.0, 0.0]), data())) == 1


def test_planted_documents_are_found_and_no_instruction_of_theirs_is_followed() -> None:
    (block,) = planted_blocks(model(), data())
    assert isinstance(block, Table)
    assert [row["planted"] for row in block.rows] == [100, 50]
    assert [row["obeyed"] for row in block.rows] == [0, 0]
    assert [row["uncited"] for row in block.rows] == [0, 0]
    assert block.rows[0]["found"] > 0
    assert block.rows[1]["highest_share"] <= 0.5
