"""What answers came to: the figure of each question for each metric a KPI may name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sevenstep.stats.answers import answer_f1, exact_match, groundedness
from sevenstep.tasks.answers import ABSTAINED, CONFIDENCE
from sevenstep.tasks.rag.found import Answer
from sevenstep.tasks.rag.text.sentences import sentences

__all__ = ["answer_groundedness", "figures_of"]

Figures = NDArray[np.float64]


def figures_of(
    answers: Sequence[Answer], known: Sequence[Sequence[str]], seconds: Sequence[float], language: str, metrics: Sequence[str]
) -> Mapping[str, Figures]:
    """Figures by metric, which questions were refused, and how sure each answer was; NaN where something is not measured.

    Args:
        answers: one a question.
        known: the right answers of each; none where none is known.
        seconds: how long each took.
        language: by whose rules answers are compared.
        metrics: those asked for, the leading one first.
    """
    pairs = list(zip(answers, known, strict=True))
    refused = np.array([float(bool(answer.refused)) if right else np.nan for answer, right in pairs])
    makers: Mapping[str, Callable[[], Sequence[float] | Figures]] = {
        "answer_f1": lambda: [answer_f1(answer.text, right, language) for answer, right in pairs],
        "exact_match": lambda: [exact_match(answer.text, right, language) for answer, right in pairs],
        "groundedness": lambda: [answer_groundedness(answer) for answer in answers],
        "abstention_error": lambda: refused,  # every question with a known answer should have been answered
        "latency_ms": lambda: 1000 * np.array(seconds),
        "cost_usd": lambda: [answer.usd for answer in answers],
    }
    made = {metric: np.array(makers[metric](), np.float64) for metric in metrics}
    sure = np.array([np.nan if answer.confidence is None else answer.confidence for answer in answers])
    return {**made, ABSTAINED: refused, CONFIDENCE: sure}


def answer_groundedness(answer: Answer) -> float:
    """How far the sentences of an answer stand in the quotes it cites; NaN for a refusal, which claims nothing."""
    said = [answer.text[start:end] for start, end in sentences(answer.text)]
    return groundedness(said, [[citation.quote for citation in answer.citations]] * len(said))
