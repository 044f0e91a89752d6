"""Why one row was predicted as it was: the usual prediction, what each input adds to it, and the outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.naming import did_you_mean, listed
from sevenstep.errors import InputError
from sevenstep.tasks.contract import Explanation
from sevenstep.tasks.scoretable import ScoreTable
from sevenstep.tasks.tabular.attribution import Parts, exchanged, member_parts
from sevenstep.tasks.tabular.bag import Bag
from sevenstep.tasks.tabular.decide import decided_codes
from sevenstep.tasks.tabular.problem import Problem

__all__ = ["Explained", "explain"]

CALIBRATION = "calibration on rows not learnt from"
_LONGEST = 60  # characters of a value that are shown


class Explained(Protocol):
    """What an explanation reads of a model; see `sevenstep.tasks.tabular.model.TabularModel`."""

    @property
    def problem(self) -> Problem:
        """Target, classes and inputs."""
        ...

    @property
    def members(self) -> Sequence[tuple[Bag, float]]:
        """Fitted candidates with their weights."""
        ...

    @property
    def calibration(self) -> Mapping[str, Any]:
        """How predictions were calibrated."""
        ...

    @property
    def waiting(self) -> pl.DataFrame:
        """Rows that wait for a prediction."""
        ...

    @property
    def background(self) -> pl.DataFrame:
        """Training rows that predictions are explained against."""
        ...

    def raw(self, rows: pl.DataFrame) -> NDArray[np.float64]:
        """What the members predict together, ``[n, classes or 1]``."""
        ...

    def calibrated(self, raw: NDArray[np.float64]) -> ScoreTable:
        """The same, calibrated, as rows of a score table."""
        ...


def explain(model: Explained, item: Mapping[str, Any]) -> Sequence[Explanation]:
    """Explain the prediction of one row.

    Args:
        model: the final model.
        item: ``{"row": 12}`` for the twelfth of the rows that wait for a prediction (of the rows kept from training where none
            waits); or values of columns that name one of these rows; or the values of all inputs of any other row.

    Returns:
        One explanation: for two classes of the probability of the positive one, for more of that of the decided class, in shares
        of 1; for a number in its own unit.

    Raises:
        InputError: ``EXPLAIN-ITEM``, the item names no row, or more than one.
    """
    row = _row_of(model, item)
    place = _place(model, row)
    parts = _parts(model, row, place)
    final = _final(model, row, place)
    before = parts.start + sum(parts.by_column.values())
    by_column = {**parts.by_column, CALIBRATION: final - before}
    ranked = sorted(by_column.items(), key=lambda part: -abs(part[1]))
    texts = [(name, _shown(row, name), value) for name, value in ranked if value != 0.0]
    target, unit = model.problem.target, model.problem.target
    if model.problem.classes:
        target, unit = f"{target} = {model.problem.classes[place]}", "probability"
    start_text = "usual prediction, with the inputs of rows of the training data"
    return [Explanation(_named(item), target, unit, parts.start, start_text, texts, final)]


def _row_of(model: Explained, item: Mapping[str, Any]) -> pl.DataFrame:
    """The row that an item names, as a frame of one."""
    own = model.waiting if len(model.waiting) else model.background
    if set(item) == {"row"} and "row" not in own.columns:
        return _numbered(own, item["row"], "waiting" if len(model.waiting) else "kept from training")
    unknown = [name for name in item if name not in own.columns]
    if unknown or not item:
        given = f"'{unknown[0]}' is no column of the data" if unknown else "no row is named"
        fix = did_you_mean(unknown[0], own.columns) if unknown else "give row=1"
        raise InputError("EXPLAIN-ITEM", given, "a row is named by its number or by its columns", fix)
    given_row = _typed(item, own)
    for rows in (model.waiting, model.background):
        found = rows.filter(pl.all_horizontal(pl.col(name).eq_missing(given_row[name][0]) for name in item))
        if len(found) == 1:
            return found
        if len(found) > 1 and found.select(model.problem.inputs).n_unique() == 1:
            return found.head(1)
        if len(found) > 1:
            given = f"{listed(f'{name}={value}' for name, value in item.items())} fits {len(found):,} rows"
            raise InputError("EXPLAIN-ITEM", given, "an explanation is of one row", "name more columns, or give row=1")
    return _given(model, item, given_row)


def _numbered(rows: pl.DataFrame, number: Any, which: str) -> pl.DataFrame:
    try:
        place = int(number)
    except (TypeError, ValueError):
        place = 0
    if not 1 <= place <= len(rows):
        rule = f"rows are counted from 1, and {len(rows):,} are {which}"
        raise InputError("EXPLAIN-ITEM", f"row={number}", rule, f"give a row from 1 to {len(rows)}")
    return rows[place - 1 : place]


def _typed(item: Mapping[str, Any], like: pl.DataFrame) -> pl.DataFrame:
    """The values given, in the types of the data; a value of another type is an error in one sentence."""
    columns = []
    for name, value in item.items():
        kind = like.schema[name]
        try:
            text = str(value) if kind == pl.String and value is not None else value
            columns.append(pl.Series(name, [text]).cast(kind, strict=True))
        except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
            given = f"{name}={value!r} cannot be read"
            raise InputError(
                "EXPLAIN-ITEM", given, f"'{name}' holds values of type {kind}", "write it as it stands in the data"
            ) from error
    return pl.DataFrame(columns)


def _given(model: Explained, item: Mapping[str, Any], row: pl.DataFrame) -> pl.DataFrame:
    lacking = [name for name in model.problem.inputs if name not in item]
    if lacking:
        given = f"no row has {listed(f'{name}={value}' for name, value in item.items())}"
        rule = f"a row that the model does not know is given by all its inputs; lacking are {listed(lacking, most=5)}"
        raise InputError("EXPLAIN-ITEM", given, rule, "give them too, or row=1")
    return row


def _place(model: Explained, row: pl.DataFrame) -> int:
    """The class to explain: the positive one of two, the decided one of more; 0 for a number."""
    if not model.problem.classes:
        return 0
    if model.problem.binary:
        return 1
    probability = model.calibrated(model.raw(row)).frame["prediction"].to_numpy().reshape(1, -1)
    return int(decided_codes(probability, np.asarray(model.calibration["cuts"], np.float64))[0])


def _parts(model: Explained, row: pl.DataFrame, place: int) -> Parts:
    """The weighted mean of what the members say."""
    inputs = model.problem.inputs
    if "picture" in model.problem.kinds.values():
        return exchanged(lambda rows: model.raw(rows)[:, place], row, model.background, inputs)
    told = [
        (member_parts(member, row, model.background, inputs, place), weight / len(bag.members))
        for bag, weight in model.members
        for member in bag.members
    ]
    total = sum(weight for _, weight in told)
    by_column: dict[str, float] = {}
    for parts, weight in told:
        for name, value in parts.by_column.items():
            by_column[name] = by_column.get(name, 0.0) + value * weight / total
    return Parts(sum(parts.start * weight for parts, weight in told) / total, by_column)


def _final(model: Explained, row: pl.DataFrame, place: int) -> float:
    predicted = model.calibrated(model.raw(row)).frame["prediction"]
    return float(predicted[place] if len(model.problem.classes) > 2 else predicted[0])


def _shown(row: pl.DataFrame, name: str) -> str:
    if name not in row.columns:
        return ""
    value = row[name][0]
    if value is None:
        return "missing"
    if isinstance(value, bytes):
        return "picture"
    text = f"{value:,.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _named(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item as it was named; a row given by all its values by the first few."""
    return {name: item[name] for name in list(item)[:3]}
