"""A feature specification that is data: what a feature table holds, written so that it can be hashed, shown and stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["FeatureRecipe"]


@dataclass(frozen=True)
class FeatureRecipe:
    """What the rows of a feature table know.

    Args:
        target: the column to be predicted.
        horizon: longest lead, in steps.
        transform: ``log1p`` for targets that are never negative, ``asinh`` otherwise; ``units`` for the past of each series in
            units of its own, see `in_units`.
        base: with ``units``, the guess the past is taken around: ``newest``, ``moved`` or ``smoothed``.
        smoothed: with ``units``, smoothing forecasts are known, and training rows are seen from every so many steps; 0 for never.
        seasons: season lengths in steps, shortest first; averages are kept for each phase of each.
        year: steps of a year for comparisons with the same time last year; 0 for none.
        events: known-ahead columns of few levels whose state splits the averages ("same weekday in the same promotion state").
        numbers: known-ahead and static columns taken as numbers.
        categories: known-ahead and static columns taken as codes, each with its levels in code order.
        shifted: known-ahead columns also taken from neighbouring steps.
        shares: whether the guess everything is learnt around has a season shared within ``groups``, see `shared_guess`.
        groups: segment columns over which levels and trends are pooled.
        closures: whether a missing row is a planned closure, known ahead.
        calendar: country, subdivision and extra events for calendar features; empty for none.
        weights: columns whose value, where not 0, multiplies a row's weight ({IsHoliday: 5}).
        samples: how many leads are drawn for each training row.
        most_rows: at most so many training rows, drawn at random.
        seed: seed of the draws.
    """

    target: str
    horizon: int
    transform: str = "log1p"
    base: str = ""
    smoothed: int = 0
    seasons: tuple[int, ...] = ()
    year: int = 0
    events: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shifted: tuple[str, ...] = ()
    shares: bool = False
    groups: tuple[str, ...] = ()
    closures: bool = False
    calendar: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    samples: int = 1
    most_rows: int = 1_000_000
    seed: int = 0

    @property
    def season(self) -> int:
        """The main season in steps; 1 without any."""
        return self.seasons[0] if self.seasons else 1

    def free_name(self, name: str) -> str:
        """``name`` for a feature of our own, changed where a column of the person is called the same."""
        return f"own_{name}" if name in self.numbers or name in self.categories else name

    def to_json(self) -> dict[str, Any]:
        """The recipe as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> FeatureRecipe:
        """Read back what `to_json` gave, also after a trip through JSON."""
        parts: dict[str, Any] = {key: tuple(item) if isinstance(item, list) else item for key, item in value.items()}
        parts["categories"] = {name: tuple(levels) for name, levels in value.get("categories", {}).items()}
        return cls(**parts)
