"""Pictures only answers from documents can draw: what was found and missed, how answers came out, what planted documents did."""

from __future__ import annotations

from collections.abc import Sequence

from sevenstep.chapter import Block
from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.tasks.contract import Model
from sevenstep.tasks.rag.grammar import ANSWER, PASSAGES
from sevenstep.tasks.rag.model import RagModel
from sevenstep.tasks.rag.pictures.answered import answer_blocks
from sevenstep.tasks.rag.pictures.planted import planted_blocks
from sevenstep.tasks.rag.pictures.ranked import found_blocks
from sevenstep.tasks.scoretable import ScoreTable

__all__ = ["pictures"]


def pictures(step: str, data: Dataset, scores: ScoreTable | None, brief: Brief, model: Model | None) -> Sequence[Block]:
    """Blocks for the chapters of ``tune`` (what was found, answered and missed) and ``operate`` (what planted documents did).

    Args:
        step: name of the step.
        data: the data set.
        scores: out-of-fold scores of the final model's member for one target.
        brief: what the step may read.
        model: the final model, in ``operate``.
    """
    if step == "operate" and isinstance(model, RagModel):
        return planted_blocks(model, data) if brief.section.model is None else []
    if step != "tune" or scores is None or scores.frame.is_empty():
        return []
    blocks = {PASSAGES: found_blocks, ANSWER: answer_blocks}
    return [block for target in scores.frame["target"].unique() for block in blocks[target](scores.of(target=target), data)]
