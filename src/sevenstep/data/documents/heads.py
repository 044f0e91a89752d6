"""What a file says of itself: the head of a Markdown file between two lines of ``---``, or a ``*.meta.yaml`` beside any file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sevenstep.data.documents.refused import Refused

__all__ = ["front_matter", "read_head"]

_LONGEST = 20_000  # characters of a head; what is longer is no head


def read_head(text: str) -> dict[str, Any]:
    """The keys of a head, its values as text, or lists of text.

    Raises:
        Refused: it is no YAML with keys.
    """
    try:
        held = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, RecursionError, ValueError) as error:
        raise Refused("DOCUMENT-HEAD", f"its head is no YAML ({str(error).splitlines()[0]})") from error
    if held is None:
        return {}
    if not isinstance(held, Mapping):
        raise Refused("DOCUMENT-HEAD", "its head has no keys")
    return {str(key): _plain(value) for key, value in held.items()}


def front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The head of a Markdown text and the text behind it; an empty head where it has none."""
    if not text.startswith("---\n"):
        return {}, text
    end = text.find("\n---", 3, _LONGEST)
    if end < 0 or text[end + 4 : end + 5] not in ("", "\n"):
        return {}, text
    return read_head(text[4:end]), text[end + 5 :]


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    return "" if value is None else str(value)
