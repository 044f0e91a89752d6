"""How documents are laid out to be searched: everything about an index that does not depend on any question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from sevenstep.tasks.rag.retrieval.chunks import WHOLE

__all__ = ["Layout"]


@dataclass(frozen=True)
class Layout:
    """What an index holds; candidates with equal layouts share one.

    Args:
        size: characters of a chunk at most; `WHOLE` leaves documents whole.
        overlap: share of a chunk that the next one repeats.
        tokenizer: how chunks and questions are cut into terms.
        second: another way, searched beside it; empty for none.
        latent: dimensions of the latent space learnt on the documents; 0 for none.
        sentences: whether the best sentence of a chunk is looked at too.
        embedding: folder of an embedding model, or what `calling.called` gave for one behind an endpoint; empty for none.
    """

    size: int = WHOLE
    overlap: float = 0.0
    tokenizer: str = "words"
    second: str = ""
    latent: int = 0
    sentences: bool = False
    embedding: str = ""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Layout:
        """From JSON values; others among them are left alone."""
        own = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in own})

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)
