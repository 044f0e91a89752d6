"""What a server is started with. It crosses to worker processes, so it holds plain values alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Limits", "Settings"]

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What one worker takes on; what is over it is refused at once, so that what was taken is answered in time.

    Args:
        body: bytes of a request.
        rows: rows of a request.
        concurrency: requests under way; one over it is answered with 503.
        per_caller: requests under way of one token, so that none crowds out the others; one over it is answered with 429.
        seconds: how long an answer may take.
    """

    body: int = 8 * MEBIBYTE
    rows: int = 10_000
    concurrency: int = 64
    per_caller: int = 48
    seconds: float = 30.0


@dataclass(frozen=True)
class Settings:
    """A server of one project.

    Args:
        spec: the project file.
        store: folder of the store.
        overrides: as ``--set`` takes them.
        tokens: whether a caller must show a token.
        limits: what one worker takes on.
    """

    spec: Path
    store: Path
    overrides: tuple[str, ...] = ()
    tokens: bool = True
    limits: Limits = field(default_factory=Limits)
