"""What the data and the spec say about time, resolved once."""

from __future__ import annotations

from dataclasses import dataclass

from sevenstep.data.dataset import Dataset

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """What the data and the spec say about time, resolved: the same values for every part of the task.

    ``season`` and ``year`` are in steps (1 or 0 where there is none); ``gaps`` is ``closed``, ``zero`` or ``missing``;
    ``shared`` tells whether all series share one calendar and one last observation time.
    """

    frequency: str | int
    season: int
    year: int
    gaps: str
    shared: bool

    @classmethod
    def of(cls, data: Dataset) -> Settings:
        """Read the settings from the facts of a data set."""
        facts = {name: fact["value"] for name, fact in data.facts.items()}
        return cls(facts["frequency"], facts["season"], facts["year"], facts["gaps"], facts["clock"] == "common")
