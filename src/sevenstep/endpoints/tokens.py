"""How many tokens a text is, told without the model's own tokenizer.

For an estimate before a run and for what is held back of a budget while a call is under way; what is charged in the end is what
the endpoint says it used. It errs upward: a budget that holds by the estimate holds by the bill.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

__all__ = ["message_tokens", "text_tokens"]

_LATIN = re.compile(r"[\x00-\x7f]+")
_LETTERS_PER_TOKEN = 3.0  # English prose has four and more letters to a token; numbers and code have fewer
_OTHER_PER_TOKEN = 1.0  # a Hangul syllable is one token or, in newer vocabularies, less
_PER_MESSAGE = 8  # role and separators


def text_tokens(text: str) -> int:
    """An upper estimate of the tokens of a text."""
    latin = sum(len(run) for run in _LATIN.findall(text))
    return int(latin / _LETTERS_PER_TOKEN + (len(text) - latin) / _OTHER_PER_TOKEN) + 1


def message_tokens(messages: Sequence[Mapping[str, str]]) -> int:
    """An upper estimate of the tokens of a chat."""
    return sum(text_tokens(message["content"]) + _PER_MESSAGE for message in messages)
