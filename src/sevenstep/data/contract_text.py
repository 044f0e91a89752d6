"""The data contract as YAML that a person reads and edits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from sevenstep.data.contract import ACTIONS, DEFAULT_ACTIONS, TYPES, ColumnRule, Contract
from sevenstep.data.naming import did_you_mean, listed
from sevenstep.errors import CollectedErrors, InputError

__all__ = ["parse_contract", "render_contract"]

_HEAD = """\
# Data contract: inferred from the first data taken in, yours to edit, kept at every run.
# What follows from a violation ({defaults}) changes for a column with on_violation: {actions}.
contract: 1
"""
_TYPE_NAMES = (*(name for _, name in TYPES), "other")
_RULE_KEYS = ("type", "null_share", "values", "range", "limits", "typical", "on_violation")
_TOP_KEYS = ("contract", "unique", "frequency", "columns")
_PLAIN = re.compile(r"[A-Za-z_][\w.-]*(?: [\w.-]+)*")
_WORDS_YAML_READS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


def render_contract(contract: Contract) -> str:
    """The contract as YAML text, one line a column; `parse_contract` gives the same contract back."""
    defaults = ", ".join(f"{kind}: {action}" for kind, action in DEFAULT_ACTIONS.items())
    lines = [_HEAD.format(defaults=defaults, actions=" | ".join(ACTIONS))]
    if contract.unique:
        lines.append(f"unique: {_shown(list(contract.unique))}\n")
    if contract.frequency:
        lines.append(f"frequency: {_shown(contract.frequency)}\n")
    lines.append("columns:\n")
    lines += [f"  {_shown(name)}: {_shown(_filled(rule))}\n" for name, rule in contract.columns.items()]
    return "".join(lines)


def _filled(rule: ColumnRule) -> dict[str, Any]:
    return {key: value for key in _RULE_KEYS if (value := getattr(rule, key)) is not None}


def _shown(value: Any) -> str:
    """A value in YAML's flow style."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.casefold() not in _WORDS_YAML_READS
        return value if plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value)


def parse_contract(text: str, file: str = "contract.yaml") -> Contract:
    """The contract that ``text`` states.

    Args:
        text: YAML as `render_contract` writes it, perhaps edited.
        file: its name, for messages.

    Raises:
        CollectedErrors: everything wrong with it, each with line and column, under a code starting with ``CONTRACT-``.
        InputError: ``CONTRACT-YAML`` when it is no YAML.
    """
    try:
        given = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise InputError(
            "CONTRACT-YAML", str(error.problem), "the contract must be YAML", "check this line", where=where
        ) from error
    return _Reading(file).contract(given)


class _Reading:
    """One reading of a contract: collects what is wrong."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.errors: list[InputError] = []

    def contract(self, given: Any) -> Contract:
        if not isinstance(given, Mapping) or not isinstance(given.get("columns"), Mapping):
            raise InputError(
                "CONTRACT-SHAPE",
                "the contract has no columns",
                "'columns' maps names to rules",
                "remove the file to infer it anew",
            )
        self._known(given, _TOP_KEYS)
        columns = {str(name): self._rule(given["columns"], name) for name in given["columns"]}
        unique = tuple(str(name) for name in given.get("unique", ()))
        for name in unique:
            if name not in columns:
                self._fault(
                    given,
                    "unique",
                    f"'{name}' is no column of the contract",
                    "'unique' names columns",
                    did_you_mean(name, columns),
                )
        if self.errors:
            raise CollectedErrors(self.errors)
        return Contract(columns, unique, str(given.get("frequency", "")))

    def _rule(self, columns: Any, name: Any) -> ColumnRule:
        given = columns[name]
        if not isinstance(given, Mapping) or "type" not in given:
            self._fault(columns, name, f"column '{name}' has no type", "a rule is {type: ...}", f"add type: {_TYPE_NAMES[0]}")
            return ColumnRule("other")
        self._known(given, _RULE_KEYS)
        self._one_of(given, "type", _TYPE_NAMES)
        self._one_of(given, "on_violation", ACTIONS)
        share = self._number(given, "null_share", given.get("null_share"))
        if share is not None and not 0 <= share <= 1:
            self._fault(
                given, "null_share", f"null_share is {share}", "a share lies between 0 and 1", "write 0.05 for five percent"
            )
        values = given.get("values")
        return ColumnRule(
            str(given["type"]),
            null_share=share,
            values=None if values is None else tuple(values),
            range=cast("tuple[float, float] | None", self._pair(given, "range", empty=False)),
            limits=self._pair(given, "limits", empty=True),
            typical=self._number(given, "typical", given.get("typical")),
            on_violation=given.get("on_violation"),
        )

    def _pair(self, given: Any, key: str, *, empty: bool) -> tuple[float | None, float | None] | None:
        pair = given.get(key)
        if pair is None:
            return None
        if not isinstance(pair, list) or len(pair) != 2 or (not empty and None in pair):
            self._fault(
                given, key, f"{key} is {pair}", f"'{key}' holds the lowest and the highest value", f"write {key}: [0, 100]"
            )
            return None
        low, high = (self._number(given, key, value) for value in pair)
        if low is not None and high is not None and low > high:
            self._fault(given, key, f"{key} goes from {low} to {high}", "the lowest value comes first", "swap them")
        return low, high

    def _number(self, given: Any, key: str, value: Any) -> float | None:
        if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
            return None if value is None else float(value)
        self._fault(given, key, f"{key} holds '{value}'", f"'{key}' holds numbers", "write it without quotes")
        return None

    def _one_of(self, given: Any, key: str, options: tuple[str, ...]) -> None:
        if key in given and given[key] not in options:
            self._fault(
                given, key, f"{key} is '{given[key]}'", f"it is one of {listed(options)}", did_you_mean(str(given[key]), options)
            )

    def _known(self, given: Any, options: tuple[str, ...]) -> None:
        for key in given:
            if key not in options:
                self._fault(
                    given,
                    key,
                    f"there is no key '{key}' here",
                    f"the keys are {listed(options)}",
                    did_you_mean(str(key), options),
                )

    def _fault(self, parent: Any, key: Any, given: str, rule: str, fix: str) -> None:
        line, column = parent.lc.key(key)
        where = f"{self.file}:{line + 1}:{column + 1}"
        self.errors.append(InputError("CONTRACT-RULE", given, rule, fix, where=where))
