"""OpenAI's wire form: what is sent, and what of an answer can be used.

Only what the form promises is read. Anything else (no JSON, a missing field, a stream that ends before it says so) is told as
what it is, never patched up: half an answer is no answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Chat", "Malformed", "StreamCut", "chat_of", "pieces_of", "used_tokens", "vectors_of"]


class Malformed(ValueError):
    """An answer that is not of the wire form."""


class StreamCut(ValueError):
    """A stream that ended before its end was said."""


@dataclass(frozen=True)
class Chat:
    """What a model wrote, and why it stopped (``stop``, ``length``, ...)."""

    text: str
    finish: str


def chat_of(response: str) -> Chat:
    """The text of a chat completion; raises `Malformed`."""
    try:
        choice = json.loads(response)["choices"][0]
        text, finish = choice["message"]["content"], choice.get("finish_reason") or "stop"
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Malformed("no chat completion") from error
    if not isinstance(text, str):
        raise Malformed("a chat completion without text")
    return Chat(text, str(finish))


def pieces_of(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What a streamed chat completion says, piece by piece, each with the line it came in.

    Raises:
        Malformed: a line that is not of the form.
        StreamCut: the stream ended without saying so.
    """
    for line in lines:
        if not line.startswith("data:"):
            continue
        content = line[5:].strip()
        if content == "[DONE]":
            return
        try:
            choices = json.loads(content)["choices"]
            piece = choices[0]["delta"].get("content") or "" if choices else ""
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise Malformed("no piece of a chat completion") from error
        yield piece, content
    raise StreamCut("the stream ended in the middle")


def vectors_of(response: str, count: int) -> npt.NDArray[np.float32]:
    """Embeddings ``[count, dimension]`` in the order of the texts; raises `Malformed`."""
    try:
        data = sorted(json.loads(response)["data"], key=lambda one: int(one["index"]))
        vectors = np.array([one["embedding"] for one in data], np.float32)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Malformed("no embeddings") from error
    if vectors.ndim != 2 or len(vectors) != count or not np.isfinite(vectors).all():
        raise Malformed(f"not one embedding for each of {count} texts")
    return vectors


def used_tokens(answers: Sequence[str]) -> tuple[int, int] | None:
    """Tokens sent and received, as the last answer (or piece of a stream) that tells says; None where none does."""
    for answer in reversed(answers):
        usage = _usage(answer)
        if usage is not None:
            return usage
    return None


def _usage(answer: str) -> tuple[int, int] | None:
    try:
        usage: Any = json.loads(answer).get("usage")
        return (int(usage["prompt_tokens"]), int(usage.get("completion_tokens", 0))) if usage else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
