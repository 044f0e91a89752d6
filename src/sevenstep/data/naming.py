"""Suggestions for names a person mistyped, so that every sentence can end in a fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean", "listed"]


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """The fix for a name that is not there: the nearest of ``options``, or the options themselves."""
    known = [str(option) for option in options]
    folded = {option.casefold().replace(" ", "").replace("_", ""): option for option in reversed(known)}
    near = difflib.get_close_matches(name.casefold().replace(" ", "").replace("_", ""), folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{folded[near[0]]}'?"
    return f"choose one of {listed(known)}" if known else "there is none to choose from"


def listed(names: Iterable[object], most: int = 8) -> str:
    """Names for a sentence: the first ``most``, then how many more there are."""
    all_names = [str(name) for name in names]
    more = len(all_names) - most
    return ", ".join(all_names[:most]) + (f" and {more} more" if more > 0 else "")
