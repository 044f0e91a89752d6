"""Where this process and those it starts write their calls down.

Work runs in processes of its own that know a candidate and its data, and nothing of the store. One that is started inherits the
environment; one that was started for an earlier run and works on is told anew with each piece of work.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from sevenstep.endpoints.book import CALLS_FILE, CallBook, Limits
from sevenstep.errors import InternalError

__all__ = ["calls_place", "keep_calls", "keep_calls_at", "kept_calls"]

_PLACE = "SEVENSTEP_CALLS"


def keep_calls(store: Path, run: str = "", limits: Limits | None = None) -> None:
    """From now on calls are written down in this store, under ``run``, within ``limits``; the first call makes the file."""
    about = {"store": str(store.absolute()), "run": run, "limits": asdict(limits or Limits())}
    os.environ[_PLACE] = json.dumps(about)


def calls_place() -> str:
    """Where this process writes its calls down, as `keep_calls_at` takes it in another; empty where nowhere was named."""
    return os.environ.get(_PLACE, "")


def keep_calls_at(place: str) -> None:
    """From now on calls are written down where ``place``, the `calls_place` of another process, says."""
    os.environ[_PLACE] = place


def kept_calls() -> CallBook:
    """The book that calls are written down in.

    Raises:
        InternalError: ``ENDPOINT-BOOK``, `keep_calls` was not called: no call is made that nobody could look up.
    """
    place = calls_place()
    if not place:
        given, rule = "a model is to be called and no store was named", "every call is written down"
        raise InternalError("ENDPOINT-BOOK", given, rule, "work through sevenstep.Project")
    about = json.loads(place)
    return CallBook(Path(about["store"]) / CALLS_FILE, about["run"], Limits(**about["limits"]))
