"""From a fold's answered questions to an answerer that knows how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from sevenstep.stats.answers import answer_f1
from sevenstep.tasks.rag.answering.confidence import Confidence, fit_confidence
from sevenstep.tasks.rag.answering.extractive import ExtractiveAnswerer
from sevenstep.tasks.rag.answering.scorer import DEFAULTS, Example, fit_scorer

__all__ = ["MOST_TAUGHT", "fit_extractive", "spread"]

MOST_TAUGHT = 700
"""Questions learnt from at most: more take longer and add little."""

T = TypeVar("T")

_PARTS = 4  # one of them is answered by what the others teach, to learn how sure an answer is
_MOST_GRADED = 400  # questions learnt from for that, and
_MOST_ASKED = 200  # questions answered
_ROUNDS, _RATE = 0.4, 2.0  # of the trees: fewer that learn faster say about the same


def fit_extractive(
    examples: Sequence[Example], language: str, parameters: Mapping[str, Any], seed: int
) -> ExtractiveAnswerer | None:
    """Learn to answer, and how sure an answer is.

    Args:
        examples: answered questions with their passages.
        language: of the documents.
        parameters: of the trees (`DEFAULTS`), and ``style``.
        seed: of everything random.

    Returns:
        None where no question has an answer among its passages.
    """
    own = {name: parameters[name] for name in DEFAULTS if name in parameters}
    scorer = fit_scorer(examples, language, own, seed)
    if scorer is None:
        return None
    return ExtractiveAnswerer(scorer, _confidence(examples, language, own, seed), parameters.get("style", "short"))


def _confidence(examples: Sequence[Example], language: str, parameters: Mapping[str, Any], seed: int) -> Confidence:
    """How sure answers are, from questions answered by what the questions of other groups teach."""
    groups = {group: number % _PARTS for number, group in enumerate(sorted({example.group for example in examples}))}
    taught = [example for example in examples if groups[example.group] != 0]
    asked = [example for example in examples if groups[example.group] == 0]
    settings = {**DEFAULTS, **parameters}
    quick = {
        **parameters,
        "rounds": int(settings["rounds"] * _ROUNDS),
        "learning_rate": settings["learning_rate"] * _RATE,
        "bags": 1,
    }
    scorer = fit_scorer(spread(taught, _MOST_GRADED), language, quick, seed) if taught else None
    if scorer is None:
        return Confidence()
    answerer, grades, scores = ExtractiveAnswerer(scorer), list[float](), list[float]()
    for example in spread(asked, _MOST_ASKED):
        best = answerer.best(example.question, example.passages)
        if best is not None and example.answers:
            passage, start, end, grade = best
            grades.append(grade)
            scores.append(answer_f1(passage.text[start:end], example.answers, language))
    return fit_confidence(np.array(grades), np.array(scores))


def spread(values: Sequence[T], most: int) -> list[T]:
    """At most so many of them, evenly spread."""
    return [values[at] for at in np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(int)]
