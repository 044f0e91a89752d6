"""Step 2 of the tabular tasks: what is wrong or odd about classes, rows and inputs, beyond what holds for any table.

Every check reports and changes nothing; a gate decides what follows from the findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from sevenstep.data.dataset import Dataset, Finding
from sevenstep.data.naming import listed
from sevenstep.spec.brief import Brief
from sevenstep.tasks.tabular.encode.building import learnt_forms
from sevenstep.tasks.tabular.encode.reading import Columns
from sevenstep.tasks.tabular.explore.drift import level_gap, number_gap
from sevenstep.tasks.tabular.explore.strength import corrected
from sevenstep.tasks.tabular.explore.units import unit_mixture
from sevenstep.tasks.tabular.explore.view import binned
from sevenstep.tasks.tabular.problem import Problem
from sevenstep.wording import counted, percent, roughly

__all__ = ["check"]

TINY, RARE, FEWEST_RARE = 10, 0.05, 100
NEARLY_ALL, NAMING = 0.999, 0.5  # share of the rows with one value; levels to a row, at which a level hardly comes twice
FEWEST_OPEN, SURE, FAR, LEVELS_TOLD = 20, 0.001, 0.1, 4
MOST_ROWS = 200_000  # rows looked at for units and open rows
AFTERWARDS = 0.5  # gap in shares of values missing, open rows against known ones


@dataclass(frozen=True)
class _Table:
    """The rows with what the checks need to know about them."""

    items: pl.DataFrame
    problem: Problem

    @cached_property
    def known(self) -> pl.DataFrame:
        """Rows whose target is known."""
        return self.items.filter(pl.Series(np.isfinite(self.problem.values(self.items))))

    @cached_property
    def open(self) -> pl.DataFrame:
        """Rows that wait for a prediction."""
        return self.items.filter(pl.col(self.problem.target).is_null())

    @cached_property
    def columns(self) -> Columns:
        """The first known rows, read as a fit reads them."""
        return Columns(self.known.head(MOST_ROWS), learnt_forms(self.known, self.problem))

    def of_kind(self, *kinds: str) -> list[str]:
        """Inputs of these kinds."""
        return [name for name, kind in self.problem.kinds.items() if kind in kinds]

    def found(self, code: str, severity: str, part: str, column: str, rows: int, text: str, fix: str = "") -> Finding:
        """A finding about ``rows`` of all rows."""
        return Finding(f"TABULAR-{code}", severity, part, column, rows, rows / max(len(self.items), 1), text, fix)


def check(data: Dataset, brief: Brief) -> Sequence[Finding]:
    """All findings, errors first, then by the share of rows they touch.

    Looks for rare and tiny classes, equal rows with different targets, inputs that are nearly constant or name the row, codes for
    missing, values in another unit, and open rows that differ from those to be learnt from: in values, in levels, or because an
    input is filled in only once the outcome is known.
    """
    table = _Table(data.items, Problem.of(data))
    codes = data.facts["codes"]["value"] if "codes" in data.facts else {}
    findings = [*(finding for look in _CHECKS for finding in look(table)), *_codes(table, codes)]
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(findings, key=lambda finding: (order[finding.severity], -finding.share, finding.code, finding.column))


def _classes(table: _Table) -> Iterator[Finding]:
    """Classes with too few rows to learn from or to judge by."""
    names, target = table.problem.classes, table.problem.target
    if not names:
        return
    counts = np.bincount(table.problem.codes(table.known), minlength=len(names)).tolist()
    for name, rows in sorted(zip(names, counts, strict=True), key=lambda pair: pair[1]):
        share = rows / max(len(table.known), 1)
        if rows < TINY:
            text = f"'{target}' is {name} in {rows} {'row' if rows == 1 else 'rows'}: too few to learn from and to judge by"
            yield table.found("TINY-CLASS", "warning", "complete", target, rows, text, "bring more such rows, or merge the class")
        elif share < RARE or rows < FEWEST_RARE:
            text = f"'{target}' is {name} in {counted(rows, 'row')} ({percent(share)}): all figures about it rest on these"
            severity = "warning" if rows < FEWEST_RARE else "info"
            yield table.found("RARE-CLASS", severity, "complete", target, rows, text, "more such rows help more than any others")


def _few_values(table: _Table) -> Iterator[Finding]:
    """A number to be predicted that has hardly any different values."""
    if table.problem.classes:
        return
    values = table.known[table.problem.target].n_unique()
    if values <= 5 < len(table.known):
        text = f"'{table.problem.target}' has {values} different values: classes rather than a number"
        fix = "if they are classes, write task: classification"
        yield table.found("FEW-VALUES", "warning", "valid", table.problem.target, len(table.known), text, fix)


def _contradictions(table: _Table) -> Iterator[Finding]:
    """Rows equal in every input whose targets differ: no model tells them apart."""
    inputs = [name for name in table.problem.inputs if table.known.schema[name] != pl.Binary]
    if not inputs or len(inputs) < len(table.problem.inputs):
        return
    target = table.problem.target
    groups = table.known.group_by(inputs).agg(pl.len().alias("rows_"), pl.col(target).n_unique().alias("targets_"))
    differing = groups.filter((pl.col("rows_") > 1) & (pl.col("targets_") > 1))
    rows = int(differing["rows_"].sum())
    if rows:
        text = f"{rows:,} rows equal others in all {len(inputs)} inputs and differ in '{target}'"
        fix = "add an input that tells them apart, or mend the labels"
        severity = "warning" if rows / len(table.items) >= 0.01 else "info"
        yield table.found("CONTRADICTIONS", severity, "consistent", target, rows, text, fix)


def _nearly_constant(table: _Table) -> Iterator[Finding]:
    """Inputs with one value in nearly all rows."""
    for name in table.of_kind("number", "category"):
        known = table.known[name].drop_nulls()
        if known.is_empty():
            continue
        top = int(known.unique_counts().max())  # type: ignore[arg-type]
        if NEARLY_ALL * len(known) <= top < len(known):
            text = f"'{name}' has one value in all but {len(known) - top:,} of its {len(known):,} rows"
            yield table.found("NEARLY-CONSTANT", "info", "consistent", name, top, text)


def _nearly_ids(table: _Table) -> Iterator[Finding]:
    """Categories that almost name the row: what is learnt about one level helps with no other row."""
    for name in table.of_kind("category"):
        values = table.known[name].drop_nulls()
        if len(values) >= 20 and values.n_unique() >= NAMING * len(values):
            text = f"'{name}' has {values.n_unique():,} different values in {len(values):,} rows: it nearly names the row"
            yield table.found("NEARLY-ID", "warning", "unique", name, len(values), text, f"drop: [{name}], or keep a part of it")


def _codes(table: _Table, codes: dict[str, list[float]]) -> Iterator[Finding]:
    """Numbers read as missing."""
    for name, values in codes.items():
        told = listed(f"{value:g}" for value in values)
        rows = int(np.isin(table.items[name].cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy(), values).sum())
        text = f"'{name}' is {told} in {counted(rows, 'row')}, far from all its other values: read as missing"
        fix = f"if it is a measurement, write it otherwise; if a code, set data.missing: [{told}]"
        yield table.found("MISSING-CODE", "info", "complete", name, rows, text, fix)


def _units(table: _Table) -> Iterator[Finding]:
    """A small part of a column that seems to be in another unit."""
    for name in table.of_kind("number"):
        mixture = unit_mixture(table.columns.numbers(name))
        if mixture is not None:
            above = mixture.factor > 1
            factor = mixture.factor if above else 1 / mixture.factor
            text = (
                f"{mixture.rows:,} values of '{name}' are about {factor:,.0f} times {'larger' if above else 'smaller'} than "
                f"the others and like them otherwise: another unit?"
            )
            fix = f"look at the rows where it is {'above' if above else 'below'} {mixture.border:,.4g}"
            yield table.found("UNITS", "warning", "valid", name, mixture.rows, text, fix)


def _afterwards(table: _Table) -> Iterator[Finding]:
    """Inputs that open rows lack: most likely filled in once the outcome is known."""
    if len(table.open) < FEWEST_OPEN:
        return
    for name in table.problem.inputs:
        lacks, lacked = (rows[name].null_count() / max(len(rows), 1) for rows in (table.open, table.known))
        if lacks - lacked > AFTERWARDS:
            rows = table.open[name].null_count()
            gaps = f"missing in {roughly(lacks)} of the open rows and in {roughly(lacked)} of the others"
            text = f"'{name}' is {gaps}: known only afterwards?"
            yield table.found("AFTERWARDS", "warning", "timely", name, rows, text, f"drop: [{name}] unless it is known in time")


def _new_levels(table: _Table) -> Iterator[Finding]:
    """Levels of open rows that no known row has."""
    for name in table.of_kind("category"):
        seen = table.known[name].drop_nulls().cast(pl.String).unique()
        texts = table.open[name].drop_nulls().cast(pl.String)
        unseen = texts.filter(~texts.is_in(seen.implode()))
        if len(unseen):
            told = listed((f"'{level}'" for level in unseen.unique().sort()), most=LEVELS_TOLD)
            text = f"{len(unseen):,} open rows have a '{name}' that was never seen with a known target: {told}"
            yield table.found("NEW-LEVELS", "warning", "consistent", name, len(unseen), text, "it counts as missing")


def _open_drift(table: _Table) -> Iterator[Finding]:
    """Inputs whose values in open rows differ from those to be learnt from."""
    if len(table.open) < FEWEST_OPEN or len(table.known) < FEWEST_OPEN:
        return
    both = pl.concat([table.known.head(MOST_ROWS), table.open.head(MOST_ROWS)], how="vertical_relaxed")
    is_open = np.arange(len(both)) >= min(len(table.known), MOST_ROWS)
    columns = Columns(both, learnt_forms(table.known, table.problem))
    gaps = {name: number_gap(columns.numbers(name), is_open) for name in table.of_kind("number")}
    gaps |= {name: level_gap(binned(columns, name, "category"), is_open) for name in table.of_kind("category")}
    for (name, (size, _)), rate in zip(gaps.items(), corrected([p for _, p in gaps.values()]), strict=True):
        if rate < SURE and size >= FAR:
            text = f"'{name}' differs between open rows and those to be learnt from: gap of the distributions {size:.2f} of 1"
            yield table.found("OPEN-DRIFT", "warning", "timely", name, len(table.open), text, "bring rows like the open ones")


_CHECKS: tuple[Callable[[_Table], Iterator[Finding]], ...] = (
    _classes, _few_values, _contradictions, _nearly_constant, _nearly_ids, _units, _afterwards, _new_levels, _open_drift,
)  # fmt: skip
