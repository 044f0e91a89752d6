"""Embedding and grading models are run from a folder or called; their figures equal those computed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from model_server import Behaviour, letters, serving
from sevenstep.data.documents.tables import DOCUMENTS, PARTS
from sevenstep.endpoints.endpoint import Endpoint
from sevenstep.endpoints.keeping import keep_calls
from sevenstep.errors import InputError
from sevenstep.tasks.rag.retrieval.calling import CalledEmbedder, called
from sevenstep.tasks.rag.retrieval.embedding import TextEmbedder, batches, checksum_of
from sevenstep.tasks.rag.retrieval.finder import Finder
from sevenstep.tasks.rag.retrieval.grading import Grader
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieval.layout import Layout
from sevenstep.tasks.rag.retrieval.settings import Settings

onnx = pytest.importorskip("onnx", reason="the models of these tests are made with onnx")
pytest.importorskip("onnxruntime", reason="onnxruntime is an extra")
tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is an extra")

WORDS = ["[PAD]", "[UNK]", "pump", "engine", "motor", "leak", "oil", "brake"]
TABLE = np.array([[0, 0, 0], [0, 0, 0.1], [1, 0, 0], [0, 1, 0], [0, 0.9, 0.1], [0, 0, 1], [0.3, 0, 1], [-1, 0, 0]], np.float32)


def folder(path: Path, kind: str) -> Path:
    """A model that gives each token its row of `TABLE` (``embed``), or sums their first number for each pair (``grade``)."""
    path.mkdir()
    given = onnx.helper.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, ["texts", "tokens"])
    gather = onnx.helper.make_node("Gather", ["table", "input_ids"], ["vectors"])
    nodes, shape = [gather], ["texts", "tokens", 3]
    if kind == "grade":
        nodes += [
            onnx.helper.make_node("ReduceSum", ["vectors", "axis"], ["summed"], keepdims=0),
            onnx.helper.make_node("Gather", ["summed", "first"], ["grade"], axis=1),
        ]
        shape = ["texts"]
    made = onnx.helper.make_tensor_value_info("grade" if kind == "grade" else "vectors", onnx.TensorProto.FLOAT, shape)
    values = {"table": TABLE, "axis": np.array([1]), "first": np.array(0)}
    constants = [onnx.numpy_helper.from_array(value, name) for name, value in values.items()]
    graph = onnx.helper.make_graph(nodes, "model", [given], [made], constants)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), path / "model.onnx")
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    words.save(str(path / "tokenizer.json"))
    return path


def by_hand(text: str) -> np.ndarray:
    mean = np.mean([TABLE[WORDS.index(word) if word in WORDS else 1] for word in text.split()], axis=0)
    return mean / np.linalg.norm(mean)


def documents(texts: list[str]) -> pl.DataFrame:
    empty = {name: [] if name == "access" else "" for name in DOCUMENTS}
    return pl.DataFrame([{**empty, "document_id": f"d{at}", "text": text} for at, text in enumerate(texts)], schema=DOCUMENTS)


def test_a_text_lies_at_the_mean_of_its_tokens_whatever_it_is_padded_to(tmp_path: Path) -> None:
    texts = ["pump", "engine oil leak unheard brake", "motor motor oil", "leak"]
    made = TextEmbedder(folder(tmp_path / "model", "embed")).documents(texts)
    np.testing.assert_allclose(made, [by_hand(text) for text in texts], atol=1e-6)


def test_batches_hold_every_text_once_and_no_more_tokens_than_fit() -> None:
    lengths = np.random.default_rng(0).integers(1, 512, 400)
    found = batches(lengths)
    assert sorted(np.concatenate(found).tolist()) == list(range(400))
    assert all(len(rows) * lengths[rows].max() <= 4096 for rows in found)


def test_an_embedding_finds_what_shares_no_word_with_the_question(tmp_path: Path) -> None:
    name = str(folder(tmp_path / "model", "embed"))
    index = CorpusIndex.build(documents(["pump leak", "motor", "brake"]), pl.DataFrame(schema=PARTS), Layout(embedding=name))
    assert Finder(index, Settings(dense=1.0)).rankings(["engine"], 1) == [["d1"]]
    assert Finder(index, Settings(dense=1.0)).rankings(["pump"], 1) == [["d0"]]
    grown = index.added(documents(["engine motor"]).with_columns(pl.lit("new").alias("document_id")), pl.DataFrame(schema=PARTS))
    np.testing.assert_allclose(grown.vectors[-1], by_hand("engine motor"), atol=1e-6)


def test_a_grader_has_a_say_among_the_best_chunks_alone(tmp_path: Path) -> None:
    name = str(folder(tmp_path / "model", "grade"))
    assert Grader(Path(name)).grades("oil", ["pump", "brake", "leak"]).tolist() == pytest.approx([1.3, -0.7, 0.3])
    index = CorpusIndex.build(documents(["oil brake", "oil pump", "oil leak leak leak"]), pl.DataFrame(schema=PARTS), Layout())
    plain = Finder(index, Settings()).rankings(["oil"], 3)[0]
    graded = Finder(index, Settings(grader=name, graded=2, grade_weight=100.0)).rankings(["oil"], 3)[0]
    assert plain == ["d0", "d1", "d2"] and graded == ["d1", "d0", "d2"]


def test_a_folder_without_a_model_is_told_and_other_weights_have_another_checksum(tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        TextEmbedder(tmp_path)
    assert told.value.code == "RAG-MODEL"
    first, second = (checksum_of(str(folder(tmp_path / kind, kind))) for kind in ("embed", "grade"))
    assert first != second


def test_vectors_of_an_endpoint_are_asked_for_in_batches_once_and_scaled(tmp_path: Path) -> None:
    keep_calls(tmp_path, "run")
    behaviour = Behaviour(faults=["429", "malformed"], retry_after="0")
    with serving(behaviour) as url:
        embedder = CalledEmbedder(called(Endpoint(url, patience=0.01), "small", 2))
        texts = ["abc", "aab", "hed"]
        made = embedder.documents(texts)
        again = embedder.documents(texts)
    expected = np.array([letters(text) for text in texts])
    np.testing.assert_allclose(made, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)
    np.testing.assert_array_equal(made, again)
    assert [len(request["input"]) for request in behaviour.seen] == [
        2,
        2,
        2,
        1,
    ]  # two faults, then a call for each batch, none again
