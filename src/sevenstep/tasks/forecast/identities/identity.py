"""One identity: a name that is the product, quotient, sum or difference of others. Light: the spec is read with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Identity", "parsed"]

_NAME = r"[^\W\d]\w*"
_WHOLE = re.compile(rf"\s*({_NAME})\s*=\s*({_NAME}(?:\s*[*/+-]\s*{_NAME})+)\s*")


@dataclass(frozen=True)
class Identity:
    """``left = terms[0] op terms[1] op ...`` with one kind of operation: ``*`` and ``/``, or ``+`` and ``-``.

    Args:
        left: the name on the left.
        terms: the names on the right.
        inverse: for each term whether it divides, or is taken away.
        multiplies: whether the operation is ``*`` and ``/``.
    """

    left: str
    terms: tuple[str, ...]
    inverse: tuple[bool, ...]
    multiplies: bool

    @property
    def names(self) -> tuple[str, ...]:
        """All names, the one on the left first."""
        return (self.left, *self.terms)

    def solved(self, name: str, values: Mapping[str, Any]) -> Any:
        """The value of one name from those of all others: numbers or arrays; a division by 0 gives what NumPy gives."""
        if name == self.left:
            return self._right(values, without=None)
        place = self.terms.index(name)
        rest = self._right(values, without=place)
        left = values[self.left]
        if self.multiplies:
            return rest / left if self.inverse[place] else left / rest
        return rest - left if self.inverse[place] else left - rest

    def _right(self, values: Mapping[str, Any], without: int | None) -> Any:
        total: Any = 1.0 if self.multiplies else 0.0
        for place, (name, inverse) in enumerate(zip(self.terms, self.inverse, strict=True)):
            if place == without:
                continue
            value = values[name]
            if self.multiplies:
                total = total / value if inverse else total * value
            else:
                total = total - value if inverse else total + value
        return total

    def __str__(self) -> str:
        signs = ("/", "*") if self.multiplies else ("-", "+")
        parts = [self.terms[0]]
        parts += [
            f"{signs[0] if inverse else signs[1]} {name}" for name, inverse in zip(self.terms[1:], self.inverse[1:], strict=True)
        ]
        return f"{self.left} = {' '.join(parts)}"


def parsed(text: str) -> Identity | None:
    """The identity a text states; None where it is none: other signs, both kinds of operation, a name twice."""
    match = _WHOLE.fullmatch(text)
    if match is None:
        return None
    signs: Sequence[str] = re.findall(r"[*/+-]", match[2])
    terms = tuple(re.findall(_NAME, match[2]))
    kinds = {sign in "*/" for sign in signs}
    if len(kinds) != 1 or len({match[1], *terms}) < len(terms) + 1:
        return None
    inverse = (False, *(sign in "/-" for sign in signs))
    return Identity(match[1], terms, inverse, kinds.pop())
