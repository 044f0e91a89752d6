"""The ``classification`` and ``regression`` sections of a spec.

Light on purpose: reading a spec loads no numerical library.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from sevenstep.spec.fields import Amount, Closed

__all__ = ["Classification", "Costs", "Regression"]


def _text(value: Any) -> Any:
    """Classes are texts; a number or a truth value stands for the text the data show."""
    return str(value) if isinstance(value, (int, float)) else value


Label = Annotated[str, BeforeValidator(_text, json_schema_input_type=str | float | bool), Field(min_length=1)]
Split = Annotated[
    Literal["stratified", "random", "groups", "time"] | None,
    Field(
        default=None,
        description="how rows are dealt out to folds: by class shares, at random, whole groups, or newer rows judged by older "
        "ones; told from the data when not given",
    ),
]


class Costs(Closed):
    """What a wrong decision costs, in any one unit; a right one costs nothing."""

    false_alarm: Amount = Field(default=1.0, description="cost of deciding for the positive class where it is not so")
    miss: Amount | dict[Label, Amount] = Field(
        default=1.0, description="cost of not finding the positive class; with more classes {class: cost}", examples=[20]
    )


class Classification(Closed):
    """Which of several classes a row belongs to."""

    positive: Label | None = Field(
        default=None, description="the class that alarms, of two; the rarer one when not given", examples=["fail"]
    )
    costs: Costs | None = Field(default=None, description="costs of wrong decisions; they set the threshold")
    split: Split


class Regression(Closed):
    """A number for each row."""

    split: Split
    log: bool | None = Field(
        default=None, strict=True, description="whether errors are relative, so that logarithms are learnt; told from the data"
    )
