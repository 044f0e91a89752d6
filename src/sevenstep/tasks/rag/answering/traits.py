"""What can be told of a stretch without knowing the question: how it is written, what stands around it, where it stands.

Worked out once for each token and each ending and then looked up for every stretch, since a passage has hundreds of those.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np
import numpy.typing as npt

from sevenstep.tasks.rag.answering.forms import HELD, LOCATES, forms_held
from sevenstep.tasks.rag.answering.particles import ENDS_VERB, HANGUL, group_of
from sevenstep.tasks.rag.answering.reading import Reading
from sevenstep.tasks.rag.answering.spans import WITHOUT_LONGEST, WITHOUT_SHORTER, Spans
from sevenstep.tasks.rag.answering.wordclasses import holds_date, holds_money, holds_number, word_class

__all__ = ["Traits", "traits_of"]

Floats = npt.NDArray[np.float32]
Hashes = npt.NDArray[np.uint64]

_QUOTES = frozenset("'\"‘’“”《》〈〉<>「」『』")
_NEIGHBOUR_WORDS = "of in on at to for from by with and or but is are was were as that the a an which who"
_NEIGHBOURS = {word: number + 1 for number, word in enumerate(_NEIGHBOUR_WORDS.split())}
_NUMBER, _DIGIT = re.compile(r"[\d.,]+"), re.compile(r"\d")
_GROUPS_INSIDE: Mapping[str, tuple[int, ...]] = {
    "topics": (1, 2), "objects": (3,), "possessors": (4,), "places": (5, 6, 8), "ands": (9,), "verdicts": (12, 13), "bare": (0,),
}  # fmt: skip
_EDGES: Mapping[str, tuple[str, ...]] = {
    "before": ("mark", "determiner", "preposition", "auxiliary", "conjunction", "verb", "past"),
    "first": ("name", "number", "verb", "adverb", "past", "gerund", "adjective"),
    "last": ("name", "number", "verb", "adverb", "past", "gerund", "adjective", "noun", "plural"),
    "behind": ("mark", "preposition", "auxiliary", "conjunction", "verb", "past", "noun", "name"),
}
"""Classes of the words at the edges of a stretch that tell whether a phrase begins or ends there."""
_INSIDE = ("mark", "preposition", "auxiliary", "conjunction", "pronoun", "verb", "past", "gerund", "name", "number")
_BORDERS = ("mark", "determiner", "preposition", "auxiliary", "conjunction", "pronoun", "verb", "past", "adverb")
"""Classes that do not belong to the noun phrase they stand beside."""
_NEAR_END = 3  # tokens looked through for a particle that stands behind a closing mark


@dataclass(frozen=True)
class Traits:
    """Of the stretches of a passage.

    Args:
        values: a row for each stretch, a column for each of ``names``.
        names: of the columns.
        hashes: ``[words about it, stretch]``, what a word-for-word rule may rest on: its last letters, its unit, its neighbours.
        units: what follows the digits of its last token, empty where there are none.
        fits: for the kinds of question whose answers can be told by their form, how far each stretch is of that form, 0 to 1.
        held: which of `HELD` each stretch has, ``[stretch, form]``; English alone.
    """

    values: Floats
    names: tuple[str, ...]
    hashes: Hashes
    units: Sequence[str]
    fits: Mapping[str, npt.NDArray[np.float64]]
    held: npt.NDArray[np.bool_]


def traits_of(reading: Reading, spans: Spans) -> Traits:
    """Work out the traits of all stretches of a passage."""
    made = _Making(reading, spans)
    columns = {**made.form(), **made.around(), **made.inside(), **made.standing(), **made.edges(), **made.forms()}
    values = np.column_stack([np.asarray(column, np.float32) for column in columns.values()])
    return Traits(values, tuple(columns), made.hashes(), made.units, made.fits, made.held)


Columns = dict[str, npt.ArrayLike]


class _Making:
    """Traits of one passage while they are worked out."""

    def __init__(self, reading: Reading, spans: Spans) -> None:
        self.reading, self.spans = reading, spans
        self.first, self.last = spans.first, spans.last

    def _each(self, of: Callable[[str], float]) -> npt.NDArray[np.float64]:
        """A number for each token."""
        return np.array([of(token) for token in self.reading.tokens], np.float64)

    @cached_property
    def before(self) -> Sequence[str]:
        """The token before each token within its sentence; ``^`` before the first."""
        tokens, sentence = self.reading.tokens, self.reading.sentence
        return ["^" if at == 0 or sentence[at - 1] != sentence[at] else tokens[at - 1] for at in range(len(tokens))]

    @cached_property
    def behind(self) -> Sequence[str]:
        """The token behind each token within its sentence; ``$`` behind the last."""
        tokens, sentence, count = self.reading.tokens, self.reading.sentence, len(self.reading.tokens)
        return ["$" if at + 1 == count or sentence[at + 1] != sentence[at] else tokens[at + 1] for at in range(count)]

    @cached_property
    def groups(self) -> npt.NDArray[np.float64]:
        """The group of each token's particle."""
        return np.array([group_of(particle) for particle in self.reading.particles], np.float64)

    @cached_property
    def particles(self) -> Sequence[str]:
        """The particle behind each stretch: the one it was cut from, or one that stands behind a closing mark."""
        reading, spans = self.reading, self.spans
        apart = [self._particle_behind(at) for at in range(len(reading.tokens))]
        cut = (spans.ending == WITHOUT_LONGEST) | (spans.ending == WITHOUT_SHORTER)
        token_ends = reading.ends[spans.last]
        return [
            reading.text[end:token_end] if was_cut else apart[last]
            for end, token_end, was_cut, last in zip(spans.ends, token_ends, cut, spans.last, strict=True)
        ]

    def _particle_behind(self, token: int) -> str:
        reading, at = self.reading, token + 1
        while at < len(reading.tokens) and at < token + _NEAR_END and reading.starts[at] == reading.ends[at - 1]:
            if reading.is_word[at]:
                return reading.tokens[at] if group_of(reading.tokens[at]) else ""
            at += 1
        return ""

    @cached_property
    def units(self) -> Sequence[str]:
        """What follows the digits of each stretch's last token."""
        known: dict[tuple[int, int], str] = {}
        for last, end in zip(self.last.tolist(), self.spans.ends.tolist(), strict=True):
            if (last, end) not in known:
                token = self.reading.text[int(self.reading.starts[last]) : end]
                number = _NUMBER.match(token)
                known[last, end] = token[number.end() :] if number else ""
        return [known[pair] for pair in zip(self.last.tolist(), self.spans.ends.tolist(), strict=True)]

    def _count(self, marked: npt.NDArray[np.float64], *, before_last: bool = False) -> npt.NDArray[np.float64]:
        """How many tokens of each stretch are marked; those before its last one alone on demand."""
        sums = np.concatenate([[0.0], np.cumsum(marked)])
        return np.asarray(sums[self.last + (not before_last)] - sums[self.first])

    @cached_property
    def within(self) -> Mapping[str, npt.NDArray[np.float64]]:
        """How many of each stretch's tokens are written in some way."""
        return {
            "capitals": self._count(self._each(lambda token: token[0].isupper())),
            "digits": self._count(self._each(lambda token: _DIGIT.search(token) is not None)),
            "functions": self._count(self.reading.function.astype(np.float64)),
            "marks": self._count((~self.reading.is_word).astype(np.float64)),
        }

    def form(self) -> Columns:
        """How a stretch is written."""
        spans, shapes = self.spans, self._each(_shape)
        last_words = [text.rpartition(" ")[2] for text in spans.texts]
        return {
            "ending": spans.ending, "words": spans.words, "letters": spans.ends - spans.starts,
            "last_letters": [len(word) for word in last_words],
            "first_shape": shapes[self.first], "last_shape": shapes[self.last] * self.reading.is_word[self.last],
            "capitals": self.within["capitals"] / spans.words, "digits": self.within["digits"] / spans.words,
            "functions": self.within["functions"], "marks": self.within["marks"],
        }  # fmt: skip

    def around(self) -> Columns:
        """What stands before and behind it."""
        before_groups = np.concatenate([[-1.0], np.where(self.reading.is_word, self.groups, -1.0)])
        behind_groups = np.concatenate([self.groups, [-1.0]])
        quoted = (
            np.array([a in _QUOTES for a in self.before])[self.first] & np.array([b in _QUOTES for b in self.behind])[self.last]
        )
        behind_verb = np.array([ENDS_VERB.search(token) is not None for token in self.behind], bool)
        return {
            "particle": [group_of(particle) for particle in self.particles],
            "before_particle": before_groups[self.first], "behind_particle": behind_groups[self.last + 1],
            "before_word": np.array([_neighbour(token) for token in self.before])[self.first],
            "behind_word": np.array([_neighbour(token) for token in self.behind])[self.last],
            "before_mark": np.array([_mark_before(token) for token in self.before])[self.first],
            "behind_mark": np.array([_mark_behind(token) for token in self.behind])[self.last],
            "quoted": quoted, "behind_verb": behind_verb[self.last],
        }  # fmt: skip

    def inside(self) -> Columns:
        """Which particles and verbs it runs across: a name holds few of them."""
        word, groups = self.reading.is_word, self.groups
        verb = [
            ENDS_VERB.search(token) is not None and not part
            for token, part in zip(self.reading.tokens, self.reading.particles, strict=True)
        ]
        verbs = np.array(verb, np.float64)
        counts = {
            name: self._count((np.isin(groups, numbers) & word).astype(np.float64), before_last=True)
            for name, numbers in _GROUPS_INSIDE.items()
        }
        return {**counts, "verbs": self._count(verbs, before_last=True), "ends_verb": verbs[self.last]}

    def standing(self) -> Columns:
        """Where in the passage it stands, and how often what it says is said."""
        reading, sentence = self.reading, self.reading.sentence[self.first]
        sentences = int(reading.sentence.max()) if len(reading.sentence) else 0
        stems, said = Counter(reading.stems), Counter(text.lower() for text in self.spans.texts)
        frequency = np.array([stems[one] for one in reading.stems], np.float64)
        return {
            "sentence": sentence, "sentence_share": sentence / max(sentences, 1),
            "in_sentence": self.first - np.searchsorted(reading.sentence, sentence),
            "to_end": np.searchsorted(reading.sentence, sentence, side="right") - self.last,
            "frequency": frequency[self.first], "repeats": [said[text.lower()] for text in self.spans.texts],
        }  # fmt: skip

    def edges(self) -> Columns:
        """Of what classes the words at its edges are, English alone; Korean words tell by their particles."""
        if self.reading.korean:
            return {}
        classes = np.array(["mark", *(word_class(token) for token in self.reading.tokens), "mark"])
        places = {"before": self.first, "first": self.first + 1, "last": self.last + 1, "behind": self.last + 2}
        edges = {f"{edge}_{name}": classes[places[edge]] == name for edge, names in _EDGES.items() for name in names}
        inside = {f"inside_{name}": self._count((classes[1:-1] == name).astype(np.float64)) for name in _INSIDE}
        begun, ended = np.isin(classes[places["before"]], _BORDERS), np.isin(classes[places["behind"]], _BORDERS)
        broken = sum(inside[f"inside_{name}"] for name in ("auxiliary", "pronoun", "verb", "past", "mark"))
        joined = inside["inside_preposition"] + inside["inside_conjunction"]
        phrase = begun & ended & (broken == 0)
        return {**edges, **inside, "phrase": phrase & (joined == 0), "joined_phrase": phrase & (joined == 1)}

    @cached_property
    def held(self) -> npt.NDArray[np.bool_]:
        """Which forms each stretch has."""
        if self.reading.korean:
            return np.zeros((len(self.spans), len(HELD)), np.bool_)
        begins = np.array([token.lower() in LOCATES for token in self.before])[self.first]
        located = {text for text, begun in zip(self.spans.texts, begins, strict=True) if begun}  # once said, true everywhere
        known = {text: forms_held(text, text in located) for text in set(self.spans.texts)}
        return np.array([known[text] for text in self.spans.texts], np.bool_).reshape(-1, len(HELD))

    def forms(self) -> Columns:
        """The same as columns, English alone."""
        return {} if self.reading.korean else {f"holds_{name}": self.held[:, at] for at, name in enumerate(HELD)}

    @cached_property
    def fits(self) -> Mapping[str, npt.NDArray[np.float64]]:
        """How far each stretch is of the form that the answers to some kinds of question have."""
        texts = self.spans.texts
        number, date, money = (
            np.array([holds(text) for text in texts], np.float64) for holds in (holds_number, holds_date, holds_money)
        )
        names = self.within["capitals"] / np.maximum(self.spans.words - self.within["functions"] + self.within["marks"], 1)
        written = (self._count(self._each(lambda token: token[0] >= "가")) > 0) if self.reading.korean else names
        return {"count": np.maximum(number, money), "when": date, "who": (1 - number) * written, "where": (1 - number) * written}

    def hashes(self) -> Hashes:
        """Numbers that stand for what is written, for rules word for word."""
        spans, lower = self.spans, [text.lower() for text in self.spans.texts]
        form = self.form()
        shape = zip(np.asarray(form["first_shape"]), np.asarray(form["last_shape"]), np.minimum(spans.words, 4), strict=True)
        digits = self.within["digits"] > 0
        behind = [self.behind[last] for last in self.last]
        before = [self.before[first] for first in self.first]
        groups = np.asarray(self.around()["before_particle"])
        rows = {
            "1": [text[-1:] for text in lower], "2": [text[-2:] for text in lower], "3": [text[-3:] for text in lower],
            "u": [f"#{unit}" if has else "" for unit, has in zip(self.units, digits, strict=True)],
            "s": [f"{a:g}{b:g}{count}" for a, b, count in shape],
            "p": [f"{group:g}" for group in groups] if self.reading.korean else [token.lower()[:6] for token in before],
            "a": [particle or token[:2] for particle, token in zip(self.particles, behind, strict=True)],
            "f": [text[:1] for text in spans.texts], "w": [token.lower()[-2:] for token in before],
            "c": lower, "n": [token.lower()[:3] for token in behind],
        }  # fmt: skip
        if not self.reading.korean:
            classes = ["mark", *(word_class(token) for token in self.reading.tokens), "mark"]
            pairs = list(zip(self.first.tolist(), self.last.tolist(), strict=True))
            rows |= {
                "k": ["/".join(classes[first + 1 : last + 2]) for first, last in pairs],
                "b": ["/".join(classes[first : first + 2]) for first, _ in pairs],
                "e": ["/".join(classes[last + 1 : last + 3]) for _, last in pairs],
            }
        return np.stack([_hashed(name, texts) for name, texts in rows.items()])


def _hashed(name: str, texts: Sequence[str]) -> Hashes:
    known = {text: crc32(f"{name}{text}".encode()) for text in set(texts)}
    return np.array([known[text] for text in texts], np.uint64)


def _shape(token: str) -> float:
    """How a token is written: 1 a number, 2 with a unit, 3 with a digit inside, 4 Hangul, 5 to 7 Latin, 8 else."""
    if _NUMBER.fullmatch(token):
        return 1
    if token[0].isdecimal():
        return 2
    if _DIGIT.search(token):
        return 3
    if HANGUL.match(token):
        return 4
    if token[0].isupper():
        return 6 if token.isupper() and len(token) > 1 else 5
    return 7 if "a" <= token[0] <= "z" else 8


def _neighbour(token: str) -> int:
    return _NEIGHBOURS.get(token.lower(), 0)


def _mark_before(token: str) -> int:
    return (token in _QUOTES) + 2 * (token in "([") + 4 * (token == ",")


def _mark_behind(token: str) -> int:
    return (
        (token in _QUOTES)
        + 2 * (token in "([")
        + 4 * (token in ")]")
        + 8 * (token == ",")
        + 16 * (token == ".")
        + 32 * (token == "$")
    )
