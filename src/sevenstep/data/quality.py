"""What is wrong or odd with any table, whatever the task: missing, impossible, constant, repeated and inconsistent values.

Checks only report; a gate decides. `score` turns the findings into one figure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from sevenstep.data.coercion import MISSING_MARKS
from sevenstep.data.dataset import Finding, Roles
from sevenstep.data.naming import listed
from sevenstep.data.numerals import read_numbers
from sevenstep.data.vast import thinned
from sevenstep.spec.sources import Limits
from sevenstep.wording import counted, percent, short

__all__ = ["check_quality"]

_RARE_NEGATIVE = 0.005
_MUCH_MISSING, _SOME_MISSING = 0.2, 0.01
_STOPPED = 0.1
_SET_ASIDE = {
    "DATA-DUPLICATE": ("unique", "with the keys and time of another row and other values"),
    "DATA-UNREADABLE": ("valid", "with a target, time or key that cannot be read"),
    "DATA-NO-IDENTITY": ("complete", "without a time or a key"),
    "DATA-RAGGED": ("valid", "with more fields than the header"),
    "DATA-NOWHERE": ("valid", "about a question or a document that is not there"),
    "DOCUMENT-NO-TEXT": ("complete", "without text"),
    "DOCUMENT-ENCRYPTED": ("complete", "encrypted"),
    "DOCUMENT-BROKEN": ("valid", "broken"),
    "DOCUMENT-BOMB": ("valid", "growing beyond all measure when unpacked"),
    "DOCUMENT-FORMAT": ("valid", "of no format that is read"),
    "DOCUMENT-PATH": ("valid", "named as if outside its archive"),
    "DOCUMENT-NESTED": ("valid", "within an archive of an archive"),
    "DOCUMENT-ENCODING": ("valid", "in another encoding than was said"),
    "DOCUMENT-HEAD": ("valid", "with a head that is no YAML"),
    "GOLDEN-LOST": ("valid", "of accepted questions whose words are no longer in the documents"),
}
_WORD_MARKS = MISSING_MARKS | {"unknown", "missing", "not available", "undefined", "-999", "9999"} - {""}


@dataclass(frozen=True)
class _Table:
    """The rows under check with what the checks need to know about them."""

    items: pl.DataFrame
    roles: Roles
    limits: Mapping[str, Limits] = field(default_factory=dict)

    @property
    def inputs(self) -> list[str]:
        """Columns that are neither target, time, key nor a part of the time."""
        roles = self.roles
        named = {*roles.targets, *roles.keys, *roles.time_parts.values(), roles.time}
        return [name for name in self.items.columns if name not in named]


def check_quality(
    items: pl.DataFrame, roles: Roles, quarantine: pl.DataFrame, *, limits: Mapping[str, Limits] | None = None
) -> list[Finding]:
    """Findings on ``items``, worst first.

    Args:
        items: rows in canonical types.
        roles: role of each column.
        quarantine: rows set aside by intake, in the columns of `quarantine.SCHEMA`.
        limits: bounds of columns from the spec.
    """
    table = _Table(items, roles, limits or {})
    findings = [finding for check in _CHECKS for finding in check(table)]
    findings += _set_aside(quarantine, items.height)
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(findings, key=lambda finding: (order[finding.severity], -finding.share, finding.code, finding.column))


def _found(table: _Table, code: str, severity: str, part: str, column: str, rows: int, text: str, fix: str = "") -> Finding:
    return Finding(code, severity, part, column, rows, rows / max(1, table.items.height), text, fix)


def _missing_inputs(table: _Table) -> Iterator[Finding]:
    """A column with gaps; above a fifth of the rows it is a warning. A list says by its length that there is nothing."""
    for column in [name for name in table.inputs if not table.items.schema[name].is_nested()]:
        rows = table.items[column].null_count()
        share = rows / max(1, table.items.height)
        if rows == table.items.height:
            text = f"'{column}' has no value in any row"
            yield _found(table, "QUALITY-EMPTY-COLUMN", "warning", "complete", column, rows, text, f"drop: [{column}]")
        elif share >= _SOME_MISSING:
            is_text = table.items.schema[column] == pl.String  # an empty text is often a level of its own: no event that day
            severity = "warning" if share >= _MUCH_MISSING and not is_text else "info"
            text = f"{percent(share)} of '{column}' is {'empty' if is_text else 'missing'}"
            yield _found(table, "QUALITY-MISSING", severity, "complete", column, rows, text)


def _missing_targets(table: _Table) -> Iterator[Finding]:
    """A target missing in the past: rows after the last known value of their series are open, and wait for a prediction."""
    time = table.roles.time
    if time is None:
        return
    for target in table.roles.targets:
        rows = _missing_before_the_last(table, target, time)
        if rows:
            text = f"'{target}' is missing in {counted(rows, 'row')} before the last known value of the series"
            yield _found(
                table, "QUALITY-TARGET-GAP", "warning", "complete", target, rows, text, "fill them, or leave the rows out"
            )


def _missing_before_the_last(table: _Table, target: str, time: str) -> int:
    keys, told = list(table.roles.keys), pl.col(target).is_not_null()
    if not table.items[target].has_nulls():
        return 0
    rows = table.items.lazy().select(*keys, time, target)
    absent, known = rows.filter(~told), rows.filter(told)
    if not keys:
        return int(absent.select((pl.col(time) < known.select(pl.col(time).max()).collect().item()).sum()).collect().item())
    last = known.group_by(keys).agg(pl.col(time).max().alias("last known"))
    found = absent.join(last, on=keys, nulls_equal=True).select((pl.col(time) < pl.col("last known")).sum())
    return int(found.collect().item())


def _constant(table: _Table) -> Iterator[Finding]:
    for column in table.inputs:
        series = table.items[column]
        series = series if series.dtype.is_nested() else series.drop_nulls()
        if series.len() > 1 and not series.dtype.is_nested() and series[0] == series[-1] and (series == series[0]).all():
            text = f"'{column}' is {series[0]!r} in every row that has it, so nothing can be learnt from it"
            yield _found(table, "QUALITY-CONSTANT", "info", "consistent", column, series.len(), text, f"drop: [{column}]")


def _numeric(table: _Table, columns: Sequence[str]) -> Iterator[tuple[str, pl.Series]]:
    for column in columns:
        series = table.items[column].drop_nulls()
        if series.dtype in (pl.Int64, pl.Float64) and not series.is_empty():
            yield column, series


def _negative(table: _Table) -> Iterator[Finding]:
    """A few negative values in a column that is otherwise zero or above: returns, corrections, or errors."""
    for column, series in _numeric(table, [*table.roles.targets, *table.inputs]):
        rows = int((series < 0).sum())
        if 0 < rows <= max(1, _RARE_NEGATIVE * series.len()) and series.len() >= 10 and column not in table.limits:
            text = f"{rows:,} of {series.len():,} values of '{column}' are negative (lowest {series.min()!s}), all others are not"
            fix = f"if they are errors, set limits: {{{column}: {{min: 0}}}}"
            yield _found(table, "QUALITY-NEGATIVE", "warning", "valid", column, rows, text, fix)


def _limits(table: _Table) -> Iterator[Finding]:
    """Values outside the bounds of the spec."""
    for column, series in _numeric(table, [name for name in table.limits if name in table.items.columns]):
        bound = table.limits[column]
        below = series < bound.min if bound.min is not None else series.is_null()
        above = series > bound.max if bound.max is not None else series.is_null()
        rows = int((below | above).sum())
        if rows:
            text = f"{counted(rows, 'value')} of '{column}' outside its limits (seen {series.min()!s} to {series.max()!s})"
            yield _found(table, "QUALITY-LIMITS", "error", "valid", column, rows, text, "mend the source, or data.limits")


def _outliers(table: _Table) -> Iterator[Finding]:
    """Values far out: beyond three interquartile ranges of the quartiles (Tukey 1977, outer fences)."""
    for column, series in _numeric(table, [*table.roles.targets, *table.inputs]):
        some = thinned(series)
        low, high = some.quantile(0.25), some.quantile(0.75)
        if low is None or high is None or high == low or some.n_unique() <= 10:
            continue
        reach = 3 * (high - low)
        rows = int(((series < low - reach) | (series > high + reach)).sum())
        if rows:
            heavy = "; so many that the tail is heavy rather than the values wrong" if rows > 0.02 * series.len() else ""
            text = f"{counted(rows, 'value')} of '{column}' beyond {short(low - reach)} to {short(high + reach)}{heavy}"
            yield _found(table, "QUALITY-OUTLIERS", "info", "valid", column, rows, text)


def _texts(table: _Table) -> Iterator[tuple[str, pl.Series]]:
    for column in [*table.roles.targets, *table.inputs]:
        if table.items.schema[column] == pl.String:
            yield column, table.items[column].drop_nulls()


def _mixed(table: _Table) -> Iterator[Finding]:
    """Numbers among text: a column that stayed text although more than half of its distinct values are numbers."""
    for column, series in _texts(table):
        distinct = series.unique()
        if distinct.len() < 3 or bool(distinct.str.contains(r"^0\d").any()):
            continue
        words = distinct.filter(read_numbers(distinct).values.is_null()).sort()
        if 0 < words.len() < distinct.len() / 2:
            rows = int(series.is_in(words.implode()).sum())
            text = f"'{column}' holds numbers and {rows:,} texts such as {listed(words, most=3)}"
            fix = f"if it is a number, set types: {{{column}: number}}, which makes the texts null"
            yield _found(table, "QUALITY-MIXED", "warning", "consistent", column, rows, text, fix)


def _marks(table: _Table) -> Iterator[Finding]:
    """Words that may stand for a missing value."""
    for column, series in _texts(table):
        marked = series.filter(series.str.to_lowercase().is_in(sorted(_WORD_MARKS)))
        if marked.len():
            marks = marked.unique().sort()
            text = f"'{column}' holds {listed(marks)} in {counted(marked.len(), 'row')}, which may mean missing"
            fix = f"if so, set data.missing: [{', '.join(repr(mark) for mark in marks)}]"
            yield _found(table, "QUALITY-MISSING-MARK", "info", "complete", column, marked.len(), text, fix)


def _spellings(table: _Table) -> Iterator[Finding]:
    """Values that differ only by case or spaces: most often one category, written twice."""
    for column, series in _texts(table):
        counts = series.value_counts(sort=True)
        if not 1 < counts.height <= 1000:
            continue
        folded = counts.with_columns(
            pl.col(column).str.to_lowercase().str.replace_all(r"[\s_-]+", " ").str.strip_chars().alias("folded")
        )
        twins = folded.filter(pl.col("folded").is_duplicated()).sort("folded", "count", column, descending=[False, True, False])
        rare = twins.filter(~pl.col("folded").is_first_distinct())
        if rare.height:
            rows = int(rare["count"].sum())
            text = f"'{column}' writes one value in several ways: {listed((repr(name) for name in twins[column]), most=4)}"
            yield _found(
                table, "QUALITY-SPELLING", "warning", "consistent", column, rows, text, "agree on one spelling in the source"
            )


def _copies(table: _Table) -> Iterator[Finding]:
    """Rows equal in all columns, where no keys and time name a row."""
    plain = [name for name, dtype in table.items.schema.items() if not dtype.is_nested() and dtype != pl.Binary]
    if table.roles.keys or table.roles.time or not plain or len(plain) < table.items.width:
        return
    rows = table.items.height - table.items.select(pl.struct(plain).n_unique()).item()
    if rows:
        severity = "warning" if rows / table.items.height >= 0.01 else "info"
        text = f"{counted(rows, 'copy')} of other rows; a copy in both training and test flatters every model"
        yield _found(table, "QUALITY-COPIES", severity, "unique", "", rows, text, "remove them in the source")


def _stopped(table: _Table) -> Iterator[Finding]:
    """Series whose last row is long before the newest one of all (by a tenth of the whole span)."""
    time, keys = table.roles.time, list(table.roles.keys)
    if time is None or not keys:
        return
    last = table.items.lazy().group_by(keys).agg(pl.col(time).max().alias("last"), pl.len().alias("rows")).collect()
    number = last["last"].to_physical()
    span = table.items[time].to_physical()
    limit = number.max() - _STOPPED * (span.max() - span.min())  # type: ignore[operator]
    old = last.filter(number < limit)
    if old.height:
        text = f"{old.height:,} of {last.height:,} series ended long before the newest row"
        yield _found(
            table,
            "QUALITY-STOPPED",
            "warning",
            "timely",
            time,
            int(old["rows"].sum()),
            text,
            "drop them, or bring them up to date",
        )


def _set_aside(quarantine: pl.DataFrame, height: int) -> Iterator[Finding]:
    """What intake set aside, by reason; shares are of all rows read."""
    for code, rows in quarantine.group_by("code").len().sort("code").iter_rows():
        part, words = _SET_ASIDE.get(code, ("valid", "with values that cannot be"))
        share = rows / max(1, height + quarantine.height)
        noun = "document" if code.startswith("DOCUMENT-") else "row"
        text = f"{counted(rows, noun)} {words}, set aside in the quarantine"
        yield Finding(code, "error" if share > 0.05 else "warning", part, "", rows, share, text, "see quarantine.parquet")


_CHECKS: tuple[Callable[[_Table], Iterator[Finding]], ...] = (
    _missing_inputs, _missing_targets, _constant, _negative, _limits, _outliers, _mixed, _marks, _spellings, _copies, _stopped,
)  # fmt: skip
