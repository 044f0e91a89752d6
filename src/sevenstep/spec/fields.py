"""Field types the models of a spec share: closed models, names, short forms that stand for a list, numbers without surprises.

YAML turns ``yes`` and ``012`` into things a person did not mean in other readers; here text stays text, a number in quotes is no
number, and ``true`` is not 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, Strict
from pydantic_core import PydanticCustomError

from sevenstep.spec.units import Duration, Goal

__all__ = [
    "Amount",
    "Closed",
    "DurationText",
    "GoalText",
    "Name",
    "Names",
    "Number",
    "SomeNames",
    "Texts",
    "Whole",
    "fault",
    "no_repeats",
]


class Closed(BaseModel):
    """A part of the spec: unknown keys are errors, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, defer_build=True)


def fault(code: str, rule: str, fix: str, given: str = "") -> PydanticCustomError:
    """An error for a validator to raise, in the parts of `InputError`; ``given`` defaults to the key and its value."""
    return PydanticCustomError(code, "{rule}; {fix}", {"rule": rule, "fix": fix, "given": given})


def _listed(value: Any) -> Any:
    if not isinstance(value, (str, list, tuple)):
        raise fault("SPEC-WRONG-TYPE", "it must be a name or a list of names", "for example [region, shop]")
    return [value] if isinstance(value, str) else value


def _as_texts(value: Any) -> Any:
    many = value if isinstance(value, (list, tuple)) else [value]
    return [str(item) if isinstance(item, (int, float)) and not isinstance(item, bool) else item for item in many]


def no_repeats(names: Sequence[str]) -> Sequence[str]:
    """The names as they are; raises on the first one that stands there twice."""
    for position, name in enumerate(names):
        if name in names[:position]:
            raise fault("SPEC-REPEATED", "a name stands in a list once", f"remove one '{name}'", f"'{name}' twice")
    return names


def _parsed(parse: Callable[[str], Any], kind: type[Any], code: str, rule: str, fix: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        try:
            return parse(value)
        except (TypeError, ValueError):
            raise fault(code, rule, fix) from None

    return read


Name = Annotated[str, Field(min_length=1)]
Names = Annotated[
    tuple[Name, ...],
    BeforeValidator(_listed, json_schema_input_type=str | list[str]),
    AfterValidator(no_repeats),
]
SomeNames = Annotated[Names, Field(min_length=1)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_as_texts, json_schema_input_type=str | float | list[str | float])]
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Amount = Annotated[Number, Field(ge=0)]
GoalText = Annotated[
    Goal,
    BeforeValidator(
        _parsed(
            Goal.parse,
            Goal,
            "SPEC-GOAL",
            "a goal is <=, <, >= or > and one number, in quotes",
            'for example goal: "<= 0.12"',
        ),
        json_schema_input_type=Annotated[str, Field(pattern=r"^\s*(<=|>=|<|>)\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*$")],
    ),
    PlainSerializer(str, return_type=str),
]
DurationText = Annotated[
    Duration,
    BeforeValidator(
        _parsed(
            Duration.parse,
            Duration,
            "SPEC-DURATION",
            "a duration is a number above zero with its unit: s, min, h or d",
            "for example 90s, 10min or 2h",
        ),
        json_schema_input_type=Annotated[str, Field(pattern=r"^([0-9.]+\s*(d|h|min|s)\s*)+$")],
    ),
    PlainSerializer(str, return_type=str),
]
