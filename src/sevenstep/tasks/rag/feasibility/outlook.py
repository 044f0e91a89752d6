"""From what simple rules reach to what a finished model is expected to reach, for one KPI.

Ranking: a finished pipeline saves a share of BM25's loss. Answers: of the questions whose answer stands in what is read, a share
is answered right. Both shares are experience, kept here as data with where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sevenstep.spec.brief import Brief
from sevenstep.spec.model import Kpi
from sevenstep.stats.intervals import Estimate, cluster_estimate
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.rag.feasibility.trial import READ, Trial

__all__ = ["Experience", "Outlook", "estimated", "outlook_of"]

_Z90 = 1.645


@dataclass(frozen=True)
class Experience:
    """A share in the middle and at both ends of nine in ten cases, and where it was measured."""

    share: float
    low: float
    high: float
    source: str


_RANKED = Experience(
    0.12, 0.0, 0.25, "share of BM25's loss saved on abstracts and on paragraphs of an encyclopaedia, without pretrained weights"
)
_EMBEDDED = Experience(0.25, 0.05, 0.4, "share of BM25's loss saved by fusion with a pretrained embedding on public test sets")
_QUOTED = Experience(
    0.55, 0.4, 0.7, "F1 of a trained span selection with the right paragraph given: 0.51 on SQuAD (Rajpurkar et al., 2016)"
)
_QUOTED_EXACTLY = Experience(0.42, 0.28, 0.55, "exact match of a trained span selection with the paragraph given: 0.40 on SQuAD")
_WRITTEN = Experience(0.8, 0.6, 0.92, "F1 of generating models with the right paragraph given")


@dataclass(frozen=True)
class Outlook:
    """What is expected of one KPI.

    Args:
        kpi: the KPI.
        measured: what the simple rule reaches; None where nothing can be measured.
        value: what a finished model is expected to reach, with ``low`` and ``high`` of nine in ten cases; None where unknown.
        ceiling: for answers, the share of questions whose answer stands in what is read.
        experience: the share the expectation rests on.
    """

    kpi: Kpi
    measured: Estimate | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    ceiling: Estimate | None = None
    experience: Experience | None = None

    @property
    def lower_is_better(self) -> bool:
        """Whether less is better."""
        return METRICS[self.kpi.metric].direction == "lower"


def estimated(metric: str, figures: NDArray[np.float64], trial: Trial, seed: int) -> Estimate:
    """The mean of a figure a question, its interval over groups of questions."""
    groups = np.array([question.group for question in trial.questions])
    rows = Scored.of(truth=np.ones(len(figures)), prediction=figures)
    return cluster_estimate(METRICS[metric], rows, groups, seed)


def outlook_of(kpi: Kpi, trial: Trial, brief: Brief) -> Outlook:
    """What is expected of a KPI from what the trial found."""
    if "@" in kpi.metric:
        return _ranked(kpi, estimated(kpi.metric, trial.ranking(kpi.metric), trial, brief.seed), brief)
    if kpi.metric in ("answer_f1", "exact_match"):
        return _answered(kpi, trial, brief)
    if kpi.metric == "groundedness":
        return Outlook(kpi, value=1.0, low=0.9 if brief.section.model or brief.section.local else 1.0, high=1.0)
    if kpi.metric == "abstention_error":
        return _refused(kpi, trial, brief)
    return Outlook(kpi)


def _ranked(kpi: Kpi, measured: Estimate, brief: Brief) -> Outlook:
    if measured.value is None:
        return Outlook(kpi)
    width = 0.0 if measured.low is None or measured.high is None else measured.high - measured.low  # none where all are alike
    experience = _EMBEDDED if brief.section.retrieve.embedding is not None else _RANKED
    best = 1.0 - measured.value
    value = 1.0 - best * (1 - experience.share)
    chance = width / 2 / 1.96 * _Z90
    down = float(np.hypot(best * (experience.share - experience.low), chance))
    up = float(np.hypot(best * (experience.high - experience.share), chance))
    return Outlook(kpi, measured, value, max(value - down, 0.0), min(value + up, 1.0), experience=experience)


def _answered(kpi: Kpi, trial: Trial, brief: Brief) -> Outlook:
    measured = estimated(kpi.metric, trial.answer(kpi.metric), trial, brief.seed)
    ceiling = estimated("exact_match", trial.holding(READ), trial, brief.seed)
    if measured.value is None or ceiling.value is None:
        return Outlook(kpi)
    written = brief.section.model is not None or brief.section.local is not None
    quoted = _QUOTED if kpi.metric == "answer_f1" else _QUOTED_EXACTLY
    experience = _WRITTEN if written else quoted
    low, value, high = (
        max(ceiling.value * share, measured.value) for share in (experience.low, experience.share, experience.high)
    )
    return Outlook(kpi, measured, value, low, min(high, 1.0), ceiling, experience)


def _refused(kpi: Kpi, trial: Trial, brief: Brief) -> Outlook:
    known = np.array([np.nan if question.answers is None else float(not question.answers) for question in trial.questions])
    measured = estimated(kpi.metric, known, trial, brief.seed)
    if measured.value is None:
        return Outlook(kpi)
    return Outlook(kpi, measured, measured.value * 0.8, measured.value * 0.5, measured.value * 1.3)
