"""How well the process keeps its tolerances: insights for the head of the chapter, and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from sevenstep.chapter import Block, Column, Table
from sevenstep.stats.control.capability import Capability
from sevenstep.stats.control.specification import Index, Specification
from sevenstep.tasks.contract import Insight
from sevenstep.tasks.tabular.quality.ordered import Ordered
from sevenstep.wording import percent

__all__ = ["capability_insights", "capability_tables"]

ABLE, UNABLE = 1.33, 1.0
"""A process is capable from 1.33 on, four standard deviations to the nearer limit, and not below 1."""
_WEIGHT, _UNTOLD = 1.0, 0.3
_INDICES = {"cp": "Cp", "cpk": "Cpk", "pp": "Pp", "ppk": "Ppk", "cpm": "Cpm"}
_OF_ORDER = ("cp", "cpk")
"""Indices of the spread within groups or between neighbours, which mean nothing where rows have neither groups nor order."""


def capability_insights(
    able: Mapping[str, Capability], tolerances: Mapping[str, Specification], units: Mapping[str, str]
) -> list[Insight]:
    """One sentence for each tolerance; the less a process keeps it, the more it weighs."""
    told = {name: found for name, found in able.items() if found.ppk.low is not None}
    untold = [name for name in tolerances if name not in told]
    silent = [
        Insight(f"Whether {name} keeps its tolerance cannot be told", "too few values, or all alike", _UNTOLD, "warn")
        for name in untold
    ]
    return [*(_insight(name, found, tolerances[name], units.get(name, "")) for name, found in told.items()), *silent]


def _insight(name: str, found: Capability, tolerance: Specification, unit: str) -> Insight:
    value, low, high = (part or 0.0 for part in (found.ppk.value, found.ppk.low, found.ppk.high))
    verdict, tone = _verdict(low, high)
    seen = found.outside.value
    outside = f"{percent(seen)} of {found.n:,} values lie outside" if seen else f"none of {found.n:,} values lies outside"
    text = f"{name} {verdict} {_limits(tolerance, unit)}: {outside}"
    evidence = f"Ppk {value:.2f}, 95 % interval {low:.2f} to {high:.2f}; {ABLE} is asked for; {_expected(found.expected)}"
    weight = _WEIGHT * min(max(1 - low / ABLE, 0.02), 1.0)
    return Insight(text, evidence, weight, tone)


def _verdict(low: float, high: float) -> tuple[str, Literal["good", "warn", "bad"]]:
    if low >= ABLE:
        return "keeps its tolerance of", "good"
    if high < UNABLE:
        return "does not keep its tolerance of", "bad"
    return "only narrowly keeps its tolerance of", "warn"


def _limits(tolerance: Specification, unit: str) -> str:
    of = f" {unit}" if unit else ""
    if tolerance.lower is None:
        return f"at most {tolerance.upper:g}{of}"
    return f"at least {tolerance.lower:g}{of}" if tolerance.upper is None else f"{tolerance.lower:g} to {tolerance.upper:g}{of}"


def _expected(expected: Index) -> str:
    if expected.value is None or expected.low is None or expected.high is None:
        return "no distribution fits, so that no share is expected"
    return f"{percent(expected.value)} expected ({percent(expected.low)} to {percent(expected.high)})"


def capability_tables(
    able: Mapping[str, Capability], tolerances: Mapping[str, Specification], ordered: Ordered, units: Mapping[str, str]
) -> Iterator[Block]:
    """Shares outside and indices by column; nothing without tolerances."""
    if able:
        named = {name: {"column": name, "tolerance": _limits(tolerances[name], units.get(name, ""))} for name in able}
        yield _outside_table(able, named, alike=bool(ordered.keys))
        yield _index_table(able, named, ordered)


def _outside_table(able: Mapping[str, Capability], named: Mapping[str, Mapping[str, str]], *, alike: bool) -> Table:
    rows = [{**named[name], **_shares(found)} for name, found in able.items()]
    columns = [
        Column("column", "Column"), Column("tolerance", "Tolerance"), Column("n", "Values", "integer"), Column("mean", "Mean"),
        Column("deviation", "Deviation"), Column("outside", "Outside, seen", "interval", "%"),
        Column("expected", "Outside, expected", "interval", "%"), Column("note", "Note"),
    ]  # fmt: skip
    wider = "; rows of one group are alike, which widens them" if alike else ""
    caption = (
        "By data.tolerances. Expected is the share that a distribution fitted to the values has outside, though none be seen. "
        f"Intervals of 95 %{wider}."
    )
    return Table("Outside of the tolerance", columns, rows, caption)


def _shares(found: Capability) -> dict[str, Any]:
    return {
        "n": found.n, "mean": f"{found.mean:.4g}", "deviation": f"{found.overall:.3g}", "note": found.note,
        "outside": _parts(found.outside, 100.0), "expected": _parts(found.expected, 100.0),
    }  # fmt: skip


def _index_table(able: Mapping[str, Capability], named: Mapping[str, Mapping[str, str]], ordered: Ordered) -> Table:
    """The indices that have what they need for one column at least."""
    in_order = ordered.time is not None or bool(ordered.keys)
    shown = {
        index: label
        for index, label in _INDICES.items()
        if (in_order or index not in _OF_ORDER) and any(getattr(one, index).value is not None for one in able.values())
    }
    rows = [{**named[name], **{index: _parts(getattr(found, index)) for index in shown}} for name, found in able.items()]
    columns = [Column("column", "Column"), Column("tolerance", "Tolerance")]
    columns += [Column(index, label, "interval") for index, label in shown.items()]
    within = f"within one {' and '.join(ordered.keys)}" if ordered.keys else "between neighbouring values"
    caption = (
        f"Cp and Cpk take the spread {within}, Pp and Ppk that of all values; Cpk and Ppk count how far the mean is off the "
        f"middle, Cpm how far off the target. {ABLE} and more is asked for as a rule; below 1 a tolerance is not kept."
    )
    return Table("Capability", columns, rows, caption)


def _parts(index: Index, times: float = 1.0) -> list[float | None] | None:
    parts = (index.value, index.low, index.high)
    return None if index.value is None else [None if part is None else part * times for part in parts]
