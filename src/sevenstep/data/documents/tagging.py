"""The tags of a document, from where the spec says: a constant, or a name under which the document itself tells it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sevenstep.spec.documents import Documents, Everywhere

__all__ = ["TAGS", "tags_of", "texts_of"]

TAGS = ("trust", "licence", "date", "access")
_OTHERS = {"licence": ("licence", "license")}


def tags_of(documents: Documents, told: Mapping[str, Any]) -> dict[str, Any]:
    """Trust, licence and date as text, empty where nothing tells; access as a list of text.

    Args:
        documents: the section, which names what to look for.
        told: what the document says: the columns of its record, or the keys of its head and its sidecar.
    """
    found = {tag: _tag(getattr(documents, tag), tag, told) for tag in TAGS}
    return {tag: values if tag == "access" else ", ".join(values) for tag, values in found.items()}


def _tag(asked: str | Everywhere | None, tag: str, told: Mapping[str, Any]) -> list[str]:
    if isinstance(asked, Everywhere):
        return list(asked.value)
    names = (asked,) if asked is not None else _OTHERS.get(tag, (tag,))
    value = next((told[name] for name in names if told.get(name) not in (None, "")), None)
    return texts_of(value, parted=tag == "access") or []


def texts_of(value: Any, *, parted: bool = False) -> list[str] | None:
    """A list of text from a list, a JSON list in a text, or one text (``parted``: at its commas); None from nothing."""
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return [str(item["text"] if isinstance(item, Mapping) and "text" in item else item) for item in value if item is not None]
    text = str(value).strip()
    if text.startswith("[") and text.endswith("]"):
        try:
            return texts_of(json.loads(text))
        except json.JSONDecodeError:
            pass
    parts = text.split(",") if parted else [text]
    return [part.strip() for part in parts if part.strip()] or None
