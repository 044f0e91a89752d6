"""The ``design`` section: which candidates a person wants compared, and with what parameters.

A list is data; a search says so: ``{try: [31, 63]}`` or ``{range: [0.01, 0.3], log: true}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from sevenstep.spec.fields import Closed, Name, Number, Whole, fault

__all__ = ["Between", "Design", "Extra", "Parameter", "Try", "Wanted"]


class Try(Closed):
    """A search over listed values."""

    values: Annotated[tuple[Any, ...], Field(min_length=1)] = Field(alias="try", description="values to try", examples=[[31, 63]])


def _rising(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] >= bounds[1]:
        raise fault("SPEC-RANGE", "a range is [low, high] with low below high", f"write [{bounds[1]:g}, {bounds[0]:g}]")
    return bounds


class Between(Closed):
    """A search between two bounds, both included."""

    range: Annotated[tuple[Number, Number], AfterValidator(_rising)] = Field(
        description="bounds: [low, high]", examples=[[0.01, 0.3]]
    )
    log: bool = Field(default=False, strict=True, description="whether to search on a logarithmic scale")
    integer: bool = Field(default=False, strict=True, description="whether only whole numbers make sense")


def _kind(value: Any) -> str:
    if isinstance(value, Try) or (isinstance(value, Mapping) and "try" in value):
        return "<try>"
    return "<range>" if isinstance(value, (Mapping, Between)) else "<value>"


def _search_or_value(value: Any) -> Any:
    if isinstance(value, Mapping) and "try" not in value and "range" not in value:
        rule = "a parameter is a value, {try: [...]} or {range: [low, high], log: true}"
        raise fault("SPEC-SEARCH", rule, "say what to search")
    return value


Parameter = Annotated[
    Annotated[Try, Tag("<try>")] | Annotated[Between, Tag("<range>")] | Annotated[Any, Tag("<value>")],
    Discriminator(_kind),
    BeforeValidator(_search_or_value, json_schema_input_type=Try | Between | str | float | bool | list[Any] | None),
]


class Wanted(Closed):
    """A candidate to restrict the comparison to; all that is given must agree with it."""

    family: Name = Field(description="model family", examples=["boosting"])
    name: Name | None = Field(default=None, description="name of the candidate; any of the family when not given")
    target: Name | None = Field(default=None, description="target it predicts; all when not given")
    parameters: dict[Name, Parameter] = Field(default_factory=dict, description="parameters to set or to search")


class Extra(Closed):
    """A candidate to add to those the data speak for."""

    family: Name = Field(description="model family", examples=["boosting"])
    name: Name = Field(description="name to show it under", examples=["deep_boosting"])
    target: Name | None = Field(default=None, description="target it predicts; all when not given")
    parameters: dict[Name, Parameter] = Field(default_factory=dict, description="parameters to set or to search")


def _name_or_wanted(value: Any) -> str:
    return "<wanted>" if isinstance(value, (Mapping, Wanted)) else "<name>"


Candidate = Annotated[Annotated[Name, Tag("<name>")] | Annotated[Wanted, Tag("<wanted>")], Discriminator(_name_or_wanted)]


class Design(Closed):
    """What the person wants of the comparison; without it the candidates follow from the data."""

    candidates: tuple[Candidate, ...] = Field(
        default=(), description="restrict the comparison to these: names or families, or {family, name, target, parameters}"
    )
    extra: tuple[Extra, ...] = Field(default=(), description="candidates to add")
    folds: Annotated[Whole, Field(ge=2, le=100)] | None = Field(
        default=None, description="number of folds; follows from the data when not given"
    )
