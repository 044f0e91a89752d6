"""What each column of a table is for, and what the data say about the problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from sevenstep.data.dataset import Roles
from sevenstep.errors import InputError
from sevenstep.spec.brief import Brief
from sevenstep.tasks.tabular.encode.kinds import Kind, kind_of
from sevenstep.tasks.tabular.encode.reading import NumberForm, missing_codes, number_form
from sevenstep.tasks.tabular.targets import class_facts, number_facts
from sevenstep.tasks.tabular.tolerances import must_be_measured

__all__ = ["find_roles"]

_MANY_TIMES = 20
_FEW_ROWS = 2

Fact = Mapping[str, Any]


def find_roles(
    items: pl.DataFrame, brief: Brief, sources: Mapping[str, Sequence[str]], *, classes: bool
) -> tuple[Roles, Mapping[str, Fact]]:
    """Roles of the columns, and the facts `problem.Problem` reads; ``classes`` tells a classification from a regression.

    Facts, each ``{"value", "reason"}``: ``kinds`` (kind of each input), ``left_out`` (why a column is none), ``codes`` (numbers
    that mean missing, by column), ``units`` (of numbers written with one), ``split``, and for classes ``classes``, ``miss`` and
    ``priced``, for a number ``log``.

    Raises:
        InputError: the target cannot be learnt, the split asked for has no column to go by, no input is left, or a column with a
            tolerance holds no numbers.
    """
    target = brief.targets[0]
    known = items.filter(pl.col(target).is_not_null())
    facts = _target_facts(known[target], brief, classes)
    facts["split"] = _split(known, brief, classes)
    told = _told_kinds(known, brief, facts["split"]["value"])
    kinds = {column: kind.kind for column, kind in told.items() if kind.kind is not None}
    left_out = {column: kind.reason for column, kind in told.items() if kind.kind is None}
    if not kinds:
        given = "no column is left to predict from" + "".join(f"; '{name}' {reason}" for name, reason in left_out.items())
        raise InputError("TABULAR-NO-INPUT", given, "a prediction needs one input at least", "add columns to the source")
    _check_embedding(brief, kinds)
    must_be_measured(items, kinds, brief, classes=classes)
    facts["kinds"] = {"value": kinds, "reason": "from types and values"}
    facts["left_out"] = {"value": left_out, "reason": "cannot help with rows not seen before"}
    facts |= _number_facts(known, kinds)
    roles = Roles(
        (target,), _time_column(brief), _time_parts(brief), tuple(brief.data.groups), tuple(brief.data.segments), tuple(kinds)
    )
    return roles, facts


def _check_embedding(brief: Brief, kinds: Mapping[str, str]) -> None:
    if brief.data.embedding is not None and "picture" not in kinds.values():
        given = f"data.embedding names '{brief.data.embedding}', and no column holds pictures"
        rule = "an embedding is of pictures: a column of their bytes, a folder of them, or a column of paths"
        raise InputError("EMBEDDING-NO-PICTURES", given, rule, "name the column of paths as data.image, or take it out")


def _target_facts(known: pl.Series, brief: Brief, classes: bool) -> dict[str, Fact]:
    if classes:
        return dict(class_facts(known, brief.flags, brief.section.positive, brief.section.costs))
    return dict(number_facts(known, brief.section.log))


def _time_column(brief: Brief) -> str | None:
    return brief.data.time if brief.data.time is None or isinstance(brief.data.time, str) else "time"


def _time_parts(brief: Brief) -> Mapping[str, str]:
    return {} if brief.data.time is None or isinstance(brief.data.time, str) else brief.data.time.columns()


def _split(known: pl.DataFrame, brief: Brief, classes: bool) -> Fact:
    """How rows are dealt out to folds: as the spec says, else whole groups, else by time, else at random."""
    given, time, groups = brief.section.split, _time_column(brief), brief.data.groups
    _can_split(given, time, groups, known, classes)
    if given is not None:
        return {"value": given, "reason": "spec"}
    if groups and known.select(pl.struct(groups).n_unique()).item() >= _FEW_ROWS:
        count = known.select(pl.struct(groups).n_unique()).item()
        return {"value": "groups", "reason": f"rows of one {' and '.join(groups)} belong together: {count:,} groups"}
    if time is not None and known[time].n_unique() >= _MANY_TIMES:
        return {"value": "time", "reason": f"rows have a time ({time}), and newer rows are what will be predicted"}
    if classes:
        return {"value": "stratified", "reason": "rows do not hang together: each fold has the classes' shares of all rows"}
    return {"value": "random", "reason": "rows do not hang together"}


def _can_split(given: str | None, time: str | None, groups: Sequence[str], known: pl.DataFrame, classes: bool) -> None:
    section = "classification" if classes else "regression"
    lacking = {"groups": not groups, "time": time is None, "stratified": not classes}
    if given is None or not lacking.get(given, False):
        return
    rule, fix = {
        "groups": ("data.groups must name the columns that tell groups", "add data: {groups: [COLUMN]}"),
        "time": ("data.time must name the column that tells when", "add data: {time: COLUMN}"),
        "stratified": ("only classes can be kept in their shares", "write split: random, or leave it out"),
    }[given]
    raise InputError("TABULAR-SPLIT", f"{section}.split is {given}", rule, fix)


def _told_kinds(known: pl.DataFrame, brief: Brief, split: str) -> dict[str, Kind]:
    groups = set(brief.data.groups) if split == "groups" else set()
    told: dict[str, Kind] = {}
    for column in known.columns:
        if column in brief.targets:
            continue
        if column == brief.data.image:
            told[column] = Kind("picture", "data.image")
        elif column in groups:
            told[column] = Kind(None, "names the group, and rows to be predicted are of groups not seen before")
        else:
            told[column] = kind_of(known[column])
    return told


def _number_facts(known: pl.DataFrame, kinds: Mapping[str, str]) -> dict[str, Fact]:
    """The facts ``codes`` and ``units`` of the columns of numbers."""
    codes, units = {}, {}
    for column in (name for name, kind in kinds.items() if kind == "number"):
        form = number_form(known[column]) if known[column].dtype == pl.String else None
        if form is not None and form.unit:
            units[column] = form.unit
        if found := missing_codes((form or NumberForm()).read(known[column])):
            codes[column] = list(found)
    why = "repeated, spelled like a code and far from all other values"
    return {"codes": {"value": codes, "reason": why}, "units": {"value": units, "reason": "written behind each number"}}
