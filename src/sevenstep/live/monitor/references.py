"""What inputs and predictions looked like when a release was made: statistics stored once, so that a check reads no old rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import polars as pl

from sevenstep.engine.durable import PARTIAL, make_folder, remove_abandoned, replace_file
from sevenstep.live.monitor.classes import class_table
from sevenstep.live.monitor.daily import day_of
from sevenstep.live.monitor.released import Released
from sevenstep.stats.drift import Categories, Reference, Values, reference_from_plain, reference_of, reference_to_plain

__all__ = ["FOLDER", "INPUT", "PREDICTION", "input_columns", "references", "values_of"]

FOLDER = "references"
INPUT, PREDICTION = "input", "prediction"
"""First word of a reference's name; the second is the column, the target or the class."""

_NAMES, _APART = "names", "/"


def references(
    store: Path, released: Released, make: Callable[[], Mapping[tuple[str, str], Reference]] | None = None
) -> Mapping[tuple[str, str], Reference]:
    """The references of a release: of each input the model reads, and of its predictions out of fold, or what ``make`` gives;
    made where they are not there yet.
    """
    path = store / FOLDER / f"{released.release.number:04d}.npz"
    kept = _read(path)
    if kept is not None:
        return kept
    made = {**_of_inputs(released), **_of_predictions(released)} if make is None else make()
    _write(path, made)
    return made


def _read(path: Path) -> Mapping[tuple[str, str], Reference] | None:
    """What is stored; None where nothing is, or it cannot be read."""
    try:
        with np.load(path) as file:
            names = [(str(kind), str(name)) for kind, name in file[_NAMES].tolist()]
            plain: list[dict[str, object]] = [{} for _ in names]
            for key in file.files:
                place, apart, part = key.partition(_APART)
                if apart:
                    plain[int(place)][part] = file[key]
        return {name: reference_from_plain(parts) for name, parts in zip(names, plain, strict=True)}
    except (OSError, ValueError, KeyError, BadZipFile):
        return None


def _write(path: Path, made: Mapping[tuple[str, str], Reference]) -> None:
    arrays: dict[str, Any] = {_NAMES: np.array(list(made), np.str_).reshape(-1, 2)} | {
        f"{place}{_APART}{part}": value
        for place, reference in enumerate(made.values())
        for part, value in reference_to_plain(reference).items()
    }
    content = BytesIO()
    np.savez(content, **arrays)
    remove_abandoned(make_folder(path.parent).glob(f"*{PARTIAL}"))
    replace_file(path, content.getvalue())


def input_columns(released: Released) -> list[str]:
    """Columns the model reads that may drift: no keys, no times, and nothing that never changes within a series."""
    roles, schema = released.collected.roles, released.collected.schema
    fixed = {*roles.keys, *roles.static, *roles.targets, roles.time, *roles.time_parts.values()}
    told = [name for name in released.release.manifest["input_schema"] if name in schema and name not in fixed]
    return [name for name in told if schema[name].is_numeric() or schema[name] in (pl.Boolean, pl.String, pl.Categorical)]


def values_of(column: pl.Series) -> Values:
    """A column as drift sees it."""
    if column.dtype.is_numeric():
        return column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    texts = column.cast(pl.String)
    names = texts.drop_nulls().unique().sort()
    codes = texts.cast(pl.Enum(names)).to_physical().cast(pl.Int64).fill_null(-1)
    return Categories(codes.to_numpy(), tuple(names.to_list()))


def _of_inputs(released: Released) -> dict[tuple[str, str], Reference]:
    """From the rows it learnt from, day by day where they have times."""
    roles, columns = released.collected.roles, input_columns(released)
    if not columns:
        return {}
    named = [roles.time] if roles.time is not None else []
    known = pl.any_horizontal(pl.col(target).is_not_null() for target in roles.targets)
    rows = pl.scan_parquet(released.collected.items_file).filter(known).select(*named, *columns).collect()
    labels = _labels(rows, roles.time)
    return {(INPUT, name): reference_of(values_of(rows[name]), labels) for name in columns}


def _labels(rows: pl.DataFrame, time: str | None) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
    """The day of each row as a number; None where there are no days or only one, so that rows count as independent."""
    if time is None or rows[time].null_count() == len(rows):
        return None
    days = rows.select(day_of(rows, time).rank("dense").cast(pl.Int64).fill_null(0).alias("day"))["day"].to_numpy()
    return days if len(np.unique(days)) > 1 else None


def _of_predictions(released: Released) -> dict[tuple[str, str], Reference]:
    """From its predictions out of fold, by target, or by class where it tells probabilities."""
    found: dict[tuple[str, str], Reference] = {}
    for target in released.collected.roles.targets:
        rows = released.of_target(target)
        if rows is None:
            continue
        classes = class_table(rows)
        if classes is not None:
            found |= {(PREDICTION, str(place)): reference_of(classes.probability[:, place]) for place in range(classes.count)}
        elif rows["prediction"].is_finite().any():
            near = rows.filter(pl.col("lead") <= released.window) if released.horizon else rows
            found[PREDICTION, target] = reference_of(near["prediction"].to_numpy(), _labels(near, "time"))
    return found
