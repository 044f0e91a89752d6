"""Holding newer data against the contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from sevenstep.data.contract import DEFAULT_ACTIONS, Action, ColumnRule, Contract, type_of
from sevenstep.data.dataset import Finding
from sevenstep.data.naming import did_you_mean, listed
from sevenstep.data.quarantine import ROW, Quarantine
from sevenstep.data.vast import in_order, kept, thinned
from sevenstep.wording import percent, roughly

__all__ = ["ContractCheck", "check_contract"]

_PARTS = {"null_share": "complete", "column": "complete", "unique": "unique", "frequency": "timely", "type": "consistent"}
_SEVERITY: dict[Action, str] = {"warn": "warning", "quarantine": "warning", "stop": "error"}


@dataclass(frozen=True)
class ContractCheck:
    """What the contract says about newer rows.

    ``findings`` of severity ``error`` mean that the contract says stop; ``items`` are rows that stay; ``quarantine`` holds the
    others, in the columns of `quarantine.SCHEMA`.
    """

    findings: tuple[Finding, ...]
    items: pl.DataFrame
    quarantine: pl.DataFrame


@dataclass(frozen=True)
class _Violation:
    """One broken rule: which rows break it (None where it is about the table), and the words."""

    kind: str
    column: str
    text: str
    fix: str
    rows: pl.Series | None = None


def check_contract(
    items: pl.DataFrame, contract: Contract, *, frequency: str = "", source: str = "items", rows: pl.Series | None = None
) -> ContractCheck:
    """Hold ``items`` against the contract; it never raises, a gate decides on the findings.

    Args:
        items: rows in canonical types.
        contract: the rules.
        frequency: spacing of the times as inferred from ``items``; not compared when empty.
        source: name of the source that gave the rows, under which they are set aside.
        rows: number of each row in that source, as `Intake.rows` holds it; without it, rows set aside have none.
    """
    violations = list(_table_violations(items, contract, frequency))
    for name, rule in contract.columns.items():
        if name in items.columns:
            violations += _column_violations(items[name], rule)
    numbered = items if rows is None else items.with_columns(rows.alias(ROW))
    findings, aside, quarantine = [], pl.repeat(False, items.height, eager=True), Quarantine()
    for violation in violations:
        action = _action(violation, contract)
        findings.append(_finding(violation, action, items.height))
        if action == "quarantine" and violation.rows is not None:
            new = violation.rows & ~aside
            code = f"CONTRACT-{violation.kind.upper().replace('_', '-')}"
            quarantine.set_aside(source, numbered.filter(new), code=code, column=violation.column, reason=violation.text)
            aside = aside | new
    return ContractCheck(tuple(findings), kept(items, ~aside), quarantine.frame())


def _action(violation: _Violation, contract: Contract) -> Action:
    rule = contract.columns.get(violation.column)
    own = rule.on_violation if rule is not None else None
    return own or DEFAULT_ACTIONS.get(violation.kind, "warn")


def _finding(violation: _Violation, action: Action, height: int) -> Finding:
    rows = height if violation.rows is None else int(violation.rows.sum())
    code = f"CONTRACT-{violation.kind.upper().replace('_', '-')}"
    severity = "info" if violation.kind == "new_column" else _SEVERITY[action]
    part, share = _PARTS.get(violation.kind, "valid"), rows / max(1, height)
    return Finding(code, severity, part, violation.column, rows, share, violation.text, violation.fix)


def _table_violations(items: pl.DataFrame, contract: Contract, frequency: str) -> Iterator[_Violation]:
    new = [name for name in items.columns if name not in contract.columns]
    for name in contract.columns:
        if name not in items.columns:
            yield _Violation("column", name, f"column '{name}' is gone", did_you_mean(name, new) if new else "bring it back")
    for name in new:
        yield _Violation("new_column", name, f"column '{name}' is new", "add it to the contract to have it watched")
    unique = [name for name in contract.unique if name in items.columns]
    if unique and len(unique) == len(contract.unique) and not in_order(items, unique, strictly=True):
        twice = items.select(pl.struct(unique).is_duplicated()).to_series()
        if twice.any():
            yield _Violation(
                "unique", unique[-1], f"{twice.sum()} rows share their {' and '.join(unique)}", "remove the copies", twice
            )
    if frequency and contract.frequency and frequency != contract.frequency:
        text = f"the times are {frequency} apart where they were {contract.frequency}"
        yield _Violation("frequency", contract.unique[-1] if contract.unique else "", text, "check the export")


def _column_violations(series: pl.Series, rule: ColumnRule) -> Iterator[_Violation]:
    kind = type_of(series.dtype)
    if kind != rule.type and not _fits(series, rule.type):
        fix = f"set types: {{{series.name}: {rule.type}}} in the spec, or change the contract"
        yield _Violation("type", series.name, f"'{series.name}' is {kind} where it was {rule.type}", fix)
        return
    share = series.null_count() / max(1, series.len())
    if rule.null_share is not None and share > rule.null_share:
        text = f"{percent(share)} of '{series.name}' is missing where at most {roughly(rule.null_share)} was"
        yield _Violation("null_share", series.name, text, "check the source", series.is_null())
    if rule.values is not None:
        yield from _unknown_values(series, rule.values)
    if rule.range is not None or rule.limits is not None:
        yield from _out_of_bounds(series.cast(pl.Float64), rule)


def _fits(series: pl.Series, expected: str) -> bool:
    """Whole numbers do for numbers, whole floats for integers, a column of nulls for anything."""
    if series.null_count() == series.len() or (expected == "number" and series.dtype == pl.Int64):
        return True
    return expected == "integer" and series.dtype == pl.Float64 and bool((series == series.round(0)).fill_null(True).all())


def _unknown_values(series: pl.Series, values: Sequence[str | int]) -> Iterator[_Violation]:
    known = pl.Series(values).cast(series.dtype, strict=False)
    unknown = (~series.is_in(known.implode())).fill_null(False)
    if not unknown.any():
        return
    new = series.filter(unknown).unique(maintain_order=True).to_list()
    text = f"'{series.name}' has {len(new)} new value{'s' if len(new) > 1 else ''}: {listed(new, most=5)}"
    fix = did_you_mean(str(new[0]), (str(value) for value in values)) if series.dtype == pl.String else ""
    near = fix if fix.startswith("did you mean") else "add it to the contract's values if it is right"
    yield _Violation("values", series.name, text, near, unknown)


def _out_of_bounds(series: pl.Series, rule: ColumnRule) -> Iterator[_Violation]:
    impossible = _outside(series, rule.limits) if rule.limits is not None else pl.repeat(False, series.len(), eager=True)
    if rule.limits is not None and impossible.any():
        bounds = " to ".join("any" if bound is None else f"{bound:g}" for bound in rule.limits)
        text = f"{impossible.sum()} values of '{series.name}' are impossible (outside {bounds})"
        yield _Violation("limits", series.name, text, "mend the source, or change the limits", impossible)
    odd = _outside(series, rule.range) & ~impossible if rule.range is not None else impossible & False
    unit = _wrong_unit(series, odd, rule.typical)
    if rule.range is not None and (odd.any() or unit):
        low, high = rule.range
        seen = f", such as {series.filter(odd)[0]:g}" if odd.any() else ""
        text = f"{odd.sum()} values of '{series.name}' are outside {low:g} to {high:g}{seen}"
        yield _Violation("range", series.name, text + (f"; {unit}" if unit else ""), _unit_fix(unit), odd)


def _outside(series: pl.Series, bounds: tuple[float | None, float | None]) -> pl.Series:
    low, high = bounds
    below = series < low if low is not None else pl.repeat(False, series.len(), eager=True)
    above = series > high if high is not None else pl.repeat(False, series.len(), eager=True)
    return (below | above).fill_null(False)


def _wrong_unit(series: pl.Series, odd: pl.Series, typical: float | None) -> str:
    """Words for values that are a thousand (or, for shares, a hundred) times what they were; empty where they are not."""
    size = (series.filter(odd) if odd.any() else thinned(series)).abs()
    median = size.filter(size > 0).median()
    if not typical or not isinstance(median, float):
        return ""
    ratio = median / typical
    if 500 <= ratio <= 2000:
        return "they are about 1,000 times what they were: a wrong unit (g for kg)?"
    if 1 / 2000 <= ratio <= 1 / 500:
        return "they are about a thousandth of what they were: a wrong unit (kg for g)?"
    return "they are about 100 times what they were: percent for shares?" if typical <= 1 and 50 <= ratio <= 200 else ""


def _unit_fix(unit: str) -> str:
    return "bring the source back to the old unit" if unit else "widen the range in the contract if they are right"
