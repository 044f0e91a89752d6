"""What a search may turn: how a question is looked for in an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """How a question is looked for.

    Args:
        k1: how much further occurrences of a term add.
        b: how much longer chunks are discounted, 0 to 1.
        title: weight of the title's own BM25 beside that of chunk and title together.
        mix: weight of the second view, each view being scaled to its best chunk.
        dense: weight of the embedding's cosine, likewise; 0 where there is none.
        feedback: terms taken from the first chunks found to widen the question; 0 for none.
        feedback_weight: what such a term counts beside one of the question.
        ranked: whether a ranker learnt on judgements orders what is found.
        strength: how strongly its weights are drawn to 0.
        depth: chunks it orders.
        grader: folder of a model that grades question and chunk together; empty for none.
        graded: chunks it grades, the best ones.
        grade_weight: what its grade counts beside the score so far, both scaled to spread 1 among those graded.
    """

    k1: float = 1.2
    b: float = 0.75
    title: float = 0.0
    mix: float = 0.0
    dense: float = 0.0
    feedback: int = 0
    feedback_weight: float = 0.3
    ranked: bool = False
    strength: float = 0.3
    depth: int = 100
    grader: str = ""
    graded: int = 20
    grade_weight: float = 1.0

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Settings:
        """From JSON values; others among them are left alone."""
        own = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in own})

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)
