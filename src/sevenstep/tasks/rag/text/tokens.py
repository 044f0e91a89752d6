"""From text to terms, in the ways retrieval may count them.

``words`` are lower-case words, of English texts without function words and reduced to their stems (Porter, 1980, as revised in
Snowball). ``bigrams`` are pairs of neighbouring Hangul syllables, which need no dictionary and survive the particles Korean
nouns carry, beside whole words in other scripts. ``stems`` are Korean words without particles and endings, by a list of them.
``morphemes`` are the content words Kiwi finds. ``grams`` are runs of four characters within words: they match what is spelt a
little differently.

Names of things are often short parts joined by hyphens, and each part by itself says next to nothing: IL-2, T-cell, TNF-α. In
``english`` and ``grams`` such parts also count joined to their neighbours, and a lone Greek letter counts as its name. In
``english`` parts end between letters and digits too, so that IL-2 and IL2 are one, and 40mg is 40 mg.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Protocol

from sevenstep.errors import InputError
from sevenstep.tasks.rag.text.stopwords import ENGLISH, KOREAN_ENDINGS

__all__ = ["TOKENIZERS", "Tokenizer", "tokenizer_for", "tokenizer_named"]

_WORD = re.compile(r"[^\W_]+")
_HYPHENED = re.compile(r"[^\W_]+(?:[-\u2010\u2011\u2013][^\W_]+)*")  # with the hyphen, those of Unicode and the en dash
_HYPHEN = re.compile(r"[-\u2010\u2011\u2013]")
_PART_END = re.compile(rf"{_HYPHEN.pattern}|(?<=\d)(?=[^\W\d])|(?<=[^\W\d])(?=\d)")
_LONE_GREEK = re.compile(r"(?<![α-ω])[α-ω](?![α-ω])")
_GREEK = {letter: unicodedata.name(letter).split()[-1].lower() for letter in map(chr, range(ord("α"), ord("ω") + 1))}
_GREEK["λ"] = "lambda"  # Unicode leaves out the b
_SHORT = 2  # letters of a part that says next to nothing without its neighbour
_SCRIPTS = re.compile(r"[가-힣]+|[^\W_가-힣]+")
_HANGUL_FIRST = "가"
_GRAM = 4
_LONGEST_ENDING = max(map(len, KOREAN_ENDINGS))
_CONTENT = ("N", "VV", "VA", "MAG", "XR", "SL", "SN", "SH", "VX")  # Kiwi's tags of what carries meaning, by their beginning
_FUNCTION_TAGS = ("NB", "NP", "VX")  # bound nouns, pronouns and auxiliary verbs


class Tokenizer(Protocol):
    """Cuts texts into terms."""

    @property
    def name(self) -> str:
        """How a spec and a saved index name it."""
        ...

    def tokens(self, texts: Sequence[str]) -> list[list[str]]:
        """The terms of each text, in order, with repeats."""
        ...


class _ByWord:
    """A tokenizer whose terms follow from each word alone, so that every distinct word is looked at once."""

    def __init__(self, name: str, pattern: re.Pattern[str], terms: Callable[[str], Sequence[str]]) -> None:
        self.name = name
        self._find, self._terms = pattern.findall, terms
        self._known: dict[str, Sequence[str]] = {}

    def tokens(self, texts: Sequence[str]) -> list[list[str]]:
        known, result = self._known, []
        for text in texts:
            found: list[str] = []
            for word in self._find(_plain(text)):
                terms = known.get(word)
                if terms is None:
                    terms = known[word] = tuple(self._terms(word))
                found.extend(terms)
            result.append(found)
        return result


def _plain(text: str) -> str:
    """Lower case with compatibility forms resolved, so that full-width letters and composed syllables are what they look like."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).lower()


def _english() -> Callable[[str], Sequence[str]]:
    import Stemmer  # late: only where English is tokenized

    stem = Stemmer.Stemmer("english").stemWord
    return _by_parts(lambda word: () if word in ENGLISH else (stem(word),), _PART_END)


def _by_parts(terms: Callable[[str], Sequence[str]], end: re.Pattern[str]) -> Callable[[str], Sequence[str]]:
    """Terms of a word of several parts: those of each part, and of neighbours joined where one of them says little alone."""

    def found(word: str) -> Sequence[str]:
        if word.isascii() and word.isalpha():
            return terms(word)
        spelt = word if word.isascii() else _LONE_GREEK.sub(lambda letter: _GREEK[letter.group()], word)
        parts = end.split(spelt)
        joined = [left + right for left, right in pairwise(parts) if _says_little(left) or _says_little(right)]
        return [term for text in (*parts, *(text for text in joined if not text.isdigit())) for term in terms(text)]

    return found


def _says_little(part: str) -> bool:
    return len(part) <= _SHORT or any(map(str.isdigit, part))


def _bigrams(word: str) -> Sequence[str]:
    if word[0] < _HANGUL_FIRST or len(word) < 2:
        return (word,)
    return [word[at : at + 2] for at in range(len(word) - 1)]


def _stem(word: str) -> Sequence[str]:
    """A Korean word without the longest particle or ending that leaves two syllables of it."""
    if word[0] < _HANGUL_FIRST:
        return (word,)
    for size in range(min(_LONGEST_ENDING, len(word) - 2), 0, -1):
        if word[-size:] in KOREAN_ENDINGS:
            return (word[:-size],)
    return (word,)


def _grams(word: str) -> Sequence[str]:
    if word in ENGLISH:
        return ()
    marked = f"<{word}>"
    return [marked[at : at + _GRAM] for at in range(max(len(marked) - _GRAM + 1, 1))]


class _Morphemes:
    """Content morphemes by Kiwi."""

    name = "morphemes"

    def __init__(self) -> None:
        self._kiwi = _kiwi()

    def tokens(self, texts: Sequence[str]) -> list[list[str]]:
        found = self._kiwi.tokenize([_plain(text) for text in texts])
        return [[token.form for token in one if _says_something(token.tag)] for one in found]


def _says_something(tag: str) -> bool:
    return tag.startswith(_CONTENT) and not tag.startswith(_FUNCTION_TAGS)


@cache
def _kiwi() -> Any:
    try:
        from kiwipiepy import Kiwi  # late: an extra, and a second to load
    except ModuleNotFoundError:
        rule = "the tokenizer 'morphemes' needs Kiwi, which is an extra"
        raise InputError(
            "RAG-KIWI", "kiwipiepy is not installed", rule, "pip install 'sevenstep[korean]', or use the tokenizer 'bigrams'"
        ) from None
    return Kiwi()


_MAKERS: dict[str, Callable[[], Tokenizer]] = {
    "words": lambda: _ByWord("words", _WORD, lambda word: (word,)),
    "english": lambda: _ByWord("english", _HYPHENED, _english()),
    "bigrams": lambda: _ByWord("bigrams", _SCRIPTS, _bigrams),
    "stems": lambda: _ByWord("stems", _SCRIPTS, _stem),
    "grams": lambda: _ByWord("grams", _HYPHENED, _by_parts(_grams, _HYPHEN)),
    "morphemes": _Morphemes,
}
TOKENIZERS = tuple(_MAKERS)


def tokenizer_named(name: str) -> Tokenizer:
    """The tokenizer of that name.

    Raises:
        InputError: ``RAG-TOKENIZER``, there is none of that name; ``RAG-KIWI``, its library is not installed.
    """
    if name not in _MAKERS:
        rule = f"tokenizers are {', '.join(TOKENIZERS)}"
        raise InputError("RAG-TOKENIZER", f"tokenizer '{name}'", rule, "choose one of them")
    return _MAKERS[name]()


def tokenizer_for(language: str) -> str:
    """Name of the tokenizer a language is served well by without any dictionary."""
    return {"ko": "bigrams", "en": "english"}.get(language, "words")
