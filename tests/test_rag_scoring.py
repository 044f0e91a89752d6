"""Folds keep groups together, judgements survive re-chunking, and a search turns the index with everything else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

from sevenstep.data.dataset import Dataset, Roles
from sevenstep.data.documents.tables import DOCUMENTS, JUDGEMENTS, PARTS, QUESTIONS
from sevenstep.errors import InputError
from sevenstep.search.tune import _varied
from sevenstep.tasks.contract import Candidate, Fold, Range
from sevenstep.tasks.rag.folds import plan_folds, rows_of
from sevenstep.tasks.rag.judged import gains_of, judged_by_question
from sevenstep.tasks.rag.laying import stage_of
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieval.layout import Layout
from sevenstep.tasks.rag.retrieving import fit_retriever, judge_retriever
from sevenstep.tasks.rag.scoring import score_table
from sevenstep.tasks.rag.task import RagTask

TOPICS = "pump valve brake torque bearing pressure leak sensor motor shaft seal filter".split()  # noqa: SIM905


def corpus(count: int = 24, asked: int = 3) -> Dataset:
    """Documents of two topics each, with questions that name both; the last document has a question nobody judged."""
    rng = np.random.default_rng(0)
    rows, questions, judgements = [], [], []
    for number in range(count):
        one, other = TOPICS[number % 12], TOPICS[(number * 5 + 1) % 12]
        text = " ".join(rng.permutation([one, other, one, other, *rng.choice(TOPICS, 6), f"part{number}"]))
        rows.append({"document_id": f"d{number}", "title": one, "text": f"{text}. It is serviced once a year."})
        for turn in range(asked):
            ident = f"q{number}-{turn}"
            text = f"{one} {other}" + (f" part{number}" if turn else "")
            questions.append(
                {"question_id": ident, "question": text, "group": f"g{number}", "passages": number < count - 1 or None}
            )
            if number < count - 1:
                judgements.append({"question_id": ident, "document_id": f"d{number}", "grade": 1.0})
    tables = {
        "items": _table(questions, QUESTIONS), "documents": _table(rows, DOCUMENTS), "judgements": _table(judgements, JUDGEMENTS),
        "parts": pl.DataFrame(schema=PARTS),
    }  # fmt: skip
    return Dataset(tables, Roles(("passages",), keys=("question_id",)), {"language": {"value": "en", "reason": ""}})


def _table(rows: Sequence[dict[str, object]], schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def candidate(**parameters: object) -> Candidate:
    values = {"metrics": ["recall@1", "mrr@10"], "tokenizer": "english", "size": 0, **parameters}
    return Candidate("way", "lexical", "passages", "", values, stage=stage_of(values))


def test_questions_of_one_group_are_in_one_fold_and_every_known_one_is_judged_once() -> None:
    data = corpus()
    folds, everything, _ = plan_folds(data, None, seed=1)
    judged = [rows_of(fold, data, "passages")[1] for fold in folds]
    known = np.flatnonzero(data.items["passages"].is_not_null().to_numpy())
    assert sorted(np.concatenate(judged).tolist()) == known.tolist() == rows_of(everything, data, "passages")[0].tolist()
    for fold, rows in zip(folds, judged, strict=True):
        learnt = rows_of(fold, data, "passages")[0]
        groups = data.items["group"]
        assert not set(groups.gather(learnt)) & set(groups.gather(rows))
    assert max(map(len, judged)) - min(map(len, judged)) <= 6


def test_one_group_cannot_be_dealt_out() -> None:
    data = corpus(1)
    with pytest.raises(InputError) as told:
        plan_folds(data, None, seed=1)
    assert told.value.code == "RAG-FOLDS"


def test_a_judged_stretch_is_found_in_whatever_chunk_holds_it() -> None:
    text = "The first sentence is here. The torque is forty. A third one ends it."
    start = text.index("The torque")
    tables = {
        "items": _table([{"question_id": "q", "question": "torque"}], QUESTIONS),
        "documents": _table([{"document_id": "a", "title": "", "text": text}, {"document_id": "b", "text": "other"}], DOCUMENTS),
        "judgements": _table(
            [{"question_id": "q", "document_id": "a", "grade": 2.0, "start": start, "end": start + 20}], JUDGEMENTS
        ),
        "parts": pl.DataFrame(schema=PARTS),
    }  # fmt: skip
    judged = judged_by_question(Dataset(tables, Roles(("passages",))))[0]
    gains = {}
    for size in (0, 30):
        index = CorpusIndex.build(tables["documents"], tables["parts"], Layout(size=size))
        gains[size] = gains_of(np.arange(len(index.corpus)), index.corpus, judged, 4).tolist()
    assert gains[0][:2] == [2.0, 0.0]  # the document in one piece, then the other document
    assert gains[30][:3] == [0.0, 2.0, 0.0]  # a chunk that does not hold it, the one that does, the other document
    assert np.isnan(gains[0][2:]).all() and np.isnan(gains[30][3])


def test_a_score_table_has_a_row_a_question_with_the_leading_figure_and_the_others() -> None:
    data = corpus()
    way = candidate()
    index = CorpusIndex.build(data.tables["documents"], data.tables["parts"], Layout.of(way.stage or {}))
    rows = np.arange(data.items.height)
    figures = judge_retriever(fit_retriever(way, rows, data, index), way, rows, data, index)
    frame = score_table(figures, rows, way, Fold("part 1", 0), data).frame
    assert frame["truth"].unique().to_list() == [1.0] and frame.height == data.items.height
    unknown = data.items["passages"].is_null()
    assert frame["prediction"].is_null().to_list() == unknown.to_list() == frame["mrr@10"].is_null().to_list()
    assert frame["cluster"].n_unique() == 24
    named = frame.filter(pl.Series(data.items["question"].str.contains("part")) & ~unknown)
    assert named["prediction"].mean() > 0.9  # such a question names a word that one document alone has


def test_a_ranker_is_judged_on_questions_whose_documents_it_has_not_learnt_from() -> None:
    data, task = corpus(), RagTask()
    way = candidate(ranked=True, latent=4, second="grams", mix=0.3)
    stage = task.stage(way.stage or {}, data)
    folds, _, _ = plan_folds(data, 3, seed=1)
    fitted = [task.fit(way, fold, data, stage, 0) for fold in folds]
    assert not np.allclose(fitted[0].ranker.weights, fitted[1].ranker.weights)
    scores = pl.concat([task.score(one, way, fold, data, stage).frame for one, fold in zip(fitted, folds, strict=True)])
    assert scores["item"].is_unique().all() and scores["prediction"].mean() > 0.6


def test_a_variation_of_chunk_size_or_tokenizer_has_an_index_of_its_own() -> None:
    start = Candidate("way", "lexical", "passages", "", {"size": 0, "k1": 1.2}, {"size": Range(choices=(0, 300))}, {"size": 0})
    assert _varied(start, {"size": 300, "k1": 0.9}, 1).stage == {"size": 300}
    assert _varied(start, {"k1": 0.9}, 2).stage == {"size": 0}
