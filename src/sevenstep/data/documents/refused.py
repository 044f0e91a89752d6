"""A file that cannot be a document, with the reason: set aside by whoever reads many, never a crash."""

from __future__ import annotations

__all__ = ["Refused"]


class Refused(Exception):
    """Why one file was set aside: a stable ``code`` and a ``reason`` in words."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason
