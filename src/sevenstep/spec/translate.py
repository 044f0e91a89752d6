"""What pydantic found, in our words: given, rule, fix, at a place of the tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from sevenstep.spec.places import Place
from sevenstep.spec.problems import Problem, did_you_mean, some
from sevenstep.spec.secrets import masked

__all__ = ["keys_of", "shown", "translate"]

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "finite_number": "a finite number",
    "greater_than": "above {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "below {lt:g}",
    "less_than_equal": "at most {le:g}",
    "too_short": "of at least {min_length} item(s)",
    "too_long": "of at most {max_length} item(s)",
    "string_too_short": "text of at least {min_length} letter(s)",
    "string_too_long": "text of at most {max_length} letter(s)",
    "date_from_datetime_parsing": "a date such as 2026-12-24",
    "date_type": "a date such as 2026-12-24",
    "date_parsing": "a date such as 2026-12-24",
}


def keys_of(model: type[BaseModel]) -> list[str]:
    """Keys a model takes, as written in the file."""
    return [field.alias or name for name, field in model.model_fields.items()]


def shown(value: Any) -> str:
    """A value of the file as text for a message, cut where it is long."""
    if isinstance(value, (Mapping, list)):
        return "keys with values" if isinstance(value, Mapping) else "a list"
    if value is None or isinstance(value, bool):
        return "empty" if value is None else str(value).lower()
    text = masked(repr(value))
    return text if len(text) <= 60 else f"{text[:57]}..."


def translate(
    error: ValidationError,
    model: type[BaseModel],
    tree: Any,
    top: Place = (),
    hidden: Sequence[str] = (),
    more: Sequence[str] = (),
) -> list[Problem]:
    """Each fault pydantic found in ``tree`` (read as ``model``), at its place below ``top``.

    ``hidden`` are keys the models have and the task at hand does not take, ``more`` keys beside those of ``model``;
    messages offer the keys accordingly.
    """
    reading = _Reading(model, tree, top, tuple(hidden), tuple(more))
    return [_problem(one, reading) for one in error.errors(include_url=False) if not _only_seems_short(one)]


def _only_seems_short(one: Any) -> bool:
    """pydantic counts the items that are right: a list of wrong ones seems too short, and its items are told already."""
    return bool(one["type"] == "too_short" and len(one["input"]) >= one["ctx"]["min_length"])


@dataclass(frozen=True)
class _Reading:
    """What was read (``tree``), as what (``model``), and where it stands in the file (``top``)."""

    model: type[BaseModel]
    tree: Any
    top: Place
    hidden: tuple[str, ...]
    more: tuple[str, ...]

    def field(self, place: Place) -> FieldInfo | None:
        """The field that reads a place; for an item of a list or a mapping, the field that holds it."""
        return _walk(self.model, self.tree, place)[0]

    def keys(self, place: Place) -> list[str]:
        """The keys that may stand at a place."""
        kind = _walk(self.model, self.tree, place)[1]
        keys = [key for key in keys_of(kind if _is_model(kind) else self.model) if key not in self.hidden]
        return keys if place else [*keys, *self.more]

    def name(self, place: Place) -> str:
        """A place as a person writes it, items of a list by their id or name."""
        parts: list[str] = [str(part) for part in self.top]
        tree = self.tree
        for part in place:
            tree = _below(tree, part)
            known = tree.get("id", tree.get("name")) if isinstance(part, int) and isinstance(tree, Mapping) else None
            parts.append(known if isinstance(known, str) else str(part))
        return ".".join(parts)

    def within(self, place: Place) -> str:
        """``in 'forecast.calendar'``, or nothing at the top of the file."""
        name = self.name(place)
        return f" in '{name}'" if name else ""


def _problem(one: Any, reading: _Reading) -> Problem:
    kind, location = one["type"], one["loc"]
    if kind == "extra_forbidden":
        return _unknown_key(reading, _in_tree(location[:-1], reading.tree), str(location[-1]))
    if kind == "missing":
        return _missing_key(reading, _in_tree(location[:-1], reading.tree), str(location[-1]))
    return _wrong_value(one, reading, _in_tree(location, reading.tree))


def _unknown_key(reading: _Reading, place: Place, key: str) -> Problem:
    keys = reading.keys(place)
    given, rule = f"unknown key '{key}'{reading.within(place)}", f"allowed here: {some(keys)}"
    return Problem((*reading.top, *place, key), "SPEC-UNKNOWN-KEY", given, rule, did_you_mean(key, keys, "remove it"), "key")


def _missing_key(reading: _Reading, place: Place, key: str) -> Problem:
    field = reading.field((*place, key))
    rule = f"'{key}' is required" + (f" ({field.description})" if field is not None and field.description else "")
    fix = _example(key, field) or f"add '{key}'"
    return Problem((*reading.top, *place), "SPEC-MISSING-KEY", f"no '{key}'{reading.within(place)}", rule, fix, "key")


def _wrong_value(one: Any, reading: _Reading, inside: Place) -> Problem:
    kind, value, context = one["type"], one["input"], one.get("ctx", {})
    place, field, name = (*reading.top, *inside), reading.field(inside), reading.name(inside)
    given = f"'{name}' is {shown(value)}"
    if "rule" in context:
        return Problem(place, kind, context["given"] or given, context["rule"], context["fix"])
    if kind == "literal_error":
        return _no_choice(place, given, value, context["expected"])
    if kind == "string_pattern_mismatch":
        rule = f"it is a {field.description}" if field is not None else f"it must match {context['pattern']}"
        return Problem(place, "SPEC-WRONG-VALUE", given, rule, _example(_key(place), field) or "change it")
    wanted = _KINDS[kind].format(**context) if kind in _KINDS else str(one["msg"])
    code = "SPEC-WRONG-TYPE" if kind.endswith("_type") else "SPEC-WRONG-VALUE"
    fix = _how(kind, value) or _example(_key(place), field) or f"give {wanted}"
    return Problem(place, code, given, f"it must be {wanted}", fix)


def _no_choice(place: Place, given: str, value: Any, expected: str) -> Problem:
    choices = expected.replace(" or ", ", ").replace("'", "").split(", ")
    return Problem(
        place, "SPEC-NO-CHOICE", given, f"it is one of {some(choices)}", did_you_mean(str(value), choices, "choose one")
    )


def _how(kind: str, value: Any) -> str:
    """The fix, where the value given says what the person meant."""
    if kind == "string_type" and isinstance(value, (int, float)):
        return f'put it in quotes: "{shown(value)}"'
    if kind in ("int_type", "float_type") and isinstance(value, str) and _reads_as_number(value):
        return f"write {value} without quotes"
    if kind == "int_type" and isinstance(value, float) and value == int(value):
        return f"write {int(value)}"
    return ""


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _key(place: Place) -> str:
    return next((part for part in reversed(place) if isinstance(part, str)), "")


def _example(key: str, field: FieldInfo | None) -> str:
    if field is None or not field.examples:
        return ""
    example = field.examples[0]
    text = f'"{example}"' if isinstance(example, str) and example[0] in "<>" else str(example)
    return f"for example {key}: {text}"


def _below(tree: Any, part: str | int) -> Any:
    """What stands under a key or a position; None where nothing does."""
    if isinstance(tree, Mapping):
        return tree.get(part)
    return tree[part] if isinstance(tree, list) and isinstance(part, int) and part < len(tree) else None


def _in_tree(location: Sequence[str | int], tree: Any) -> Place:
    """The parts of a pydantic location that exist in the file: tags of unions and positions in short forms are left out."""
    place: Place = ()
    for part in location:
        if part in tree if isinstance(tree, Mapping) else _below(tree, part) is not None:
            tree, place = _below(tree, part), (*place, part)
    return place


def _walk(model: type[BaseModel], tree: Any, place: Place) -> tuple[FieldInfo | None, Any]:
    """The nearest field above a place, and the type that is expected there."""
    field: FieldInfo | None = None
    kind: Any = model
    for part in place:
        tree = _below(tree, part)
        if _is_model(kind):
            field = next((one for name, one in kind.model_fields.items() if (one.alias or name) == part), None)
            kind = _core(field.annotation, tree) if field is not None else Any
        else:
            items = [one for one in get_args(kind) if one is not Ellipsis]
            kind = _core(items[-1], tree) if items else Any
    return field, kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _core(kind: Any, value: Any) -> Any:
    """A type without ``Annotated`` and ``None``; of a union, the member meant by ``value``."""
    if get_origin(kind) is Annotated:
        return _core(get_args(kind)[0], value)
    if get_origin(kind) not in (Union, UnionType):
        return kind
    members = [_core(member, value) for member in get_args(kind) if member is not type(None)]
    if isinstance(value, Mapping):
        models = [one for one in members if _is_model(one)]
        return max(models, key=lambda one: len(set(keys_of(one)) & set(value)), default=members[0])
    return next((one for one in members if get_args(one)), members[0])
