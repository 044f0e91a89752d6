"""The tables of the third chapter: columns, the recipe, groups of columns that say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from sevenstep.chapter import Block, Column, Table
from sevenstep.data.dataset import Dataset
from sevenstep.tasks.tabular.explore.findings import Findings
from sevenstep.tasks.tabular.explore.strength import SURE
from sevenstep.wording import roughly

__all__ = ["alike_table", "column_table", "recipe_table"]


def column_table(data: Dataset, found: Findings) -> Block:
    """Every column with its use, type, gaps, levels, range and what it says about the target."""
    rows = [_column_row(data.items[name], found, data) for name in data.items.columns]
    columns = [
        Column("name", "Column"),
        Column("use", "Use"),
        Column("type", "Type"),
        Column("missing", "Missing", "percent"),
        Column("levels", "Different values", "integer"),
        Column("range", "Range"),
        Column("share", "Explains alone", "percent"),
        Column("rate", "False discovery rate", "percent"),
    ]
    caption = (
        f"All {len(data.items):,} rows, open ones included. 'Explains alone' is the share of the target's uncertainty, less that "
        f"of chance; a false discovery rate under {roughly(SURE)} counts as found."
    )
    return Table("Columns", columns, rows, caption)


def _column_row(values: pl.Series, found: Findings, data: Dataset) -> dict[str, Any]:
    known = values.drop_nulls()
    countable = not values.dtype.is_nested() and values.dtype != pl.Binary
    one = next((one for one in found.strengths if one.column == values.name), None)
    return {
        "name": values.name,
        "use": _use(values.name, found, data),
        "type": str(values.dtype).partition("(")[0].lower(),
        "missing": values.null_count() / max(len(values), 1),
        "levels": known.n_unique() if countable else None,
        "range": _range(known) if countable else "",
        "share": one.share if one else None,
        "rate": one.q if one else None,
    }


def _use(name: str, found: Findings, data: Dataset) -> str:
    if name in data.roles.targets:
        return "target"
    if name in found.view.problem.kinds:
        return found.view.problem.kinds[name]
    return f"left out: {found.left_out[name]}" if name in found.left_out else ""


def _range(known: pl.Series) -> str:
    if known.is_empty():
        return ""
    if known.dtype.is_numeric() or known.dtype.is_temporal():
        return f"{_plain(known.min())} to {_plain(known.max())}"
    top = known.cast(pl.String).alias("level").value_counts().sort(["count", "level"], descending=[True, False]).head(3)
    return ", ".join(f"{level} ({roughly(count / len(known))})" for level, count in top.iter_rows())


def _plain(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def alike_table(found: Findings) -> Iterator[Block]:
    """Groups of columns that say the same, where there are any."""
    rows = [{"lead": group[0], "others": ", ".join(group[1:]), "count": len(group)} for group in found.groups]
    columns = [
        Column("lead", "Says most about the target"),
        Column("count", "Columns", "integer"),
        Column("others", "Say nearly the same"),
    ]
    if rows:
        yield Table(
            "Columns that say the same", columns, rows, f"Linked by rank correlations of 0.95 and more.{found.view.note()}", 8
        )


def recipe_table(recipe: Mapping[str, Any]) -> Block:
    """The preprocessing recipe with its reasons."""
    columns = [Column("what", "What"), Column("how", "How"), Column("why", "Why"), Column("fitted", "Fitted")]
    caption = "Whatever has parameters is fitted on the training rows of each fold alone."
    return Table("Preprocessing recipe", columns, recipe["shown"], caption, first=24)
