"""The contract between the process and a kind of problem.

The seven steps know a problem only through `Task`. Adding a kind of problem means adding one folder under ``tasks/`` (or a
package with an entry point in the group ``sevenstep.tasks``) whose class keeps this contract. ``docs/architecture.md`` walks a
forecast, a set-point recommendation and an answer from documents through it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from sevenstep.chapter import Block

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray
    from pydantic import BaseModel

    from sevenstep.data.dataset import Dataset, Finding, Roles
    from sevenstep.spec.brief import Brief
    from sevenstep.tasks.scoretable import ScoreTable

__all__ = [
    "Candidate", "Evidence", "Explanation", "Feasibility", "Fitted", "Fold", "Grammar", "Insight", "Model", "Plan", "Profile",
    "Range", "Stage", "SumsPlan", "Task", "predictions_made",
]  # fmt: skip

Verdict = Literal["go", "go_with_risk", "no_go"]


@dataclass(frozen=True)
class Grammar:
    """What a task adds to the spec language; light, so that ``sevenstep plan --help`` loads no numerical library.

    Args:
        task: its name, which is also the name of its section.
        section: pydantic model of that section (closed: unknown keys are errors); every field has a ``description``.
        data_keys: keys of the ``data`` section it understands besides ``source`` and ``sources``.
        metrics: metrics a KPI of this task may name; a name ending in ``@k`` takes a number.
        baselines: baselines a KPI may name.
        targets: how many targets it takes: ``one``, ``many`` or ``none``.
        measures: for a task that takes no target, what each metric is measured on: the targets of a spec follow from the metrics
            of its KPIs. A metric measured on any of them names none (``""``) and goes with the first, unless the KPI says which.
        spends: whether its work may be billed, so that ``budget.usd`` and ``budget.tokens`` mean something.
        blends: whether the predictions of several members may be mixed into one; otherwise a single candidate is chosen.
        takes_flags: whether a target may be composed of flag columns (``target: {one_of: [...]}``).
        one_row_per_time: whether keys and time name a row, so that a second row of the same is a duplicate.
        sees: for each step, the keys of the task's section that the step may read (and its fingerprint hashes).
    """

    task: str
    section: type[BaseModel]
    data_keys: tuple[str, ...]
    metrics: tuple[str, ...]
    baselines: tuple[str, ...]
    sees: Mapping[str, tuple[str, ...]]
    targets: Literal["one", "many", "none"] = "one"
    measures: Mapping[str, str] = field(default_factory=dict)
    spends: bool = False
    blends: bool = True
    takes_flags: bool = False
    one_row_per_time: bool = False


@dataclass(frozen=True)
class Evidence:
    """One figure behind a verdict: what was measured, its value with an interval where there is one, and what it says.

    ``metric`` is what the value is a figure of, and so how it is written; empty for counts.
    """

    name: str
    text: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    metric: str = ""


@dataclass(frozen=True)
class Feasibility:
    """Whether the KPI's goal can be reached, told before training.

    ``reachable`` is the KPI value a finished model is expected to reach, with its interval ``low`` to ``high``; ``remedies``
    say what would improve the outlook, most helpful first.
    """

    kpi: str
    verdict: Verdict
    reachable: float | None
    low: float | None
    high: float | None
    evidence: Sequence[Evidence] = ()
    remedies: Sequence[str] = ()
    blocks: Sequence[Block] = ()


@dataclass(frozen=True)
class Insight:
    """One thing worth knowing about the data, with the figure behind it; ``weight`` ranks it (higher first)."""

    text: str
    evidence: str
    weight: float
    tone: Literal["good", "info", "warn", "bad"] = "info"


@dataclass(frozen=True)
class Profile:
    """What step 3 found: facts for the plan (``facts``), insights, pictures, and the preprocessing ``recipe`` chosen from them.

    ``recipe`` is JSON: what each fit will do inside its own fold, each entry with its reason.
    """

    facts: Mapping[str, Any]
    insights: Sequence[Insight]
    recipe: Mapping[str, Any]
    blocks: Sequence[Block] = ()


@dataclass(frozen=True)
class Range:
    """What a search may try for one hyperparameter: a list of ``choices``, or from ``low`` to ``high``."""

    low: float | None = None
    high: float | None = None
    log: bool = False
    integer: bool = False
    choices: Sequence[Any] = ()


@dataclass(frozen=True)
class Candidate:
    """A model that may be tried: its family, hyperparameters and the reason it is here.

    Args:
        name: unique within the plan.
        family: which of the task's model families fits it.
        target: the target it predicts.
        reason: why the profile speaks for it, one sentence.
        parameters: JSON values; part of the cache key.
        space: what the search may change.
        stage: what it needs prepared; candidates with equal stages share the work. None when it needs nothing. A part named as a
            parameter that is searched follows it.
        cost: expected seconds for one fit and its scoring on one core; used for planning and to prefer the cheaper.
        baseline: one of the simple rules others are compared with.
        asked: a person asked for it, so it is never left out for what it costs.
        searched: a person said what to search, so it is searched whatever its place in the comparison.
    """

    name: str
    family: str
    target: str
    reason: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    space: Mapping[str, Range] = field(default_factory=dict)
    stage: Mapping[str, Any] | None = None
    cost: float = 1.0
    baseline: bool = False
    asked: bool = False
    searched: bool = False


@dataclass(frozen=True)
class Fold:
    """One split: which rows may be learnt from and which are scored, in words only the task reads (JSON values).

    ``name``, ``learns`` (what is learnt from) and ``judged`` (what is scored) are shown; ``number`` orders folds (for time, from
    the oldest). ``effort`` says how many times the planned cost of a candidate its fit on this fold takes.
    """

    name: str
    number: int
    train: Mapping[str, Any] = field(default_factory=dict)
    test: Mapping[str, Any] = field(default_factory=dict)
    learns: str = ""
    judged: str = ""
    effort: float = 1.0


@dataclass(frozen=True)
class Plan:
    """What step 4 decided: candidates with reasons, folds with their reason, the fold that stands for "all rows", and the plan
    for sums of items where those are predicted as well.
    """

    candidates: Sequence[Candidate]
    folds: Sequence[Fold]
    everything: Fold
    fold_reason: str
    notes: Sequence[str] = ()
    blocks: Sequence[Block] = ()
    sums: SumsPlan | None = None


@dataclass(frozen=True)
class SumsPlan:
    """How sums of items are predicted as well: a plan of their own for the data set that `AddsUp.summed` makes.

    ``how`` is what makes it (JSON values), ``by`` the segment whose values choose their members apart.
    """

    plan: Plan
    how: Mapping[str, Any]
    by: str


@dataclass(frozen=True)
class Explanation:
    """Why one prediction came out as it did: parts that add up from ``start`` to ``prediction``, in units of the target."""

    item: Mapping[str, Any]
    target: str
    unit: str
    start: float
    start_text: str
    parts: Sequence[tuple[str, str, float]]
    prediction: float


class Stage(Protocol):
    """Prepared material that several candidates share; must hold nothing a fold may not see."""

    def save(self, folder: Path) -> None:
        """Write as plain files into the empty ``folder``."""
        ...


class Fitted(Protocol):
    """One candidate fitted on one fold: a member of the final model, or thrown away after it was scored."""

    def save(self, folder: Path) -> None:
        """Write as plain files into the empty ``folder``."""
        ...


class Model(Protocol):
    """A fitted model. It predicts from frames, explains, can be refreshed without a refit, and saves to plain files."""

    def save(self, folder: Path) -> None:
        """Write as plain files into the empty ``folder``."""
        ...

    def input_schema(self) -> Mapping[str, str]:
        """Columns a row to be predicted must have, with their types in words."""
        ...

    def predict(self, rows: pl.DataFrame | None = None) -> pl.DataFrame:
        """Predictions for ``rows``; without rows, for what was open when the model was made."""
        ...

    def refresh(self, rows: pl.DataFrame) -> Model:
        """The same parameters with newer observations taken into account; an empty value of ``rows`` changes nothing."""
        ...

    def outlook(self, leads: Sequence[int] = (), known: int = 0) -> pl.DataFrame:
        """`predict` for what is open as far ahead as the model was judged, with ``origin`` (the newest time that was known) and
        ``lead`` (steps from there) of each row; both null where time plays no part. ``leads`` restricts it to some of them.

        ``known`` asks for that many of the newest known times as well, each predicted as it would have been one step before: with
        it there are a column ``truth``, null in open rows, and the segment columns of each row.
        """
        ...

    def judge(self, made: pl.DataFrame) -> ScoreTable:
        """The score table of predictions made earlier, now that the ``truth`` of each is known, with the segments of its rows.

        ``made`` holds rows of `outlook` (or of `predict`, with the inputs they were made from) and ``truth``.
        """
        ...

    def relearnt(self, members: Mapping[str, Sequence[tuple[Fitted, float]]], data: Dataset) -> Model:
        """The same model with its members learnt anew from newer data, which it predicts from; calibrated as it was."""
        ...

    def recalibrated(self, calibration: Mapping[str, Mapping[str, Any]]) -> Model:
        """The same model with another calibration (`Task.calibrate`) of the targets named.

        ``lifts`` in a calibration multiply predictions of segments that have moved (`sevenstep.tasks.lifts.Lift` as JSON values).
        """
        ...

    def explain(self, item: Mapping[str, Any]) -> Sequence[Explanation]:
        """Explain the prediction of one item, for each target."""
        ...


def predictions_made(predicted: pl.DataFrame) -> int:
    """How many predictions a frame of `Model.predict` holds: its rows without those whose ``prediction`` is blank."""
    blank = predicted["prediction"].null_count() if "prediction" in predicted.columns else 0
    return len(predicted) - blank


class Task(Protocol):
    """A kind of problem. Methods are pure: they read their arguments and return; the engine stores and caches."""

    grammar: Grammar

    def roles(
        self, items: pl.DataFrame, brief: Brief, sources: Mapping[str, Sequence[str]]
    ) -> tuple[Roles, Mapping[str, Mapping[str, Any]]]:
        """Step 2: the role of each column, and the facts inferred from the data, each ``{"value", "reason"}``.

        ``sources`` tells which columns came from which named source.
        """
        ...

    def check(self, data: Dataset, brief: Brief) -> Sequence[Finding]:
        """Step 2: what is wrong or odd beyond what holds for any table."""
        ...

    def probe(self, data: Dataset, brief: Brief) -> Sequence[Feasibility]:
        """Step 1: can each KPI's goal be reached? Within about a twentieth of the time budget."""
        ...

    def explore(self, data: Dataset, brief: Brief) -> Profile:
        """Step 3: what is in the data, and how it will be prepared."""
        ...

    def plan(self, data: Dataset, profile: Mapping[str, Any], recipe: Mapping[str, Any], brief: Brief) -> Plan:
        """Step 4: candidates, folds and search spaces from the profile's facts."""
        ...

    def stage(self, stage: Mapping[str, Any], data: Dataset) -> Stage:
        """Steps 5 and 6: prepare what several candidates share."""
        ...

    def load_stage(self, folder: Path) -> Stage:
        """Read a stage back; may map files into memory."""
        ...

    def fit(self, candidate: Candidate, fold: Fold, data: Dataset, stage: Stage | None, seed: int) -> Fitted:
        """Steps 5 and 6: learn from the fold's training rows alone."""
        ...

    def whole(self, everything: Fold, data: Dataset) -> Fold:
        """Step 7: the fold that stands for all rows of newer data, given the one of the plan."""
        ...

    def load_fitted(self, folder: Path) -> Fitted:
        """Read back what a fitted candidate saved."""
        ...

    def score(self, fitted: Fitted, candidate: Candidate, fold: Fold, data: Dataset, stage: Stage | None) -> ScoreTable:
        """Steps 5 and 6: one row per scored item of the fold's test rows; never an aggregate."""
        ...

    def blend(self, predictions: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Step 6: what members with these weights would have predicted together; ``predictions`` is ``[item, member]``."""
        ...

    def calibrate(self, scores: ScoreTable, brief: Brief) -> Mapping[str, Any]:
        """Step 6: what the out-of-fold scores of one target say about bias and bounds, as JSON values."""
        ...

    def apply_calibration(self, scores: ScoreTable, calibration: Mapping[str, Any]) -> ScoreTable:
        """Step 6: the score table with calibrated predictions and bounds."""
        ...

    def combine(
        self,
        members: Mapping[str, Sequence[tuple[Fitted, float]]],
        calibration: Mapping[str, Mapping[str, Any]],
        data: Dataset,
        brief: Brief,
    ) -> Model:
        """Step 6: the final model, from the weighted members and the calibration of each target."""
        ...

    def load_model(self, folder: Path) -> Model:
        """Read back what a model of this task saved."""
        ...

    def segment(self, scores: ScoreTable, data: Dataset) -> tuple[ScoreTable, Mapping[str, str]]:
        """Add the columns worth slicing results by; the mapping labels each for people."""
        ...

    def pictures(self, step: str, data: Dataset, scores: ScoreTable | None, brief: Brief, model: Model | None) -> Sequence[Block]:
        """Blocks that only this task can draw for the chapter of ``step`` (a lead-time curve, a confusion matrix)."""
        ...
