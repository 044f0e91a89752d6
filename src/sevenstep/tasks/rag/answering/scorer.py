"""The learnt judgement of how far a stretch is the answer: boosted trees over what is known of it, kept as LightGBM's own text.

Two kinds of trees judge together: some learn the token F1 a stretch would have (cross entropy), some which stretch of a question
comes first (Bruch, 2021, An alternative cross entropy loss for learning-to-rank). A weighted sum has a say too. The scores
become chances among the stretches of a question, and the best answer is the one of highest expected overlap: neighbours that are
nearly the same speak for what they share (minimum Bayes risk; Kumar and Byrne, 2004).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sevenstep.stats.answers import answer_f1
from sevenstep.tasks.rag.answering.lexical import Lexicon, fit_lexicon
from sevenstep.tasks.rag.answering.material import Material, Words, material_of
from sevenstep.tasks.rag.answering.weighing import Weighing, fit_weighing, taken_apart
from sevenstep.tasks.rag.found import Passage

__all__ = ["Example", "SpanScorer", "fit_scorer"]

Floats = npt.NDArray[np.float32]

DEFAULTS: Mapping[str, float] = {
    "rounds": 300, "learning_rate": 0.06, "leaves": 31, "least_in_leaf": 40, "feature_share": 0.4, "row_share": 0.7, "ridge": 5.0,
    "bags": 1, "sharpness": 5.0,
}  # fmt: skip
_WORDS = re.compile(r"\w+")
_WRONG = 70  # stretches that are wrong, learnt from for each question
_RIGHT = 15  # and nearly right
_NEARLY = 0.35  # token F1 from which a stretch counts as nearly right
_PARTS = 3  # word-for-word rules are learnt without the part of the questions whose stretches they grade for the trees
_VOICES = 60  # stretches whose chances count
_STEPS = 4  # of the token F1, where only the order is learnt
_WEIGHED = 0.2  # what the weighted sum counts beside the trees
_FIRST_LOOK, _LOOKED_AT = 30, 400  # trees that pick the stretches all trees look at, and how many those are


@dataclass(frozen=True)
class Example:
    """An answered question with the passages that were found for it; questions of one ``group`` are kept together."""

    question: str
    answers: Sequence[str]
    passages: Sequence[Passage]
    group: str


@dataclass(frozen=True)
class SpanScorer:
    """Grades stretches.

    Args:
        language: by whose rules answers are compared, ``ko`` or another.
        words: how much each word says.
        lexicon: word-for-word rules.
        weighing: weights of what is known of a stretch.
        trees: LightGBM's text, two for each bag; the mean of their scores is what counts.
        sharpness: how much a difference of scores says; the higher, the less do neighbours of the best stretch count.
    """

    language: str
    words: Words
    lexicon: Lexicon
    weighing: Weighing
    trees: tuple[str, ...]
    sharpness: float

    @cached_property
    def _boosters(self) -> Sequence[Any]:
        import lightgbm  # late: only where something is answered

        return [lightgbm.Booster(model_str=trees) for trees in self.trees]

    def _scores(self, rows: Floats, trees: int | None = None) -> Floats:
        made = [booster.predict(rows, num_iteration=trees, raw_score=True, num_threads=1) for booster in self._boosters]
        return np.asarray(np.mean(made, axis=0), np.float32)

    def material(self, question: str, passages: Sequence[Passage]) -> Material | None:
        """What is known of all stretches of the passages; None where there are none."""
        return material_of(question, passages, self.language == "ko", self.words)

    def grade(self, material: Material) -> Floats:
        """Expected overlap with the answer of each stretch, 0 to 1; 0 for those that are far behind."""
        lexical = self.lexicon.grade(material.pairs)
        rows = _rows(material, lexical)
        ahead = np.arange(len(rows))
        if len(rows) > _LOOKED_AT:
            ahead = np.argpartition(-self._scores(rows, _FIRST_LOOK), _LOOKED_AT)[:_LOOKED_AT]
        weighed = self.weighing.grade(material.values[ahead], material.names, material.question.kind, lexical[ahead])
        scores = self._scores(rows[ahead]) + _WEIGHED * weighed
        best = np.argsort(-scores, kind="stable")[:_VOICES]
        chances = np.exp(self.sharpness * (scores[best] - scores[best[0]]))
        grades = np.zeros(len(rows), np.float32)
        grades[ahead[best]] = _overlaps(material, ahead[best]) @ (chances / chances.sum())
        return grades

    def save(self, folder: Path) -> None:
        """Write ``scorer.json``, ``lexicon.npy``, ``weighing.npy`` and the trees of each bag."""
        about = {
            "language": self.language, "sentences": self.words.sentences, "counts": dict(self.words.counts),
            "trees": len(self.trees), "sharpness": self.sharpness,
        }  # fmt: skip
        (folder / "scorer.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
        np.save(folder / "lexicon.npy", self.lexicon.weights, allow_pickle=False)
        np.save(folder / "weighing.npy", self.weighing.weights, allow_pickle=False)
        for number, trees in enumerate(self.trees):
            (folder / f"trees-{number}.txt").write_text(trees, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> SpanScorer:
        """Read back what `save` wrote."""
        about = json.loads((folder / "scorer.json").read_text(encoding="utf-8"))
        lexicon = Lexicon(np.load(folder / "lexicon.npy", allow_pickle=False))
        weighing = Weighing(np.load(folder / "weighing.npy", allow_pickle=False))
        trees = tuple((folder / f"trees-{number}.txt").read_text(encoding="utf-8") for number in range(about["trees"]))
        return cls(about["language"], Words(about["counts"], about["sentences"]), lexicon, weighing, trees, about["sharpness"])


def _rows(material: Material, lexical: Floats) -> Floats:
    return np.hstack([material.values, lexical[:, None]])


@dataclass(frozen=True)
class _Sample:
    """Stretches of one question that are learnt from."""

    values: Floats
    names: Sequence[str]
    kind: str
    pairs: npt.NDArray[np.int32]
    overlap: Floats
    group: str


def fit_scorer(examples: Sequence[Example], language: str, parameters: Mapping[str, Any], seed: int) -> SpanScorer | None:
    """Learn from answered questions.

    Args:
        examples: with passages as they will be found, right and wrong ones alike.
        language: of the passages.
        parameters: any of `DEFAULTS`.
        seed: of everything random.

    Returns:
        None where no question has an answer among its passages: there is nothing to learn from.
    """
    texts = sorted({passage.text for example in examples for passage in example.passages})
    words = Words.of(texts, language == "ko")
    made = (_sample(example, language, words, seed + number) for number, example in enumerate(examples))
    samples = [sample for sample in made if sample is not None]
    if not any((sample.overlap > _NEARLY).any() for sample in samples):
        return None
    pairs, overlap = np.vstack([one.pairs for one in samples]), np.concatenate([one.overlap for one in samples])
    part = _parts(samples)
    lexical = np.empty(len(overlap), np.float32)
    for number in np.unique(part):
        inside = part == number
        rest = ~inside if not inside.all() else inside
        lexical[inside] = fit_lexicon(pairs[rest], overlap[rest], seed).grade(pairs[inside])
    values = np.hstack([np.vstack([one.values for one in samples]), lexical[:, None]])
    settings = {**DEFAULTS, **parameters}
    sizes = [len(one.overlap) for one in samples]
    ends = np.cumsum(sizes)[:-1]
    apart = [taken_apart(one.values, one.names, one.kind, own) for one, own in zip(samples, np.split(lexical, ends), strict=True)]
    weighing = fit_weighing(apart, [one.overlap for one in samples])
    trees = tuple(grown for bag in range(int(settings["bags"])) for grown in _grown(values, overlap, sizes, settings, seed + bag))
    return SpanScorer(language, words, fit_lexicon(pairs, overlap, seed), weighing, trees, float(settings["sharpness"]))


def _sample(example: Example, language: str, words: Words, seed: int) -> _Sample | None:
    """All right stretches of a question, some nearly right and some wrong ones."""
    material = material_of(example.question, example.passages, language == "ko", words)
    if material is None or not example.answers:
        return None
    known = {text: answer_f1(text, example.answers, language) for text in _alike(set(material.texts), example.answers, language)}
    overlap = np.array([known.get(text, 0.0) for text in material.texts], np.float32)
    random = np.random.default_rng(seed)
    right, nearly = np.flatnonzero(overlap == 1.0), np.flatnonzero((overlap > _NEARLY) & (overlap < 1.0))
    wrong = np.flatnonzero(overlap <= _NEARLY)
    chosen = np.sort(np.concatenate([right, _some(nearly, _RIGHT, random), _some(wrong, _WRONG, random)]))
    exact = np.array([answer_f1(material.texts[one], example.answers, language) for one in chosen], np.float32)
    return _Sample(material.values[chosen], material.names, material.question.kind, material.pairs[chosen], exact, example.group)


def _alike(texts: set[str], answers: Sequence[str], language: str) -> list[str]:
    """Texts that may be nearly right: few are, and the official comparison of all would take most of the time of learning."""
    kept = []
    for units in (_units(answer, language) for answer in answers):
        known, count = set(units), len(units)
        for text in texts:
            common = sum(unit in known for unit in _units(text, language))
            if 2 * common > _NEARLY * (common + count):
                kept.append(text)
    return kept


def _units(text: str, language: str) -> Sequence[str]:
    return text.lower() if language == "ko" else _WORDS.findall(text.lower())


def _some(numbers: npt.NDArray[np.int64], most: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    return numbers if len(numbers) <= most else random.choice(numbers, most, replace=False)


def _parts(samples: Sequence[_Sample]) -> npt.NDArray[np.int64]:
    """The part each stretch belongs to: whole groups, as evenly as they go."""
    groups = sorted({sample.group for sample in samples})
    number = {group: place % _PARTS for place, group in enumerate(groups)}
    return np.concatenate([np.full(len(sample.overlap), number[sample.group]) for sample in samples])


def _overlaps(material: Material, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """How far stretches are the same, ``[stretch, stretch]``: 2 common / (one + other) of their letters, 0 in other passages."""
    starts, ends, passage = material.starts[chosen], material.ends[chosen], material.passage[chosen]
    common = np.minimum(ends[:, None], ends) - np.maximum(starts[:, None], starts)
    sizes = ends - starts
    same = np.where(passage[:, None] == passage, np.maximum(common, 0) * 2 / (sizes[:, None] + sizes), 0.0)
    texts = np.array([material.texts[one].lower() for one in chosen])
    return np.asarray(np.maximum(same, texts[:, None] == texts), np.float64)


def _grown(values: Floats, overlap: Floats, sizes: Sequence[int], parameters: Mapping[str, Any], seed: int) -> tuple[str, str]:
    """Trees that learn the token F1 of a stretch, and trees that learn which of a question's ``sizes`` stretches comes first."""
    import lightgbm  # late: only where something is learnt

    settings = {
        "learning_rate": parameters["learning_rate"], "num_leaves": int(parameters["leaves"]),
        "min_data_in_leaf": int(parameters["least_in_leaf"]), "feature_fraction": parameters["feature_share"],
        "bagging_fraction": parameters["row_share"], "bagging_freq": 1, "lambda_l2": parameters["ridge"], "seed": seed,
        "objective_seed": seed, "deterministic": True, "force_col_wise": True, "num_threads": 1, "verbosity": -1,
    }  # fmt: skip
    rounds = int(parameters["rounds"])
    alone = lightgbm.Dataset(values, overlap, params={"verbosity": -1})
    together = lightgbm.Dataset(values, np.round(overlap * _STEPS).astype(int), group=sizes, params={"verbosity": -1})
    return (
        str(lightgbm.train({**settings, "objective": "cross_entropy"}, alone, rounds).model_to_string()),
        str(lightgbm.train({**settings, "objective": "rank_xendcg"}, together, rounds).model_to_string()),
    )
