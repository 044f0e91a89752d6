"""Finding and hiding passwords in texts that may be URLs, so that no message or log repeats one."""

from __future__ import annotations

import re

__all__ = ["holds_secret", "masked"]

# A password stands between the user and the host, or is the value of a telling parameter.
_PASSWORD = r"(?<=://)(?P<user>[^/?#\s:@]*:)(?P<password>[^\s/?#]+)(?=@)"
_PARAMETER = r"(?P<name>[?&;](?:password|passwd|pwd|secret|token|api_?key|access_?key|sig|signature)=)(?P<value>[^&;\s\"']+)"
_SECRET = re.compile(f"{_PASSWORD}|{_PARAMETER}", re.IGNORECASE)


def holds_secret(text: str) -> bool:
    """Whether ``text`` is a URL with a password in it."""
    return _SECRET.search(text) is not None


def masked(text: str) -> str:
    """``text`` with every letter of a password replaced by a star; its length stays, so that a caret still points right."""
    return _SECRET.sub(_stars, text)


def _stars(found: re.Match[str]) -> str:
    kept = found["user"] or found["name"] or ""
    return kept + "*" * (len(found[0]) - len(kept))
