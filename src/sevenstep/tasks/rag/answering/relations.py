"""How a stretch stands to a question: how much of it its sentence says, how near, on which side, and what it repeats."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sevenstep.tasks.rag.answering.asked import KINDS, Asked, asked
from sevenstep.tasks.rag.answering.forms import FORMS_ASKED, HELD, NUMBERS, forms_asked
from sevenstep.tasks.rag.answering.reading import Reading, grams, read
from sevenstep.tasks.rag.answering.spans import Spans
from sevenstep.tasks.rag.answering.traits import Traits

__all__ = ["Relations", "said_share"]

Floats = npt.NDArray[np.float32]
Columns = dict[str, npt.ArrayLike]

_ALIKE, _ALIKE_KOREAN = 0.6, 0.45
"""So much of their pairs of letters two words share at least (Dice) to count as the same: Korean ones are short and bend."""

_FOCUS_ALIKE = 0.5
_FAR = 60.0  # words; further apart is as good as not there
_MISSING = 61.0
_NEARBY = 25.0
_AROUND = 3  # tokens on each side whose own likeness to the question is told
_LAST = 2  # words at the end of the question whose distance is told: the verb, as often as not
_PAD = 4
_APART = 3.0  # words further apart than in the question after which two of its words say little together
_JOINED = 3  # words behind a preposition that it still binds
_PARTING = frozenset(",;:()[]–—")  # marks that begin another clause


class Relations:
    """The relations of all stretches of a passage to a question.

    Args:
        question: what is asked.
        reading: the passage.
        spans: its stretches.
        traits: what is known of them without the question.
        weight: how much a word of a question says (its inverse document frequency).
    """

    def __init__(self, question: Asked, reading: Reading, spans: Spans, traits: Traits, weight: Callable[[str], float]) -> None:
        self.question, self.reading, self.spans, self.traits = question, reading, spans, traits
        weights = np.array([weight(word) for word in question.words], np.float64)
        self._weight = weight
        self._weights = weights / weights.sum() if len(weights) and weights.sum() > 0 else weights

    @cached_property
    def _likeness(self) -> npt.NDArray[np.float64]:
        """How alike each word of the question is to each token, ``[word, token]``; 0 where they are not the same word."""
        made = [_alike(word, self.reading, _least(self.reading)) for word in self.question.words]
        return np.array(made).reshape(len(made), len(self.reading.tokens))

    @cached_property
    def said(self) -> npt.NDArray[np.float64]:
        """Which share of the question each sentence says."""
        return self._said_by(self.reading.sentence)

    def _said_by(self, part: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Which share of the question each part of the passage says; parts are numbered in order, token by token."""
        count = int(part.max()) + 1
        if not len(self._weights):
            return np.zeros(count)
        begun = np.searchsorted(part, np.arange(count))
        said = np.maximum.reduceat(np.hstack([self._likeness, np.zeros((len(self._weights), 1))]), begun, axis=1)
        return np.asarray(self._weights @ said)

    @cached_property
    def _together(self) -> npt.NDArray[np.float64]:
        """How far each sentence says neighbouring words of the question as near to each other as the question does, 0 to 1."""
        sentence, place, there = self.reading.sentence, self.reading.place, self._likeness > 0
        found = np.zeros((max(len(self._weights) - 1, 1), int(sentence.max()) + 1))
        for at, (one, other) in enumerate(pairwise(there)):
            first, then = np.flatnonzero(one), np.flatnonzero(other)
            if len(first) and len(then):
                apart = np.abs(place[then] - place[first][:, None])
                asked_apart = self.question.places[at + 1] - self.question.places[at]
                near = np.exp(-np.maximum(apart - asked_apart, 0) / _APART) * (sentence[then] == sentence[first][:, None])
                np.maximum.at(found[at], sentence[first], near.max(axis=1))
        pairs = self._weights[1:] + self._weights[:-1]
        return np.asarray(pairs @ found / pairs.sum()) if len(pairs) and pairs.sum() > 0 else np.zeros(found.shape[1])

    @property
    def coverage(self) -> float:
        """Which share of the question the passage says, 0 to 1."""
        return float(self._weights @ self._likeness.max(axis=1)) if len(self._weights) and len(self.reading.tokens) else 0.0

    def values(self) -> tuple[Floats, tuple[str, ...]]:
        """A row for each stretch, and the names of the columns."""
        columns = {
            **self._sentences(), **self._repeated(), **self._distances(), **self._focus(), **self._kind(), **self._rarity(),
            **self._join(), **self._forms(),
        }  # fmt: skip
        return np.column_stack([np.asarray(column, np.float32) for column in columns.values()]), tuple(columns)

    def _sentences(self) -> Columns:
        said, sentence = self.said, self.reading.sentence[self.spans.first]
        clauses = self._clauses
        ranks = (-said).argsort(kind="stable").argsort()
        padded = np.concatenate([[0.0], said, [0.0]])
        return {
            "said": said[sentence], "said_rank": ranks[sentence], "said_gap": said[sentence] - said.max(),
            "said_before": padded[sentence], "said_behind": padded[sentence + 2],
            "said_by_passage": np.full(len(self.spans), self.coverage), "said_together": self._together[sentence],
            "said_by_clause": self._said_by(clauses)[clauses[self.spans.first]],
        }  # fmt: skip

    @cached_property
    def _clauses(self) -> npt.NDArray[np.int64]:
        """Number of the clause of each token, as far as marks part them."""
        begins = np.diff(self.reading.sentence, prepend=0) > 0
        return np.cumsum(begins | np.array([token in _PARTING for token in self.reading.tokens], bool))

    def _rarity(self) -> Columns:
        """How much the words of a stretch and those beside it say: answers are rare words in common company."""
        reading, spans = self.reading, self.spans
        says = zip(reading.stems, reading.function, strict=True)
        rare = np.array([0.0 if function else self._weight(stem) for stem, function in says])
        padded, sums = np.pad(rare, 1), np.concatenate([[0.0], np.cumsum(rare)])
        return {
            "rarity": (sums[spans.last + 1] - sums[spans.first]) / spans.words, "rarity_first": rare[spans.first],
            "rarity_last": rare[spans.last], "rarity_before": padded[spans.first], "rarity_behind": padded[spans.last + 2],
        }  # fmt: skip

    def _join(self) -> Columns:
        """Whether a stretch follows the preposition the question asks with, English alone: 1 right behind it, less behind words
        between, -1 not at all; 0 where it asks with none."""
        reading, spans, join = self.reading, self.spans, self.question.join
        if reading.korean:
            return {}
        if not join:
            return {"join_fits": np.zeros(len(spans))}
        told = np.full(len(reading.tokens), -1.0)
        at = -1
        for number, token in enumerate(reading.tokens):
            if number - at <= _JOINED and at >= 0:
                told[number] = 1 / (number - at)
            if token.lower() == join:
                at = number
            elif not reading.is_word[number]:
                at = -1
        return {"join_fits": told[spans.first]}

    def _repeated(self) -> Columns:
        """What of the question stands in a stretch (an answer seldom repeats it) and right beside it."""
        spans, tokens = self.spans, len(self.reading.tokens)
        like = self._likeness if len(self._weights) else np.zeros((1, tokens))
        token = (self._weights[:, None] * self._likeness).max(axis=0) if len(self._weights) else np.zeros(tokens)
        sums = np.concatenate([[0.0], np.cumsum(token)])
        likes = np.concatenate([[0.0], np.cumsum(like.max(axis=0))])
        padded = np.pad(token, _PAD)
        beside: Columns = {}
        for away in range(1, _AROUND + 1):
            beside[f"before_{away}"] = padded[spans.first + _PAD - away]
            beside[f"behind_{away}"] = padded[spans.last + _PAD + away]
        return {
            "repeated": sums[spans.last + 1] - sums[spans.first],
            "repeated_share": (likes[spans.last + 1] - likes[spans.first]) / spans.words,
            "repeated_first": token[spans.first], "repeated_last": token[spans.last], **beside,
        }  # fmt: skip

    @cached_property
    def _away(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Words between each stretch and the nearest place of each word of the question, left and right, ``[word, stretch]``."""
        place, there, spans = self.reading.place, self._likeness > 0, self.spans
        shape = len(self._weights), 1
        left = np.maximum.accumulate(np.where(there, place, -_FAR), axis=1)
        left = np.hstack([np.full(shape, -_FAR), left])[:, spans.first]
        right = np.minimum.accumulate(np.where(there, place, np.inf)[:, ::-1], axis=1)[:, ::-1]
        right = np.hstack([right, np.full(shape, np.inf)])[:, spans.last + 1]
        return np.minimum(place[spans.first] - left, _FAR), np.minimum(right - place[spans.last], _FAR)

    def _distances(self) -> Columns:
        if not len(self._weights):
            return dict.fromkeys(_DISTANCES, np.zeros(len(self.spans)))
        weights, question = self._weights, self.question
        left, right = self._away
        nearest = np.minimum(left, right)
        from_asking = np.abs(question.places - question.asks_at)
        near = weights * np.exp(-from_asking / 2)
        first = weights * (question.places < question.asks_at)
        then = weights - first
        columns: Columns = {f"near_{far}": weights @ np.exp(-nearest / far) for far in (2, 6, 15)}
        columns |= {
            "left": weights @ np.exp(-left / 5), "right": weights @ np.exp(-right / 5),
            "nearest_left": left.min(axis=0), "nearest_right": right.min(axis=0),
            "near_asking": near @ np.exp(-nearest / 4) / max(near.sum(), 1e-6),
            "first_left": first @ np.exp(-left / 6), "first_right": first @ np.exp(-right / 6),
            "then_left": then @ np.exp(-left / 6), "then_right": then @ np.exp(-right / 6),
            "words_near": (nearest < _NEARBY).sum(axis=0),
        }  # fmt: skip
        order, last = from_asking.argsort(kind="stable"), question.places.argsort(kind="stable")[::-1]
        for rank in range(_AROUND):
            columns |= self._word("asking", rank, order, left, right)
        for rank in range(_LAST):
            columns |= self._word("last", rank, last, left, right)
        return columns

    def _word(
        self, name: str, rank: int, order: npt.NDArray[np.int64], left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]
    ) -> Columns:
        """How far the word of the question is that stands at ``rank`` of an order, and on which side."""
        if rank >= len(order):
            return {f"{name}_{rank}": np.full(len(self.spans), _MISSING), f"{name}_side_{rank}": np.zeros(len(self.spans))}
        left, right = left[order[rank]], right[order[rank]]
        nearest = np.minimum(left, right)
        side = np.where(left < right, 1.0, -1.0) * (nearest < _FAR / 2)
        return {f"{name}_{rank}": nearest, f"{name}_side_{rank}": side}

    def _focus(self) -> Columns:
        """How a stretch stands to the noun asked after: "영화 **감독** 홍상수", "법률적용**법**"."""
        focus, spans = self.question.focus.lstrip("="), self.spans
        token = _alike(focus, self.reading, _FOCUS_ALIKE) if focus else np.zeros(len(self.reading.tokens))
        padded, sums = np.pad(token, _PAD), np.concatenate([[0.0], np.cumsum(token)])
        ends = {text: _common_ending(text.lower(), focus) for text in set(spans.texts)} if focus else {}
        return {
            "focus_ending": [ends.get(text, 0) for text in spans.texts],
            "focus_before_1": padded[spans.first + _PAD - 1], "focus_before_2": padded[spans.first + _PAD - 2],
            "focus_behind_1": padded[spans.last + _PAD + 1], "focus_behind_2": padded[spans.last + _PAD + 2],
            "focus_inside": sums[spans.last + 1] - sums[spans.first], "focus_last": padded[spans.last + _PAD],
        }  # fmt: skip

    def _kind(self) -> Columns:
        question, count = self.question, len(self.spans)
        form = self.traits.fits.get(question.kind)
        fits = [bool(unit) and unit.startswith(question.unit) for unit in self.traits.units] if question.unit else np.zeros(count)
        return {
            "unit_fits": fits, "unit_asked": np.full(count, bool(question.unit)),
            "kind": np.full(count, KINDS.index(question.kind)),
            "question_words": np.full(count, len(question.words)), "asks_at": np.full(count, question.asks_at),
            "form": np.full(count, question.form), "form_fits": np.zeros(count) if form is None else 2 * form - 1,
        }  # fmt: skip

    def _forms(self) -> Columns:
        """Whether a stretch has the forms the question asks for, English alone."""
        if self.reading.korean:
            return {}
        held, count = self.traits.held, len(self.spans)
        asked_for = dict(zip(FORMS_ASKED, forms_asked(self.question.text), strict=True))
        seen = [HELD.index(name) for name, wanted in asked_for.items() if wanted and name in HELD]
        numbers = [HELD.index(name) for name in NUMBERS]
        wants_number = float(any(asked_for[name] for name in NUMBERS if name in asked_for))
        holds_number = held[:, numbers].any(axis=1)
        wants_name = float(any(asked_for[name] for name in ("person", "place", "body", "name")))
        return {
            "forms_held": held[:, seen].sum(axis=1), "forms_missed": len(seen) - held[:, seen].sum(axis=1),
            "number_wanted": np.full(count, wants_number),
            "number_fits": np.where(holds_number, 1.0, -1.0) * (2.0 * wants_number - 1.0),
            "name_fits": np.where(held[:, HELD.index("name")], 1.0, -1.0) * wants_name,
            "several_fits": np.where(held[:, HELD.index("several")], 1.0, -1.0) * (2.0 * asked_for["several"] - 1.0),
            "reason_wanted": np.full(count, asked_for["reason"]),
            "person_fits": np.where(held[:, HELD.index("person")], 1.0, -1.0) * asked_for["person"],
            "place_fits": np.where(held[:, HELD.index("place")], 1.0, -1.0) * asked_for["place"],
            "body_fits": np.where(held[:, HELD.index("body")], 1.0, -1.0) * asked_for["body"],
            "date_fits": np.where(held[:, HELD.index("date")], 1.0, -1.0) * asked_for["date"],
        }  # fmt: skip


_DISTANCES = (
    "near_2", "near_6", "near_15", "left", "right", "nearest_left", "nearest_right", "near_asking", "first_left", "first_right",
    "then_left", "then_right", "words_near", *(f"{name}_{rank}" for rank in range(_AROUND) for name in ("asking", "asking_side")),
    *(f"{name}_{rank}" for rank in range(_LAST) for name in ("last", "last_side")),
)  # fmt: skip


def said_share(question: str, text: str, korean: bool, weight: Callable[[str], float]) -> float:
    """Which share of a question a text says, 0 to 1, rare words counting most."""
    words, reading = asked(question, korean).words, read(text, korean)
    weights = np.array([weight(word) for word in words], np.float64)
    if not len(reading.tokens) or not weights.sum() > 0:
        return 0.0
    said = np.array([_alike(word, reading, _least(reading)).max() for word in words])
    return float(weights @ said / weights.sum())


def _least(reading: Reading) -> float:
    return _ALIKE_KOREAN if reading.korean else _ALIKE


def _alike(word: str, reading: Reading, least: float) -> npt.NDArray[np.float64]:
    """Dice's coefficient of the pairs of letters of ``word`` and of each token, 0 below ``least``."""
    pairs, common = grams(word), np.zeros(len(reading.tokens))
    for pair in pairs:
        places = reading.found.get(pair)
        if places is not None:
            common[places] += 1
    made = 2 * common / (len(pairs) + reading.sizes)
    return np.asarray(np.where(made < least, 0.0, made))


def _common_ending(text: str, focus: str) -> int:
    size = 0
    while size < min(len(text), len(focus)) and text[-1 - size] == focus[-1 - size]:
        size += 1
    return size
