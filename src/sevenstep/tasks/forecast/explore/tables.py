"""The tables of the third chapter: columns, segments, outliers, suspected leaks and the recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from sevenstep.chapter import Block, Column, Table
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.tasks.forecast.explore.findings import TargetFindings
from sevenstep.tasks.forecast.explore.inputs import Inputs
from sevenstep.tasks.forecast.explore.sample import Sample
from sevenstep.wording import percent, roughly

__all__ = ["column_table", "leak_table", "outlier_table", "recipe_table", "segment_table"]

MOST_LEVELS = 200


def column_table(data: Dataset, inputs: Inputs) -> Block:
    """Every column with its role, type, gaps, levels and range."""
    items, roles = data.items, data.roles
    rows = [_column_row(items[name], _role(name, roles), inputs) for name in items.columns]
    columns = [
        Column("name", "Column"),
        Column("role", "Role"),
        Column("type", "Type"),
        Column("missing", "Missing", "percent"),
        Column("levels", "Different values", "integer"),
        Column("range", "Range"),
        Column("use", "Use"),
    ]
    return Table("Columns", columns, rows, f"All {len(items):,} rows, open ones included.")


def _column_row(values: pl.Series, role: str, inputs: Inputs) -> dict[str, Any]:
    numeric = values.dtype.is_numeric() or values.dtype.is_temporal()
    known = values.drop_nulls()
    span = f"{_plain(known.min())} to {_plain(known.max())}" if numeric and len(known) else _common(known)
    return {
        "name": values.name,
        "role": role,
        "type": str(values.dtype).partition("(")[0].lower(),
        "missing": values.null_count() / max(len(values), 1),
        "levels": known.n_unique(),
        "range": span,
        "use": _use(values.name, inputs),
    }


def _plain(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def _common(values: pl.Series) -> str:
    if not len(values) or values.dtype.is_nested():
        return ""
    top = values.cast(pl.String).value_counts(sort=True).head(3)
    return ", ".join(f"{level} ({roughly(count / len(values))})" for level, count in top.iter_rows())


def _role(name: str, roles: Roles) -> str:
    named = {
        "target": roles.targets, "time": (roles.time,), "series": roles.keys, "known ahead": roles.known_ahead,
        "static": roles.static, "known afterwards": roles.observed,
    }  # fmt: skip
    found = next((role for role, columns in named.items() if name in columns), "")
    return f"{found}, segment".lstrip(", ") if name in roles.segments else found


def _use(name: str, inputs: Inputs) -> str:
    if name in inputs.dropped:
        return f"left out: {inputs.dropped[name]}"
    if name in inputs.categories:
        return "category"
    return "number" if name in inputs.numbers else ""


def segment_table(data: Dataset, inputs: Inputs) -> Iterator[Block]:
    """Size and share of each level of each segment, for the first target."""
    target, keys = data.roles.targets[0], list(data.roles.keys)
    known = data.items.filter(pl.col(target).is_not_null())
    total = float(known[target].cast(pl.Float64).sum())
    rows: list[dict[str, Any]] = []
    for segment in inputs.groups:
        series = pl.struct(keys).n_unique() if keys else pl.lit(1)
        value = pl.col(target).cast(pl.Float64)
        table = known.group_by(segment).agg(
            series.alias("series"), pl.len().alias("rows"), value.mean().alias("mean"), value.sum().alias("sum")
        )
        for level, *figures in table.sort("sum", descending=True).head(MOST_LEVELS).iter_rows():
            count, n, mean, part = figures
            rows.append(
                {
                    "segment": segment,
                    "level": str(level),
                    "series": count,
                    "rows": n,
                    "mean": mean,
                    "share": part / total if total else None,
                }
            )
    columns = [
        Column("segment", "Segment"),
        Column("level", "Level"),
        Column("series", "Series", "integer"),
        Column("rows", "Values", "integer"),
        Column("mean", f"Mean {target}", "number"),
        Column("share", "Share of the total", "percent"),
    ]
    if rows:
        yield Table("Segments", columns, rows, "From all rows; the levels of a segment with the largest total first.")


def outlier_table(found: Sequence[TargetFindings], sample: Sample) -> Iterator[Block]:
    """The values farthest from their like."""
    rows = [{"target": item.target, **row} for item in found for row in item.outliers.rows]
    columns = [
        Column("target", "Target"),
        Column("series", "Series"),
        Column("time", "Time"),
        Column("value", "Value", "number"),
        Column("usual", "Usual", "number"),
        Column("deviations", "Robust deviations", "number"),
    ]
    if rows:
        counts = "; ".join(f"{item.target}: {item.outliers.count:,} ({percent(item.outliers.share)})" for item in found)
        caption = f"Values over 6 robust deviations from the median of {found[0].view.cells.words}. {counts}.{sample.note()}"
        yield Table("Values far from their like", columns, rows, caption, first=8)


def leak_table(found: Sequence[TargetFindings]) -> Iterator[Block]:
    """Columns that may know too much, where there are any."""
    rows = [{"target": item.target, **leak, "fate": _fate(leak)} for item in found for leak in item.leaks]
    columns = [
        Column("column", "Column"),
        Column("target", "Target"),
        Column("role", "Role"),
        Column("text", "Found"),
        Column("filled_ahead", "Filled for open rows", "percent"),
        Column("fate", "Done"),
    ]
    if rows:
        yield Table("Suspected leaks", columns, rows, "A plan has values for rows that are still open; a leak does not.")


def _fate(leak: Mapping[str, Any]) -> str:
    if leak["role"] == "observed":
        return "not an input"
    return "left out" if leak["drop"] else "kept: it is filled ahead"


def recipe_table(recipe: Mapping[str, Any]) -> Block:
    """The preprocessing recipe with its reasons."""
    columns = [
        Column("target", "Target"),
        Column("what", "What"),
        Column("how", "How"),
        Column("why", "Why"),
        Column("fitted", "Fitted"),
    ]
    caption = "Whatever has parameters is fitted on the training rows of each fold alone."
    return Table("Preprocessing recipe", columns, recipe["shown"], caption, first=24)
