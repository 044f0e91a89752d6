"""The task of answering questions from documents: the contract's methods, each one line into the room that does the work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.chapter import Block
from sevenstep.data.dataset import Dataset, Finding, Roles
from sevenstep.data.documents.golden import Proposal
from sevenstep.spec.brief import Brief
from sevenstep.tasks.blending import weighted_mean
from sevenstep.tasks.contract import Candidate, Feasibility, Fitted, Fold, Model, Plan, Profile, Stage
from sevenstep.tasks.rag.checks import check
from sevenstep.tasks.rag.explore import explore
from sevenstep.tasks.rag.feasibility import probe
from sevenstep.tasks.rag.folds import rows_of
from sevenstep.tasks.rag.grammar import GRAMMAR
from sevenstep.tasks.rag.members import MEMBERS, load_member
from sevenstep.tasks.rag.plan import make_plan
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieval.layout import Layout
from sevenstep.tasks.rag.roles import find_roles
from sevenstep.tasks.rag.scoring import score_table
from sevenstep.tasks.rag.segments import segment_scores
from sevenstep.tasks.scoretable import ScoreTable

__all__ = ["RagTask"]


class RagTask:
    """Questions answered from documents."""

    grammar = GRAMMAR

    def roles(
        self, items: pl.DataFrame, brief: Brief, sources: Mapping[str, Sequence[str]]
    ) -> tuple[Roles, Mapping[str, Mapping[str, Any]]]:
        """See `Task.roles`."""
        return find_roles(items, brief, sources)

    def check(self, data: Dataset, brief: Brief) -> Sequence[Finding]:
        """See `Task.check`."""
        return check(data, brief)

    def probe(self, data: Dataset, brief: Brief) -> Sequence[Feasibility]:
        """See `Task.probe`."""
        return probe(data, brief)

    def explore(self, data: Dataset, brief: Brief) -> Profile:
        """See `Task.explore`."""
        return explore(data, brief)

    def propose(self, documents: pl.DataFrame, parts: pl.DataFrame, count: int, known: Iterable[Proposal]) -> Sequence[Proposal]:
        """See `sevenstep.tasks.proposing.Proposes`."""
        from sevenstep.tasks.rag.golden import propose  # late: a run proposes nothing

        return propose(documents, parts, count, known)

    def plan(self, data: Dataset, profile: Mapping[str, Any], recipe: Mapping[str, Any], brief: Brief) -> Plan:
        """See `Task.plan`."""
        return make_plan(data, recipe, brief)

    def stage(self, stage: Mapping[str, Any], data: Dataset) -> Stage:
        """See `Task.stage`: the index of all documents, which knows no question."""
        return CorpusIndex.build(data.tables["documents"], data.tables["parts"], Layout.of(stage))

    def load_stage(self, folder: Path) -> Stage:
        """See `Task.load_stage`; a worker keeps the newest."""
        return _index(folder)

    def fit(self, candidate: Candidate, fold: Fold, data: Dataset, stage: Stage | None, seed: int) -> Fitted:
        """See `Task.fit`."""
        rows, _ = rows_of(fold, data, candidate.target)
        return MEMBERS[candidate.target].fit(candidate, rows, data, cast(CorpusIndex, stage), seed)

    def whole(self, everything: Fold, data: Dataset) -> Fold:
        """See `Task.whole`: the same words stand for all questions of any data."""
        return everything

    def load_fitted(self, folder: Path) -> Fitted:
        """See `Task.load_fitted`."""
        return load_member(folder)

    def score(self, fitted: Fitted, candidate: Candidate, fold: Fold, data: Dataset, stage: Stage | None) -> ScoreTable:
        """See `Task.score`: one row a question."""
        _, rows = rows_of(fold, data, candidate.target)
        figures = MEMBERS[candidate.target].judge(fitted, candidate, rows, data, cast(CorpusIndex, stage))
        return score_table(figures, rows, candidate, fold, data)

    def blend(self, predictions: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Task.blend`: one member alone ever has a weight (`Grammar.blends`)."""
        return weighted_mean(predictions, weights)

    def calibrate(self, scores: ScoreTable, brief: Brief) -> Mapping[str, Any]:
        """See `Task.calibrate`: figures of rankings and answers are as they are; what is to be refused a member learns itself."""
        return {}

    def apply_calibration(self, scores: ScoreTable, calibration: Mapping[str, Any]) -> ScoreTable:
        """See `Task.apply_calibration`."""
        return scores

    def combine(
        self,
        members: Mapping[str, Sequence[tuple[Fitted, float]]],
        calibration: Mapping[str, Mapping[str, Any]],
        data: Dataset,
        brief: Brief,
    ) -> Model:
        """See `Task.combine`."""
        from sevenstep.tasks.rag.model import RagModel  # late: loads what serves answers

        return RagModel.of({target: own[0][0] for target, own in members.items()}, data, brief)

    def load_model(self, folder: Path) -> Model:
        """See `Task.load_model`."""
        from sevenstep.tasks.rag.model import RagModel  # late: loads what serves answers

        return RagModel.load(folder)

    def segment(self, scores: ScoreTable, data: Dataset) -> tuple[ScoreTable, Mapping[str, str]]:
        """See `Task.segment`."""
        return segment_scores(scores, data)

    def pictures(self, step: str, data: Dataset, scores: ScoreTable | None, brief: Brief, model: Model | None) -> Sequence[Block]:
        """See `Task.pictures`."""
        from sevenstep.tasks.rag.pictures import pictures  # late: only where a chapter is drawn

        return pictures(step, data, scores, brief, model)


@lru_cache(maxsize=2)
def _index(folder: Path) -> CorpusIndex:
    return CorpusIndex.load(folder)
