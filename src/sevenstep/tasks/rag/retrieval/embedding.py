"""Vectors of texts by a model a person names: a folder with one ``*.onnx`` file and its ``tokenizer.json``.

Texts are embedded in batches of bounded size, so memory does not grow with the corpus. Where the folder says so
(``config_sentence_transformers.json``), questions and documents are given the words the model was trained to see before them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sevenstep.errors import InputError
from sevenstep.tasks.rag.retrieval.calling import CalledEmbedder
from sevenstep.tasks.rag.retrieval.latent import unit

__all__ = [
    "Embedder",
    "TextEmbedder",
    "batches",
    "checksum_of",
    "embedder_of",
    "model_files",
    "padded",
    "session_of",
    "tokenizer_of",
]

TOKENS_AT_ONCE = 4_096  # tokens in one batch, padding included: some tens of MB in a model of usual size
MOST_TOKENS = 256  # of a text, where the tokenizer itself names no bound

Floats = NDArray[np.float32]


class TextEmbedder:
    """Embeds questions and documents with the model of one folder.

    Args:
        folder: where the model lies.

    Raises:
        InputError: ``RAG-MODEL``, the folder holds no such model; ``RAG-ONNX``, the libraries are not installed.
    """

    def __init__(self, folder: Path) -> None:
        graph, tokens = model_files(folder)
        self._session, self._tokenizer = session_of(graph), tokenizer_of(tokens)
        most = _told(folder, "sentence_bert_config.json").get("max_seq_length")
        if most:
            self._tokenizer.enable_truncation(int(most))
        self._prompts = _prompts(folder)

    def questions(self, texts: Sequence[str]) -> Floats:
        """Vectors of questions, ``[question, dimension]`` of length 1."""
        return self._vectors([self._prompts.get("query", "") + text for text in texts])

    def documents(self, texts: Sequence[str]) -> Floats:
        """Vectors of documents or chunks, ``[text, dimension]`` of length 1."""
        return self._vectors([self._prompts.get("document", "") + text for text in texts])

    def _vectors(self, texts: Sequence[str]) -> Floats:
        coded = self._tokenizer.encode_batch(list(texts))
        lengths = np.array([len(one.ids) for one in coded], dtype=np.int64)
        made: list[tuple[NDArray[np.int64], Floats]] = []
        for rows in batches(lengths):
            made.append((rows, self._embedded([coded[row] for row in rows])))
        if not made:
            return np.zeros((0, 1), dtype=np.float32)
        vectors = np.zeros((len(texts), made[0][1].shape[1]), dtype=np.float32)
        for rows, part in made:
            vectors[rows] = part
        return vectors

    def _embedded(self, coded: Sequence[Any]) -> Floats:
        fed = padded(coded, [one.name for one in self._session.get_inputs()])
        found = self._session.run(None, fed)[0]
        if found.ndim == 3:  # a vector for each token: their mean
            mask = _rectangle([one.attention_mask for one in coded]).astype(np.float32)[:, :, None]
            found = (found * mask).sum(axis=1) / np.maximum(mask.sum(axis=1), 1.0)
        return unit(np.asarray(found, dtype=np.float32))


class Embedder(Protocol):
    """Turns texts into vectors of length 1."""

    def questions(self, texts: Sequence[str]) -> Floats:
        """Vectors of questions."""
        ...

    def documents(self, texts: Sequence[str]) -> Floats:
        """Vectors of documents or chunks."""
        ...


@lru_cache(maxsize=2)
def embedder_of(name: str) -> Embedder:
    """The embedder of a folder, or of an endpoint (`sevenstep.tasks.rag.retrieval.calling.called`); opened once."""
    return CalledEmbedder(name) if name.startswith("{") else TextEmbedder(Path(name))


def model_files(folder: Path) -> tuple[Path, Path]:
    """The graph and the tokenizer of a model's folder; raises `InputError` ``RAG-MODEL`` where they are not there."""
    graphs, tokens = sorted(folder.rglob("*.onnx")), folder / "tokenizer.json"
    if len(graphs) != 1 or not tokens.is_file():
        given = (
            f"the folder '{folder.name}' holds {len(graphs)} *.onnx files and {'a' if tokens.is_file() else 'no'} tokenizer.json"
        )
        rule = "a model is a folder with one *.onnx file and its tokenizer.json"
        raise InputError("RAG-MODEL", given, rule, "name the folder of an exported model")
    return graphs[0], tokens


def checksum_of(folder: str) -> str:
    """A hash of the model's weights, so that what was made with others is not taken for its own."""
    with model_files(Path(folder))[0].open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def session_of(graph: Path) -> Any:
    """The model of a graph, on the CPU; raises `InputError` ``RAG-ONNX`` where the library is missing."""
    try:
        import onnxruntime  # late: an extra
    except ModuleNotFoundError:
        raise _missing("onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])


def tokenizer_of(path: Path) -> Any:
    """The tokenizer of a file, which cuts texts off where the model would; raises `InputError` ``RAG-ONNX``."""
    try:
        from tokenizers import Tokenizer  # late: an extra
    except ModuleNotFoundError:
        raise _missing("tokenizers") from None
    found = Tokenizer.from_file(str(path))
    found.no_padding()
    if found.truncation is None:
        found.enable_truncation(MOST_TOKENS)
    return found


def padded(coded: Sequence[Any], wanted: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """What a model is fed of tokenized texts: those of its inputs that it asks for, padded with 0."""
    fields = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
    return {name: _rectangle([getattr(one, field) for one in coded]) for name, field in fields.items() if name in wanted}


def _rectangle(rows: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    table = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table


def batches(lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Rows of like length together, as many as `TOKENS_AT_ONCE` allows."""
    order = np.argsort(lengths, kind="stable")
    found, start = [], 0
    while start < len(order):
        end = start + 1
        while end < len(order) and (end + 1 - start) * lengths[order[end]] <= TOKENS_AT_ONCE:
            end += 1
        found.append(order[start:end])
        start = end
    return found


def _prompts(folder: Path) -> dict[str, str]:
    told = _told(folder, "config_sentence_transformers.json").get("prompts") or {}
    return {"query": told.get("query", ""), "document": told.get("document", told.get("passage", ""))}


def _told(folder: Path, name: str) -> dict[str, Any]:
    """What a file of the folder says, as JSON; nothing where it is not there."""
    path = folder / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _missing(library: str) -> InputError:
    rule = "a model in a folder is run by onnxruntime with tokenizers, which are an extra"
    return InputError("RAG-ONNX", f"{library} is not installed", rule, "pip install 'sevenstep[dense]'")
