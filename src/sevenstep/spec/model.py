"""The spec as typed objects: one closed model per section, the sections in the order of the steps.

The task's own section is not here: its model comes with the task (`sevenstep.spec.grammar.Grammar`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, PrivateAttr, Tag

from sevenstep.spec.design import Design
from sevenstep.spec.fields import Amount, Closed, DurationText, GoalText, Name, Names, Number, Whole, fault
from sevenstep.spec.operate import Operate
from sevenstep.spec.places import Origin, Place
from sevenstep.spec.sources import Data
from sevenstep.spec.units import Duration

__all__ = ["COMPOSED_CLASS", "Budget", "Charter", "Data", "Design", "Kpi", "OneOf", "Report", "Spec", "Worth"]


class Charter(Closed):
    """Why the project exists, in the words of the person; shown in the report and judged by nobody."""

    problem: str | None = Field(default=None, description="the question to be answered")
    decision: str | None = Field(default=None, description="what will be decided with the answer")
    worst_error: str | None = Field(default=None, description="the mistake that hurts most")
    owner: str | None = Field(default=None, description="who answers for the outcome")


class Worth(Closed):
    """What an improvement is worth."""

    per_point: Number = Field(
        gt=0, description="gain for each point: 0.01 of a metric that is a share, else 1", examples=[180000]
    )
    unit: Name = Field(description="unit of the gain", examples=["EUR/year"])


class Kpi(Closed):
    """The number that decides; gates, alarms and the retraining rule name its ``id``."""

    id: str = Field(
        pattern=r"^[^\s\d.:=][^\s.:=]*$",
        description="short name, without blanks, points, colons or equals signs",
        examples=["accuracy"],
    )
    metric: Name = Field(description="metric of the task", examples=["wape"])
    goal: GoalText = Field(description="operator and number to reach", examples=["<= 0.12"])
    target: Name | None = Field(default=None, description="target it is measured on; may be left out where there is one target")
    weights: dict[Name, Amount] = Field(
        default_factory=dict, description="weight of rows in which a column is true, for a metric that takes weights"
    )
    baseline: Name | None = Field(default=None, description="simple rule to beat; the best simple rule when not given")
    worth: Worth | None = Field(default=None, description="what an improvement is worth")
    min_gain: Amount | None = Field(
        default=None,
        description="smallest improvement worth a change of model, in units of the metric; usually 1 % of the way to perfect",
    )


class Budget(Closed):
    """What a run may cost: an estimate before, a hard stop during."""

    time: DurationText = Field(
        default=Duration(600),
        description="time the whole run may take",
        examples=["10min"],
        json_schema_extra={"default": "10min"},
    )
    usd: Amount | None = Field(
        default=None, description="US dollars the calls of a run may cost, by the prices the spec gives; no bound when not given"
    )
    tokens: Annotated[Whole, Field(ge=0)] | None = Field(
        default=None, description="tokens the calls of a run may send and receive; no bound when not given"
    )


class Report(Closed):
    """The report of all seven chapters."""

    file: Name | None = Field(default=None, description="where to write the report besides the store, relative to the spec")


def _this_version(version: int) -> int:
    if version != 1:
        raise fault(
            "SPEC-VERSION", "this sevenstep reads version 1 of the spec language", "write spec: 1, or install a newer sevenstep"
        )
    return version


class OneOf(Closed):
    """A class that the data say by one flag column for each."""

    one_of: Annotated[Names, Field(min_length=2)] = Field(
        description="columns of which one is true in each row: the row's class", examples=[["scratch", "dent", "stain"]]
    )


def _names_or_one_of(value: Any) -> str:
    return "<one_of>" if isinstance(value, OneOf) or (isinstance(value, Mapping) and "one_of" in value) else "<names>"


Target = Annotated[Annotated[Names, Tag("<names>")] | Annotated[OneOf, Tag("<one_of>")], Discriminator(_names_or_one_of)]

COMPOSED_CLASS = "class"
"""Name of the target that is composed of flag columns."""


class Spec(Closed):
    """A project file that was read and found right.

    Beside the keys every task shares it carries the task's ``section``, and where it was read from.
    """

    spec: Annotated[Whole, AfterValidator(_this_version), Field(json_schema_extra={"const": 1})] = Field(
        default=1, description="version of the spec language"
    )
    name: Name = Field(default="", description="name of the project; the name of its folder when not given")
    task: Name = Field(description="kind of problem", examples=["forecast"])
    charter: Charter = Field(default_factory=Charter, description="why the project exists")
    data: Data = Field(description="where the rows come from and what their columns mean")
    target: Target = Field(
        default=(), description="column or columns to be predicted; {one_of: [columns]} for a class told by flag columns"
    )
    kpis: tuple[Kpi, ...] = Field(min_length=1, description="what decides; the first one of a target leads its search")
    design: Design = Field(default_factory=Design, description="which candidates to compare")
    budget: Budget = Field(default_factory=Budget, description="what the run may cost")
    operate: Operate = Field(default_factory=Operate, description="what happens after release")
    seed: Annotated[Whole, Field(ge=0, le=2**32 - 1)] = Field(default=0, description="seed of everything random")
    report: Report = Field(default_factory=Report, description="where the report goes")

    _section: Any = PrivateAttr(default=None)
    _path: Path = PrivateAttr(default=Path("sevenstep.yaml"))
    _origins: Mapping[Place, Origin] = PrivateAttr(default_factory=dict)

    def located(self, path: Path, section: Any, origins: Mapping[Place, Origin]) -> Spec:
        """The same spec with its file, its task's section and where each value came from."""
        copy = self.model_copy(update={"name": self.name or path.resolve().parent.name})
        copy._path, copy._section, copy._origins = path, section, origins
        return copy

    @property
    def section(self) -> Any:
        """The task's own section, as the model its grammar declares."""
        return self._section

    @property
    def targets(self) -> tuple[str, ...]:
        """Columns to be predicted, in the order of the spec; a class told by flag columns is called `COMPOSED_CLASS`."""
        return (COMPOSED_CLASS,) if isinstance(self.target, OneOf) else self.target

    @property
    def flags(self) -> tuple[str, ...]:
        """The flag columns that tell the class; none where the target is a column itself."""
        return self.target.one_of if isinstance(self.target, OneOf) else ()

    @property
    def path(self) -> Path:
        """The project file."""
        return self._path

    @property
    def base(self) -> Path:
        """The folder that relative paths in the spec start from."""
        return self._path.parent

    @property
    def origins(self) -> Mapping[Place, Origin]:
        """Where each key that was given stands, by its place in the file."""
        return self._origins
