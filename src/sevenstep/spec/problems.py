"""One fault of a spec: at which place, and in the three parts of every error; shown with its line and a caret."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sevenstep.errors import CollectedErrors, InputError, SevenstepError
from sevenstep.spec.places import Excerpt, Place

__all__ = ["Problem", "SpecError", "closest", "did_you_mean", "edits", "render", "some"]


@dataclass(frozen=True)
class Problem:
    """A fault at a place of the tree; ``at`` says whether the caret goes under the key or under its value."""

    place: Place
    code: str
    given: str
    rule: str
    fix: str
    at: Literal["key", "value"] = "value"


class SpecError(InputError):
    """A fault of a spec with the line it stands on (``excerpt``, None when there is no line to show)."""

    def __init__(self, code: str, given: str, rule: str, fix: str, *, where: str = "", excerpt: Excerpt | None = None) -> None:
        super().__init__(code, given, rule, fix, where=where)
        self.excerpt = excerpt

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error travel back from a worker process with its excerpt."""
        return _rebuild, (self.code, self.given, self.rule, self.fix, self.where, self.excerpt)


def _rebuild(code: str, given: str, rule: str, fix: str, where: str, excerpt: Excerpt | None) -> SpecError:
    return SpecError(code, given, rule, fix, where=where, excerpt=excerpt)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like ``word``, capitals aside; None when none is near.

    Fewest edits first, where two neighbours swapped are one edit; of equals the one made of the same letters.
    """
    from difflib import SequenceMatcher

    given, by_lower = word.lower(), {name.lower(): name for name in known}
    ratios = {name: SequenceMatcher(a=name, b=given).ratio() for name in by_lower}
    near = [name for name in by_lower if ratios[name] >= 0.6]
    best = min(near, key=lambda name: (edits(given, name), sorted(given) != sorted(name), -ratios[name], name), default=None)
    return None if best is None else by_lower[best]


def edits(one: str, other: str) -> int:
    """Letters added, left out, replaced, or swapped with their neighbour, at least, to turn one word into the other.

    Source: Damerau (1964), in the form that edits no part twice (optimal string alignment).
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        new = [at]
        for place, wanted in enumerate(other, 1):
            cost = min(row[place] + 1, new[-1] + 1, row[place - 1] + (letter != wanted))
            if at > 1 and place > 1 and letter == other[place - 2] and one[at - 2] == wanted:
                cost = min(cost, before[place - 2] + 1)
            new.append(cost)
        before, row = row, new
    return row[-1]


def did_you_mean(word: str, known: Sequence[str], otherwise: str) -> str:
    """``did you mean 'x'?`` when a known word is near, else ``otherwise``."""
    near = closest(word, known)
    return f"did you mean '{near}'?" if near else otherwise


def some(names: Iterable[str]) -> str:
    """Names in a row, or ``none``."""
    return ", ".join(names) or "none"


def render(error: SevenstepError) -> str:
    """An error for people: its place, the line with a caret under the fault, the rule and the code.

    `CollectedErrors` give one such paragraph each. An error without a line gives its sentence.
    """
    if isinstance(error, CollectedErrors):
        return "\n\n".join(render(one) for one in error.errors)
    excerpt = getattr(error, "excerpt", None)
    if excerpt is None:
        return error.sentence()
    excerpt = _cut(excerpt)
    margin = f"{excerpt.line:>5} | " if excerpt.line is not None else "      | "
    caret = " " * _columns(excerpt.text[: excerpt.start]) + "^" * max(1, _columns(_marked(excerpt)))
    lines = (
        f"{error.where}  {error.given}",
        margin + excerpt.text.replace("\t", " "),
        f"      | {caret} {error.fix}",
        error.rule,
        f"code: {error.code}",
    )
    return "\n".join(lines)


def _cut(excerpt: Excerpt) -> Excerpt:
    """The excerpt with no more than a terminal's width of its line around the caret."""
    first = max(0, excerpt.start - 70)
    text = excerpt.text[first : first + 130].rstrip()
    return Excerpt(text, excerpt.line, excerpt.start - first, min(excerpt.width, max(1, len(text) - excerpt.start + first)))


def _marked(excerpt: Excerpt) -> str:
    return excerpt.text[excerpt.start : excerpt.start + excerpt.width]


def _columns(text: str) -> int:
    """Width of ``text`` on a terminal: East Asian wide letters take two columns, combining marks none."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)
