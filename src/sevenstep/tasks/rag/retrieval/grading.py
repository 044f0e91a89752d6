"""A model that reads question and chunk together and grades how well they fit: a cross-encoder from a folder a person names.

It reads every pair anew, so it grades the best chunks alone. Nogueira and Cho (2019), Passage re-ranking with BERT.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.rag.retrieval.embedding import batches, model_files, padded, session_of, tokenizer_of

__all__ = ["Grader", "grader_of"]


class Grader:
    """Grades chunks for a question with the model of one folder.

    Args:
        folder: holds one ``*.onnx`` file, whose output is one number for each pair, and its ``tokenizer.json``.

    Raises:
        InputError: ``RAG-MODEL``, the folder holds no such model; ``RAG-ONNX``, the libraries are not installed.
    """

    def __init__(self, folder: Path) -> None:
        graph, tokens = model_files(folder)
        self._session, self._tokenizer = session_of(graph), tokenizer_of(tokens)

    def grades(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """The grade of each text, higher where it fits better."""
        coded = self._tokenizer.encode_batch([(question, text) for text in texts])
        grades = np.zeros(len(texts))
        for rows in batches(np.array([len(one.ids) for one in coded], dtype=np.int64)):
            fed = padded([coded[row] for row in rows], [one.name for one in self._session.get_inputs()])
            grades[rows] = np.asarray(self._session.run(None, fed)[0], dtype=np.float64).reshape(len(rows), -1)[:, -1]
        return grades


@lru_cache(maxsize=2)
def grader_of(folder: str) -> Grader:
    """The grader of a folder; loaded once."""
    return Grader(Path(folder))
