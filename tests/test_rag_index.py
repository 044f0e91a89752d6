"""The index scores as BM25 is written, grows while it is searched, and comes back from plain files as it was."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sevenstep.data.documents.tables import DOCUMENTS, PARTS
from sevenstep.tasks.rag.retrieval.bm25 import Bm25, Weighted
from sevenstep.tasks.rag.retrieval.finder import Finder
from sevenstep.tasks.rag.retrieval.first import FirstLook
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieval.latent import LatentSpace
from sevenstep.tasks.rag.retrieval.layout import Layout
from sevenstep.tasks.rag.retrieval.looks import FEATURES, Looks
from sevenstep.tasks.rag.retrieval.ranker import Ranker
from sevenstep.tasks.rag.retrieval.settings import Settings
from sevenstep.tasks.rag.retrieval.view import View

WORDS = "pump valve brake torque bearing pressure leak sensor motor shaft seal filter oil cable fuse relay gauge clamp".split()  # noqa: SIM905
NONE = pl.DataFrame(schema=PARTS)
FULL = Layout(0, 0.0, "english", "grams", 8, True)


def documents(texts: list[str], first: int = 0, access: list[list[str]] | None = None) -> pl.DataFrame:
    rows = [
        {"document_id": f"d{first + number}", "title": f"Manual {text.split()[0]}", "text": text, "source": "m", "trust": "",
         "access": (access or [[]] * len(texts))[number]}
        for number, text in enumerate(texts)
    ]  # fmt: skip
    return pl.DataFrame([{name: row.get(name, "") for name in DOCUMENTS} for row in rows], schema=DOCUMENTS, orient="row")


def drawn(count: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(4, 30))) + ". " + " ".join(rng.choice(WORDS, 5)) for _ in range(count)]


def slow_bm25(texts: list[list[str]], question: list[str], k1: float, b: float) -> list[float]:
    """BM25 term by term, as the formula is printed."""
    mean = sum(map(len, texts)) / len(texts)
    scores = []
    for text in texts:
        total = 0.0
        for term in question:
            held = sum(term in other for other in texts)
            idf = math.log(1 + (len(texts) - held + 0.5) / (held + 0.5))
            often = text.count(term)
            total += idf * often * (k1 + 1) / (often + k1 * (1 - b + b * len(text) / mean))
        scores.append(total)
    return scores


@pytest.mark.parametrize(("k1", "b"), [(1.2, 0.75), (0.5, 0.0), (2.0, 1.0)])
def test_scores_equal_bm25_written_out(k1: float, b: float) -> None:
    texts = [text.replace(".", "").split() for text in drawn(40)]
    view = View.of("words", [" ".join(text) for text in texts])
    own = Bm25(view.postings, k1, b).scores(Weighted.of(view.asked("pump pump leak fuse unheard")))
    np.testing.assert_allclose(own, slow_bm25(texts, ["pump", "pump", "leak", "fuse"], k1, b), rtol=1e-5)


def test_scores_rank_as_bm25s_does() -> None:
    bm25s = pytest.importorskip("bm25s")
    texts = [text.replace(".", "").split() for text in drawn(200, 3)]
    other = bm25s.BM25(k1=1.5, b=0.75, method="lucene")
    other.index(texts, show_progress=False)
    view = View.of("words", [" ".join(text) for text in texts])
    for question in (["pump", "leak"], ["torque", "oil", "cable"]):
        ours = Bm25(view.postings, 1.5, 0.75).scores(Weighted.of(view.asked(" ".join(question))))
        np.testing.assert_allclose(ours / 2.5, other.get_scores(question), rtol=1e-4)  # theirs leaves out the constant k1 + 1


def test_an_index_that_grew_and_shrank_ranks_as_one_built_at_once() -> None:
    texts = drawn(60, 1)
    whole = CorpusIndex.build(documents(texts), NONE, Layout(0, 0.0, "english", "grams", 0, True))
    grown = CorpusIndex.build(documents(texts[:10]), NONE, whole.layout)
    for at in range(10, 60, 5):
        grown = grown.added(documents(texts[at : at + 5], at), NONE)
    grown = grown.added(documents(drawn(3, 9), 100), NONE).without(["d100", "d101", "d102", "unknown"])
    settings = Settings(mix=0.4, title=0.2, feedback=5)
    for question in ("pump leak pressure", "torque of the brake shaft"):
        expected = Finder(whole, settings).ranked([question])[0]
        found = Finder(grown, settings).ranked([question])[0]
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-6)
        assert [grown.corpus.ids[chunk] for chunk in found[0]] == [whole.corpus.ids[chunk] for chunk in expected[0]]


def test_whoever_searches_the_older_index_is_not_disturbed_and_a_document_of_the_same_id_is_replaced() -> None:
    index = CorpusIndex.build(documents(drawn(30)), NONE, FULL)
    before = Finder(index, Settings(ranked=True), Ranker(np.ones(len(FEATURES)))).ranked(["pump leak"])[0]
    newer = index.added(documents(["zirconium unicorn"], 3), NONE)
    after = Finder(index, Settings(ranked=True), Ranker(np.ones(len(FEATURES)))).ranked(["pump leak"])[0]
    np.testing.assert_array_equal(before[1], after[1])
    assert len(newer.corpus) == len(index.corpus) and Finder(newer, Settings()).rankings(["unicorn"], 1) == [["d3"]]
    assert "unicorn" not in index.corpus.texts[3]


def test_an_added_document_is_found_at_once() -> None:
    index = CorpusIndex.build(documents(drawn(300)), NONE, FULL)
    began = time.perf_counter()
    passages = Finder(index.added(documents(["quartz resonator"], 900), NONE), Settings()).find(["quartz"], 1)[0]
    assert passages[0].document == "d900" and time.perf_counter() - began < 60  # bench/rag.py measures how soon


def test_an_index_comes_back_from_plain_files_as_it_was(tmp_path: Path) -> None:
    index = CorpusIndex.build(documents(drawn(60)), NONE, FULL).added(documents(drawn(4, 7), 200), NONE)
    index.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".npz", ".npy", ".json", ".parquet"}
    finders = [
        Finder(one, Settings(ranked=True, mix=0.4), Ranker(np.ones(len(FEATURES)))) for one in (index, CorpusIndex.load(tmp_path))
    ]
    first, second = (finder.ranked(["brake torque", "oil"]) for finder in finders)
    for (chunks, scores), (others, given) in zip(first, second, strict=True):
        np.testing.assert_array_equal(chunks, others)
        np.testing.assert_allclose(scores, given, rtol=1e-6)


def test_documents_of_other_tags_are_as_if_they_were_not_there() -> None:
    texts = ["pump one two", "pump three four", "pump five six"]
    index = CorpusIndex.build(documents(texts, access=[[], ["service"], ["secret"]]), NONE, Layout())
    finder = Finder(index, Settings())
    assert set(finder.rankings(["pump"], 10)[0]) == {"d0", "d1", "d2"}
    assert set(finder.rankings(["pump"], 10, ["service"])[0]) == {"d0", "d1"}
    assert finder.rankings(["pump"], 10, [])[0] == ["d0"]


def test_a_passage_says_where_it_is_from() -> None:
    text = "First part about pumps. " * 3 + "Second part about brakes."
    parts = pl.DataFrame(
        [{"document_id": "d0", "start": 0, "end": 70, "kind": "text", "page": 1, "heading": "Pumps"},
         {"document_id": "d0", "start": 72, "end": 97, "kind": "text", "page": 2, "heading": "Brakes"}], schema=PARTS
    )  # fmt: skip
    index = CorpusIndex.build(documents([text]), parts, Layout(size=40))
    passage = Finder(index, Settings()).find(["brakes"], 1)[0][0]
    assert passage.text == text[passage.start : passage.end] == "Second part about brakes."
    assert passage.place == "page 2, Brakes" and passage.title == "Manual First"


def test_the_latent_space_spans_what_a_full_decomposition_spans() -> None:
    view = View.of("words", drawn(80, 5))
    weigher = Bm25(view.postings, 1.2, 0.75)
    space = LatentSpace.learnt(weigher.table(), weigher.idf, 4)
    dense = weigher.table().toarray()
    dense /= np.linalg.norm(dense, axis=1, keepdims=True)
    exact = np.linalg.svd(dense, full_matrices=False)[2][:4]
    np.testing.assert_allclose(np.linalg.svd(exact @ space.terms)[1], 1.0, atol=1e-3)


def test_feedback_finds_what_the_question_does_not_name() -> None:
    texts = ["pump cavitation noise", "pump cavitation damage", "cavitation alone here", "brake oil", "relay fuse", "cable clamp"]
    index = CorpusIndex.build(documents(texts), NONE, Layout(tokenizer="english"))
    assert Finder(index, Settings()).ranked(["pump"])[0][1][2] == 0.0
    assert Finder(index, Settings(feedback=5)).rankings(["pump"], 3)[0][2] == "d2"


def test_a_question_without_a_known_word_finds_nothing_of_worth_and_an_empty_corpus_nothing_at_all() -> None:
    index = CorpusIndex.build(documents(drawn(20)), NONE, FULL)
    for settings, ranker in ((Settings(), None), (Settings(ranked=True, feedback=5), Ranker(np.ones(len(FEATURES))))):
        chunks, scores = Finder(index, settings, ranker).ranked(["xyzzy"])[0]
        assert len(chunks) == 20 and np.isfinite(scores).all()
    empty = CorpusIndex.build(documents([]), NONE, Layout())
    assert Finder(empty, Settings()).find(["pump"], 5) == [[]]


def test_a_term_counts_for_one_of_like_use() -> None:
    rng = np.random.default_rng(3)
    topics = [["rotor", "impeller", "blade", "spin", "shaft"], ["invoice", "bill", "payment", "due", "account"]]
    texts = [" ".join(rng.choice(topics[row % 2], 4, replace=False)) + f" note{row}" for row in range(80)]
    texts += ["impeller spin shaft noted twice", "bill due account noted twice"]
    index = CorpusIndex.build(documents(texts), NONE, Layout(0, 0.0, "words", "", 4, True))
    look = FirstLook(index, Settings(ranked=True))
    first = look.look("rotor noted")
    features = Looks(look).of("rotor noted", first)
    of = dict(zip(first.order.tolist(), features, strict=True))
    for name in ("terms or like ones", "like terms alone", "best sentence by like terms"):
        assert of[80][FEATURES.index(name)] > of[81][FEATURES.index(name)], name
