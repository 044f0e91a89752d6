"""The part of a spec that one step may read.

A step's fingerprint hashes exactly what its brief holds, so a step cannot depend on anything its cache key misses: reading a key
that is not in the brief is an `InternalError`, found by the first test that runs the step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sevenstep.errors import InternalError

if TYPE_CHECKING:
    from sevenstep.spec.model import Charter, Data, Design, Kpi

__all__ = ["Brief", "Seen"]


class Seen:
    """A task's section of the spec with only some keys visible, read as attributes (``seen.horizon``)."""

    def __init__(self, section: Any, keys: Sequence[str]) -> None:
        self._section, self._keys = section, tuple(keys)

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        if key not in self._keys:
            raise InternalError(
                "BRIEF-UNSEEN", f"a step reads '{key}'", f"its brief holds only {', '.join(self._keys)}", "declare it in 'sees'"
            )
        return getattr(self._section, key)

    def values(self) -> dict[str, Any]:
        """The visible keys with their values as JSON, for the fingerprint."""
        dumped: dict[str, Any] = self._section.model_dump(mode="json", include=set(self._keys))
        return dumped


class Brief:
    """What a step may read of the spec; parts that were not given raise `InternalError` when read.

    Args:
        parts: any of ``name``, ``targets``, ``flags``, ``charter``, ``data``, ``kpis``, ``design``, ``budget`` (seconds),
            ``spending`` (dollars and tokens), ``seed``, ``contract``.
        section: the task's section with the keys this step may see.
    """

    def __init__(self, parts: Mapping[str, Any], section: Seen) -> None:
        self._parts, self.section = dict(parts), section

    def _part(self, name: str) -> Any:
        if name not in self._parts:
            given = f"a step reads the spec's '{name}'"
            raise InternalError("BRIEF-UNSEEN", given, "it is no part of the step's brief", "add it to the step's brief")
        return self._parts[name]

    @property
    def name(self) -> str:
        """Name of the project."""
        return str(self._part("name"))

    @property
    def targets(self) -> tuple[str, ...]:
        """Columns to be predicted, in the order of the spec."""
        return tuple(self._part("targets"))

    @property
    def flags(self) -> tuple[str, ...]:
        """Flag columns that tell the class of a row, where the target is composed of them."""
        return tuple(self._part("flags"))

    @property
    def charter(self) -> Charter:
        """Problem, decision and worst error, in the words of the person."""
        value: Charter = self._part("charter")
        return value

    @property
    def data(self) -> Data:
        """The ``data`` section."""
        value: Data = self._part("data")
        return value

    @property
    def kpis(self) -> Sequence[Kpi]:
        """The KPIs in the order of the spec; the first one of a target leads its search."""
        value: Sequence[Kpi] = self._part("kpis")
        return value

    @property
    def design(self) -> Design:
        """The ``design`` section: candidates and folds asked for by the person."""
        value: Design = self._part("design")
        return value

    @property
    def budget(self) -> float:
        """Seconds the whole run may take."""
        return float(self._part("budget"))

    @property
    def spending(self) -> Mapping[str, float | None]:
        """What calls may cost: ``usd`` and ``tokens``, None where nothing bounds them."""
        value: Mapping[str, float | None] = self._part("spending")
        return value

    @property
    def contract(self) -> str:
        """Text of the data contract in force, empty where none is."""
        return str(self._part("contract"))

    @property
    def seed(self) -> int:
        """Seed of everything random."""
        return int(self._part("seed"))

    def with_contract(self, text: str) -> Brief:
        """The same brief with the text of the data contract in force."""
        return Brief({**self._parts, "contract": text}, self.section)

    def with_budget(self, seconds: float) -> Brief:
        """The same brief with another time budget."""
        return Brief({**self._parts, "budget": seconds}, self.section)

    def values(self) -> dict[str, Any]:
        """Everything in the brief as JSON, for the fingerprint."""
        return {name: _plain(part) for name, part in self._parts.items()} | {"section": self.section.values()}


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
