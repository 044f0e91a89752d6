"""Label files: CSV, JSON lines and Label Studio's JSON as one table, and that table as votes of several labellers.

Every cell of a text file stays text: a label ``007`` or ``true`` is a name and no number.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from sevenstep.data.labels.encoding import codes_of
from sevenstep.data.labels.studio import LABEL, LABELLER, rows_of_tasks, tasks_of_rows
from sevenstep.data.naming import did_you_mean, listed
from sevenstep.errors import InputError

__all__ = ["FORMATS", "Votes", "label_text", "read_labels", "read_table", "votes_by_column", "votes_by_row"]

FORMATS = (".csv", ".jsonl", ".json")
"""Endings of label files; ``.json`` is Label Studio's."""

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Votes:
    """Labels of several labellers.

    Args:
        codes: class number each gave each item, ``[item, labeller]``; -1 where there is none.
        items: one row an item, in the order they first appear.
        labellers: names, in their order.
        classes: names, in their order.
    """

    codes: Codes
    items: pl.DataFrame
    labellers: tuple[str, ...]
    classes: tuple[str, ...]


def read_labels(path: Path, *, label: str = LABEL) -> pl.DataFrame:
    """A label file as a table with ``labeller`` and ``label`` as texts, whatever else it holds as it stands.

    Args:
        path: a .csv, .jsonl or Label Studio .json file.
        label: name of the column (or of the choice) that holds the label; it is called ``label`` afterwards.

    Raises:
        InputError: ``LABELS-NO-COLUMN``, ``LABELS-TWO-COLUMNS``, or what `read_table` raises.
    """
    frame = read_table(path, label=label)
    return frame if path.suffix.lower() == ".json" else _named(frame, label, path)


def read_table(path: Path, *, label: str = LABEL) -> pl.DataFrame:
    """A label file as it stands; ``label`` names the choice in Label Studio's short form.

    Raises:
        InputError: ``LABELS-NO-FILE``, ``LABELS-FORMAT``, ``LABELS-JSON``, ``LABELS-CSV`` or what `rows_of_tasks` raises.
    """
    if not path.is_file():
        raise InputError("LABELS-NO-FILE", f"there is no file '{path}'", "labels come from a file", "check the path")
    ending = path.suffix.lower()
    if ending == ".json":
        return rows_of_tasks(_parsed(path.read_text(encoding="utf-8-sig"), path.name), path.name, label=label)
    if ending == ".jsonl":
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        parsed = [_parsed(line, f"{path.name}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
        return pl.DataFrame(parsed, infer_schema_length=None, strict=False)
    if ending == ".csv":
        return _delimited(path)
    rule = f"label files end in {', '.join(FORMATS)}"
    raise InputError("LABELS-FORMAT", f"'{path.name}' ends in '{path.suffix}'", rule, "name or convert the file so")


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError("LABELS-JSON", f"{place} is no JSON: {error}", "a label file is whole", "export it again") from None


def _delimited(path: Path) -> pl.DataFrame:
    """A CSV with every cell as text; an empty one is null."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return pl.read_csv(StringIO(text), infer_schema=False)
    except (UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        given = f"'{path.name}' cannot be read: {' '.join(str(error).split())[:120]}"
        raise InputError("LABELS-CSV", given, "a CSV has a header, commas and UTF-8", "save it so") from None


def _named(frame: pl.DataFrame, label: str, path: Path) -> pl.DataFrame:
    """The table with its label called ``label`` and its labeller ``labeller``, both texts."""
    if label not in frame.columns:
        given, fix = f"'{path.name}' has no column '{label}'", did_you_mean(label, frame.columns)
        raise InputError("LABELS-NO-COLUMN", given, "a label file has a column with the label", f"{fix} (--label COLUMN)")
    if label != LABEL and LABEL in frame.columns:
        given, rule = f"'{path.name}' has a column '{LABEL}' beside '{label}'", "the label of a row stands in one column"
        raise InputError("LABELS-TWO-COLUMNS", given, rule, f"rename '{LABEL}' or leave it out")
    renamed = {label: LABEL} | ({"annotator": LABELLER} if LABELLER not in frame.columns else {})
    frame = frame.rename({old: new for old, new in renamed.items() if old in frame.columns})
    if LABELLER not in frame.columns:
        frame = frame.with_columns(pl.lit(None, dtype=pl.String).alias(LABELLER))
    others = [name for name in frame.columns if name not in (LABELLER, LABEL)]
    return frame.select(*others, *(pl.col(name).cast(pl.String) for name in (LABELLER, LABEL)))


def label_text(rows: pl.DataFrame, ending: str) -> bytes:
    """The content of a label file in the format of its ending.

    Raises:
        InputError: ``LABELS-FORMAT``, no such format.
    """
    if ending not in FORMATS:
        rule = f"label files end in {', '.join(FORMATS)}"
        raise InputError("LABELS-FORMAT", f"'{ending}' is no ending of a label file", rule, "name the file so")
    if ending == ".json":
        return json.dumps(tasks_of_rows(rows), ensure_ascii=False, indent=1).encode()
    flat = rows.select(name for name, kind in rows.schema.items() if not (kind.is_nested() or kind == pl.Binary))
    return (flat.write_csv() if ending == ".csv" else flat.write_ndjson()).encode()


def votes_by_row(frame: pl.DataFrame, item: Sequence[str] = (), classes: Sequence[str] = ()) -> Votes:
    """Votes of a table with one row an item and labeller.

    Args:
        frame: with ``labeller`` and ``label``; rows without a label are votes of nobody.
        item: columns that name an item; all but those two when not given.
        classes: in their order; those found, sorted, when not given.

    Raises:
        InputError: ``LABELS-NO-COLUMN``, an item column is not there; ``LABELS-TWICE``, a labeller labelled an item twice.
    """
    others = [name for name in frame.columns if name not in (LABELLER, LABEL)]
    _must_have(frame, item)
    keys = list(item) or others
    if not keys:
        rule = "an item is named by columns of its own"
        raise InputError("LABELS-NO-COLUMN", "the file has labels and nothing that names an item", rule, "add a column 'item'")
    given = frame.filter(pl.col(LABEL).is_not_null()).with_columns(pl.col(LABELLER).fill_null("1"))
    twice = given.filter(given.select(pl.struct(*keys, LABELLER).is_duplicated()).to_series())
    if len(twice):
        what = f"labeller '{twice[LABELLER][0]}' labelled the item {_item(twice, keys)} more than once"
        raise InputError("LABELS-TWICE", what, "a labeller has one label for an item", "keep the last one")
    items = frame.unique(keys, keep="first", maintain_order=True)
    places = frame.select(keys).unique(maintain_order=True).with_row_index("__item__")
    row = given.join(places, on=keys, how="left", nulls_equal=True, maintain_order="left")["__item__"].to_numpy()
    labellers, names = sorted(given[LABELLER].unique()), tuple(classes) or tuple(sorted(given[LABEL].unique()))
    codes = np.full((len(items), len(labellers)), -1, dtype=np.int64)
    codes[row, codes_of(given[LABELLER], labellers)] = codes_of(given[LABEL], names)
    return Votes(codes, items.select(keys), tuple(labellers), names)


def votes_by_column(frame: pl.DataFrame, labellers: Sequence[str], classes: Sequence[str] = ()) -> Votes:
    """Votes of a table with one row an item and one column a labeller.

    Raises:
        InputError: ``LABELS-NO-COLUMN``, a labeller's column is not there.
    """
    _must_have(frame, labellers)
    columns = [frame[name].cast(pl.String) for name in labellers]
    names = tuple(classes) or tuple(sorted({label for column in columns for label in column.drop_nulls()}))
    codes = np.column_stack([codes_of(column, names) for column in columns])
    return Votes(codes, frame.drop(labellers), tuple(labellers), names)


def _must_have(frame: pl.DataFrame, columns: Sequence[str]) -> None:
    for name in columns:
        if name not in frame.columns:
            rule = f"the columns are {listed(frame.columns)}"
            raise InputError("LABELS-NO-COLUMN", f"there is no column '{name}'", rule, did_you_mean(name, frame.columns))


def _item(rows: pl.DataFrame, keys: Sequence[str]) -> str:
    return listed(f"{name} {rows[name][0]}" for name in keys)
