"""Where a quote stands in a text that may have changed since the quote was taken."""

from __future__ import annotations

import re

__all__ = ["anchored"]


def anchored(text: str, quote: str, near: int | None) -> tuple[int, int] | None:
    """The stretch of ``text`` that is the quote: the one at the offset ``near``, else the one nearest to it, else None.

    Without an offset the first one counts. Where the quote is not there word for word, blanks may differ.
    """
    if not quote.strip():
        return None
    if near is not None and text.startswith(quote, near):
        return near, near + len(quote)
    places = [(found.start(), found.end()) for found in re.finditer(re.escape(quote), text)]
    if not places:
        loose = r"\s+".join(re.escape(word) for word in quote.split())
        places = [(found.start(), found.end()) for found in re.finditer(loose, text)]
    return min(places, key=lambda place: abs(place[0] - (near or 0)), default=None)
