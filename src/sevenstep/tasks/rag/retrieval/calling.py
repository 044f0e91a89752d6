"""Vectors of texts by a model behind an endpoint, asked in batches; every call is kept, so none is paid for twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.endpoints.client import Client
from sevenstep.endpoints.endpoint import Endpoint
from sevenstep.endpoints.keeping import kept_calls
from sevenstep.tasks.rag.retrieval.latent import unit

__all__ = ["CalledEmbedder", "called"]


def called(endpoint: Endpoint, model: str, batch: int) -> str:
    """How a layout names a model behind an endpoint; holds no secret."""
    return json.dumps({"endpoint": endpoint.to_json(), "model": model, "batch": batch}, sort_keys=True)


class CalledEmbedder:
    """Embeds questions and documents by calls.

    Args:
        name: what `called` gave.

    Raises:
        EndpointFailed: from its methods, where the endpoint gives no usable answer.
        BudgetSpent: from its methods, where the next call could cost more than is left.
    """

    def __init__(self, name: str) -> None:
        about: dict[str, Any] = json.loads(name)
        self._endpoint, self._model = Endpoint.from_json(about["endpoint"]), str(about["model"])
        self._batch = int(about["batch"])

    def questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of questions, ``[question, dimension]`` of length 1."""
        return self._vectors(texts)

    def documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of documents or chunks, ``[text, dimension]`` of length 1."""
        return self._vectors(texts)

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, 1), dtype=np.float32)
        with Client(self._endpoint, kept_calls()) as client:
            parts = [client.embed(texts[at : at + self._batch], self._model) for at in range(0, len(texts), self._batch)]
        return unit(np.concatenate(parts))
