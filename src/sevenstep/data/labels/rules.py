"""Rules that label: "temperature above 80 means fail", written down as data, so that many rows get a rough label at once.

A rule votes for one class where all its conditions hold and stays silent elsewhere. The file is data and nothing else: a
column, an operator and a value; no expression is evaluated and no code is run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BeforeValidator, Field, ValidationError

from sevenstep.data.labels.encoding import texts_of
from sevenstep.data.naming import did_you_mean, listed
from sevenstep.errors import CollectedErrors, InputError
from sevenstep.spec.document import parse_document
from sevenstep.spec.fields import Closed
from sevenstep.spec.translate import translate

__all__ = ["Condition", "Rule", "RuleFigures", "Rules", "read_rules", "rule_classes", "rule_figures", "rule_votes"]

Codes = npt.NDArray[np.int64]
Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "contains", "matches", "missing", "present"]
_ORDERED = ("<", "<=", ">", ">=")


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, (int, float)) else value


class Condition(Closed):
    """One column held against one value; a missing value fulfils no condition but ``missing``."""

    column: str = Field(min_length=1, description="column of the rows")
    operator: Operator = Field(description="how the column is held against the value; matches takes a regular expression")
    value: Any = Field(default=None, description="a number, a text, a list for in; none for missing and present")


class Rule(Closed):
    """Votes for ``label`` where all conditions hold."""

    name: str = Field(min_length=1, description="name of the rule, in figures and results")
    when: Annotated[tuple[Condition, ...], BeforeValidator(_as_list), Field(min_length=1)] = Field(
        description="a condition, or a list of conditions that must all hold"
    )
    label: Annotated[str, BeforeValidator(_as_text)] = Field(min_length=1, description="class the rule votes for")


class Rules(Closed):
    """The file of rules."""

    rules: tuple[Rule, ...] = Field(min_length=1, description="the rules")


@dataclass(frozen=True)
class RuleFigures:
    """What a rule does on some rows.

    Args:
        name: of the rule.
        label: the class it votes for.
        votes: rows it votes on; ``rows`` is how many there are.
        overlaps: of these, rows another rule votes on too.
        conflicts: of these, rows another rule gives another class.
        known: of its votes, those on rows whose label is known.
        right: of these, those that are right.
        rows: all rows.
    """

    name: str
    label: str
    votes: int
    overlaps: int
    conflicts: int
    known: int
    right: int
    rows: int


def read_rules(path: Path) -> Rules:
    """The rules of a YAML file.

    Raises:
        InputError: ``LABELS-NO-FILE``, it is not there; ``LABELS-RULE``, two rules have one name, or a value does not suit its
            operator.
        CollectedErrors: the file does not follow the form; each fault with its line and column.
    """
    if not path.is_file():
        raise InputError("LABELS-NO-FILE", f"there is no file '{path}'", "rules are a YAML file", "check the path")
    document = parse_document(path.read_text(encoding="utf-8-sig"), str(path))
    try:
        rules = Rules.model_validate(document.tree)
    except ValidationError as error:
        found = [document.error(problem) for problem in translate(error, Rules, document.tree)]
        raise CollectedErrors([*document.errors, *found]) from None
    if document.errors:
        raise CollectedErrors(document.errors)
    _check(rules, str(path))
    return rules


def _check(rules: Rules, where: str) -> None:
    names = [rule.name for rule in rules.rules]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise InputError(
            "LABELS-RULE", f"two rules are called '{twice}'", "a rule is told by its name", "rename one", where=where
        )
    for rule in rules.rules:
        for condition in rule.when:
            _check_value(rule, condition, where)


def _check_value(rule: Rule, condition: Condition, where: str) -> None:
    value, operator = condition.value, condition.operator
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    wanted = {
        **dict.fromkeys(_ORDERED, ("a number, or a time as text", number or isinstance(value, str))),
        **dict.fromkeys(("==", "!="), ("a number or a text", number or isinstance(value, (str, bool)))),
        **dict.fromkeys(("contains", "matches"), ("a text", isinstance(value, str))),
        **dict.fromkeys(("missing", "present"), ("no value", value is None)),
        "in": ("a list", isinstance(value, list) and len(value) > 0),
    }
    says, suits = wanted[operator]
    if not suits:
        given = f"rule '{rule.name}' holds '{condition.column}' {operator} against {value!r}"
        raise InputError("LABELS-RULE", given, f"'{operator}' takes {says}", "mend the value", where=where)
    if operator == "matches":
        _check_pattern(rule.name, value, where)


def _check_pattern(name: str, pattern: str, where: str) -> None:
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        given = f"rule '{name}' has the pattern '{pattern}': {' '.join(str(error).split())}"
        raise InputError("LABELS-RULE", given, "'matches' takes a regular expression", "mend it", where=where) from None


def rule_classes(rules: Rules, known: Sequence[str] = ()) -> list[str]:
    """The classes rules vote for, those known already first.

    Raises:
        InputError: ``LABELS-NO-CLASS``, classes are known and a rule votes for another.
    """
    for rule in rules.rules:
        if known and rule.label not in known:
            given = f"rule '{rule.name}' votes for '{rule.label}'"
            raise InputError("LABELS-NO-CLASS", given, f"the classes are {listed(known)}", did_you_mean(rule.label, known))
    return list(dict.fromkeys([*known, *(rule.label for rule in rules.rules)]))


def rule_votes(rows: pl.DataFrame, rules: Rules, classes: Sequence[str]) -> Codes:
    """The class each rule gives each row, ``[row, rule]``; -1 where it stays silent.

    Raises:
        InputError: ``LABELS-NO-COLUMN``, a rule reads a column that is not there; ``LABELS-RULE``, a value and its column have
            nothing to do with each other.
    """
    votes = np.full((len(rows), len(rules.rules)), -1, dtype=np.int64)
    for place, rule in enumerate(rules.rules):
        held = [_holds(rows, condition, rule.name) for condition in rule.when]
        votes[reduce(and_, held).to_numpy(), place] = list(classes).index(rule.label)
    return votes


def _holds(rows: pl.DataFrame, condition: Condition, rule: str) -> pl.Series:
    if condition.column not in rows.columns:
        given, fix = f"rule '{rule}' reads '{condition.column}'", did_you_mean(condition.column, rows.columns)
        raise InputError("LABELS-NO-COLUMN", given, "a rule reads columns of the rows", fix)
    values = rows[condition.column]
    if condition.operator in ("missing", "present"):
        return values.is_null() if condition.operator == "missing" else values.is_not_null()
    return _compared(values, condition, rule).fill_null(False)


def _compared(values: pl.Series, condition: Condition, rule: str) -> pl.Series:
    """Whether each value fulfils the condition; null where it cannot be said."""
    operator, value = condition.operator, condition.value
    if operator in ("contains", "matches"):
        return values.cast(pl.String).str.contains(value, literal=operator == "contains")
    if operator == "in":
        texts = [_text_of(one) for one in value]
        return texts_of(values).is_in(texts)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _COMPARE[operator](values.cast(pl.Float64, strict=False), float(value))
    if operator in _ORDERED or values.dtype.is_temporal():
        return _COMPARE[operator](_times(values, condition, rule), _time_of(value, condition, rule))
    return _COMPARE[operator](texts_of(values), _text_of(value))


_COMPARE: dict[str, Callable[[pl.Series, Any], pl.Series]] = {
    "==": lambda values, value: values == value,
    "!=": lambda values, value: values != value,
    "<": lambda values, value: values < value,
    "<=": lambda values, value: values <= value,
    ">": lambda values, value: values > value,
    ">=": lambda values, value: values >= value,
}


def _text_of(value: Any) -> str:
    """A value of the file as the data show it: whole numbers without a decimal point."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _times(values: pl.Series, condition: Condition, rule: str) -> pl.Series:
    if not values.dtype.is_temporal():
        given = f"rule '{rule}' holds '{condition.column}' {condition.operator} against the text '{condition.value}'"
        raise InputError("LABELS-RULE", given, "only times are held against a text", "write a number without quotes")
    return values.cast(pl.Datetime("us"))


def _time_of(value: Any, condition: Condition, rule: str) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        given = f"rule '{rule}' holds the time '{condition.column}' against '{value}'"
        raise InputError("LABELS-RULE", given, "times are written as 2026-12-24 or 2026-12-24T08:00", "mend the value") from None


def rule_figures(votes: Codes, rules: Rules, truth: Codes) -> list[RuleFigures]:
    """Coverage, overlaps, conflicts and right votes of each rule.

    Args:
        votes: of `rule_votes`.
        rules: the rules, in the order of the votes.
        truth: class of each row where it is known, else -1.
    """
    voted = votes >= 0
    together = voted.sum(axis=1) > 1
    figures = []
    for place, rule in enumerate(rules.rules):
        own = voted[:, place]
        others = np.delete(votes, place, axis=1)
        against = ((others >= 0) & (others != votes[:, [place]])).any(axis=1)
        known = own & (truth >= 0)
        right = known & (votes[:, place] == truth)
        votes_on, overlaps, conflicts, judged, correct = (
            int(mask.sum()) for mask in (own, own & together, own & against, known, right)
        )
        figures.append(RuleFigures(rule.name, rule.label, votes_on, overlaps, conflicts, judged, correct, len(votes)))
    return figures
