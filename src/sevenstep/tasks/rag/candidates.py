"""The ways to find passages as data: what each is, when it is worth a try, and what the search may change.

All are one pipeline with other settings: BM25 over terms, feedback, a second view of the same text, a latent space, an embedding,
a ranker. So a search turns chunk size, tokenizer, weights and ranker together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sevenstep.tasks.contract import Range

__all__ = ["MENU_NAMES", "PARAMETERS", "TOKENIZERS_TRIED", "Entry", "Situation", "catalog_of"]

SECOND = {"ko": "stems", "en": "grams", "other": "grams"}
"""The second way to look at texts of each language: what the first one joins or parts too much."""

MIXED = {"stems": 0.4, "grams": 0.7}
"""What the second way counts beside the first one to begin with. A ranker weighs it anew, so that it begins with 0.4 for both."""

TOKENIZERS_TRIED = {"ko": ("bigrams", "stems"), "en": ("english", "words"), "other": ("words", "grams")}
"""What a search turns the first way into, besides the one to begin with."""

LATENT, LATENT_LARGE = 256, 128
FEWEST_JUDGED = 60  # questions with a relevant document from which a ranker is learnt
LARGE = 50_000
"""Documents from which there is no second view and sentences are not looked at one by one, so that questions stay quick."""

WEIGHTS: Mapping[str, Range] = {"k1": Range(0.6, 2.4), "b": Range(0.2, 0.95), "title": Range(0.0, 0.6)}
MIX: Mapping[str, Range] = {"mix": Range(0.0, 1.0)}
FEEDBACK: Mapping[str, Range] = {"feedback": Range(choices=(0, 10, 20, 40)), "feedback_weight": Range(0.05, 0.6)}
RANKER: Mapping[str, Range] = {"strength": Range(0.05, 3.0, log=True), "depth": Range(choices=(50, 100, 150))}

PARAMETERS: Mapping[str, Sequence[str]] = {
    "bm25": ("k1", "b", "title", "size", "overlap", "tokenizer"),
    "lexical": ("k1", "b", "title", "mix", "feedback", "feedback_weight", "size", "overlap", "tokenizer"),
    "dense": ("dense", "size", "overlap"),
    "graded": ("k1", "b", "title", "mix", "graded", "grade_weight", "size", "overlap", "tokenizer"),
    "ranked": (
        "k1", "b", "title", "mix", "feedback", "feedback_weight", "dense", "strength", "depth", "size", "overlap", "tokenizer"
    ),
}  # fmt: skip
"""What a person may set or search, by family."""

MENU_NAMES = ("bm25", "lexical", "lexical with feedback", "embedding", "embedding with terms", "learned ranker",
              "learned ranker with embedding", "graded by a model")  # fmt: skip


@dataclass(frozen=True)
class Situation:
    """What speaks for or against a candidate.

    Args:
        language: of the questions.
        tokenizer: the first of those to use.
        documents: how many.
        judged: questions with a relevant document.
        embedding: folder of an embedding model, or one behind an endpoint; empty for none.
        grader: folder of a model that grades question and chunk together; empty for none.
    """

    language: str
    tokenizer: str
    documents: int
    judged: int
    embedding: str = ""
    grader: str = ""


@dataclass(frozen=True)
class Entry:
    """A candidate of the catalogue."""

    name: str
    family: str
    fits: Callable[[Situation], bool]
    reason: str
    parameters: Mapping[str, Any]
    space: Mapping[str, Range] = field(default_factory=dict)
    seconds: float = 0.002
    """For each question, over five thousand chunks on one core."""
    baseline: bool = False
    asked: bool = False
    searched: bool = False


def catalog_of(situation: Situation) -> list[Entry]:
    """Every candidate there is for a situation, in the order of its worth."""
    large = situation.documents >= LARGE
    plain = "english" if situation.language == "en" else "words"
    terms = {"tokenizer": situation.tokenizer, "k1": 1.2, "b": 0.75, "title": 0.2}
    second = SECOND[situation.language]
    mixed = terms if large else {**terms, "second": second, "mix": MIXED[second]}
    latent = {"latent": LATENT_LARGE if large else LATENT, "sentences": not large}
    ranked = {**mixed, **latent, "ranked": True, "strength": 1.0, "depth": 100} | ({} if large else {"mix": 0.4})
    mix = {} if large else MIX
    dense = {"embedding": situation.embedding}
    has_model = bool(situation.embedding)
    return [
        Entry("bm25", "bm25", _always, "what a search engine finds as it comes", {"tokenizer": plain, "k1": 1.5, "b": 0.75},
              seconds=0.001, baseline=True),
        Entry("lexical", "lexical", _always, "two ways to look at words, weighed against each other", mixed,
              {**WEIGHTS, **mix}, 0.004),
        Entry("learned ranker", "ranked", _judged, "judged questions teach how much each sign of a good passage counts", ranked,
              {**WEIGHTS, **mix, **FEEDBACK, **RANKER}, 0.012),
        Entry("lexical with feedback", "lexical", _always, "words of the first passages found widen the question",
              {**mixed, "feedback": 20, "feedback_weight": 0.2}, {**WEIGHTS, **mix, **FEEDBACK}, 0.006),
        Entry("learned ranker with embedding", "ranked", lambda _: has_model and _judged(situation),
              "judged questions teach how much words and meaning count", {**ranked, **dense, "dense": 1.0},
              {**WEIGHTS, **mix, "dense": Range(0.3, 3.0, log=True), **RANKER}, 0.02),
        Entry("embedding with terms", "lexical", lambda _: has_model, "meaning and words find different passages",
              {**mixed, **dense, "dense": 1.0}, {**WEIGHTS, **mix, "dense": Range(0.2, 4.0, log=True)}, 0.01),
        Entry("graded by a model", "graded", lambda _: bool(situation.grader),
              "the model the spec names reads question and passage together",
              {**(ranked if _judged(situation) else mixed), "grader": situation.grader, "graded": 20, "grade_weight": 1.0},
              {**mix, "grade_weight": Range(0.2, 5.0, log=True), "graded": Range(choices=(10, 20, 40))}, 0.3),
        Entry("embedding", "dense", lambda _: has_model, "the model the spec names, alone",
              {**terms, **dense, "dense": 1000.0}, {}, 0.008),
    ]  # fmt: skip


def _always(situation: Situation) -> bool:
    return True


def _judged(situation: Situation) -> bool:
    return situation.judged >= FEWEST_JUDGED
