"""The data contract as a file beside the results: written once, the person's to edit, in force for newer data.

While the data are those the contract was read off and nobody has edited it, it says nothing the data do not say themselves, so
it is not in force and a repeated run finds everything in the store. Newer data, or an edited contract, bring it into force.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from sevenstep.engine.durable import replace_file

__all__ = ["ContractFile"]

_NAME, _STAMP = "contract.yaml", "contract-stamp.json"


class ContractFile:
    """The contract of a store."""

    def __init__(self, root: Path) -> None:
        self._path, self._stamp = root / _NAME, root / _STAMP

    def exists(self) -> bool:
        """Whether there is one."""
        return self._path.is_file()

    def in_force(self, sources: Mapping[str, str]) -> str:
        """Text of the contract that data with these content hashes must keep; empty where there is none to keep."""
        if not self._path.is_file():
            return ""
        text = self._path.read_text(encoding="utf-8")
        return "" if self._is_ours(text) and self._noted().get("sources") == dict(sources) else text

    def write(self, text: str, sources: Mapping[str, str]) -> None:
        """Leave the contract read off these sources; one that a person has edited stays."""
        if self._path.is_file() and not self._is_ours(self._path.read_text(encoding="utf-8")):
            return
        replace_file(self._path, text.encode())
        replace_file(self._stamp, json.dumps({"text": _hash(text), "sources": dict(sources)}).encode())

    def _is_ours(self, text: str) -> bool:
        return self._noted().get("text") == _hash(text)

    def _noted(self) -> dict[str, object]:
        if not self._stamp.is_file():
            return {}
        noted: dict[str, object] = json.loads(self._stamp.read_text(encoding="utf-8"))
        return noted


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
