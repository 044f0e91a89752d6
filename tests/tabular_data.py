"""Tables as step 2 leaves them, briefs and scores, for the tests of the two tabular tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset, Roles
from sevenstep.spec.brief import Brief, Seen
from sevenstep.spec.design import Design
from sevenstep.spec.model import Kpi
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.contract import Candidate, Fold
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable
from sevenstep.tasks.tabular.section import Classification, Regression

CLASSES = {2: ("no", "yes"), 3: ("a", "b", "c"), 0: ()}


def parts(rows: int = 400, classes: int = 2, seed: int = 0, waiting: int = 0) -> pl.DataFrame:
    """Parts with a size, a weight, a line and a shift; ``y`` follows size and line, and is null in the last ``waiting`` rows."""
    random = np.random.default_rng(seed)
    size, weight = random.normal(20, 4, rows), random.normal(100, 10, rows)
    line = random.integers(0, 3, rows)
    score = (size - 20) / 4 + np.array([-0.5, 0.0, 0.8])[line]
    if classes == 0:
        y: Any = pl.Series("y", 50 + 10 * score + random.normal(0, 1 + np.abs(score), rows))
    else:
        chance = 1 / (1 + np.exp(-2 * score))
        code = (
            (random.random(rows) < chance).astype(int)
            if classes == 2
            else np.digitize(score + random.normal(0, 0.4, rows), [-0.7, 0.7])
        )
        y = pl.Series("y", [CLASSES[classes][place] for place in code])
    frame = pl.DataFrame({"size": size, "weight": weight, "line": [("A", "B", "C")[place] for place in line], "y": y})
    known = pl.int_range(pl.len()) < rows - waiting
    return frame.with_columns(pl.when(known).then(pl.col("y")).alias("y"))


def data_of(
    items: pl.DataFrame, classes: int = 2, split: str = "", miss: Sequence[float] = (), roles: Mapping[str, Any] | None = None
) -> Dataset:
    """The table with its roles and facts."""
    told = {
        "kinds": {"size": "number", "weight": "number", "line": "category"},
        "split": split or ("stratified" if classes else "random"),
        "classes": list(CLASSES[classes]),
        "miss": list(miss or (1.0,) * classes),
        "priced": bool(miss),
    }
    facts = {name: {"value": value, "reason": "told by the test"} for name, value in told.items()}
    inputs = ("size", "weight", "line")
    return Dataset({"items": items}, Roles(("y",), known_ahead=inputs, **(roles or {})), facts, "")


def brief_of(*metrics: str, classes: int = 2, goal: str = ">= 0.5", **more: Any) -> Brief:
    """What a step may read, with one KPI for each metric."""
    kpis = [Kpi.model_validate({"id": f"kpi{place}", "metric": name, "goal": goal}) for place, name in enumerate(metrics)]
    section = Classification() if classes else Regression()
    given = {"kpis": kpis, "targets": ("y",), "budget": 600.0, "seed": 1, "design": Design()}
    return Brief(given | more, Seen(section, tuple(type(section).model_fields)))


def candidate(family: str = "linear", name: str = "", **parameters: Any) -> Candidate:
    """A candidate of a family, small enough for a test."""
    quick = {"rounds": 40, "patience": 10, "learning_rate": 0.1, "leaves": 7} if family == "boosting" else {}
    return Candidate(name or family, family, "y", "", {**quick, **parameters})


def classified(
    probability: NDArray[np.float64], truth: NDArray[np.int64], fold: NDArray[np.int64], weight: Any = 1.0
) -> ScoreTable:
    """A score table of items with these probabilities ``[item, class]`` and true classes, rows in random order."""
    items, classes = probability.shape
    several = classes if classes > 2 else 1
    unit, label = np.repeat(np.arange(items), several), np.tile(np.arange(several), items)
    cells = {
        "fold": np.repeat(fold, several).astype(np.int32), "item": unit * several + label, "cluster": unit, "unit": unit,
        "label": label, "truth": (truth[unit] == label) * 1.0 if several > 1 else truth * 1.0,
        "prediction": probability.reshape(-1) if several > 1 else probability[:, 1],
        "weight": np.broadcast_to(np.repeat(weight, several) if np.ndim(weight) else weight, len(unit)).astype(float),
        "cut": np.full(len(unit), 1.0 if several > 1 else 0.5),
    }  # fmt: skip
    return ScoreTable(_filled(pl.DataFrame(cells)).sample(fraction=1.0, shuffle=True, seed=3))


def numbers(truth: NDArray[np.float64], prediction: NDArray[np.float64], fold: NDArray[np.int64]) -> ScoreTable:
    """A score table of predicted numbers."""
    item = np.arange(len(truth))
    cells = {
        "fold": fold.astype(np.int32),
        "item": item,
        "cluster": item,
        "weight": 1.0,
        "truth": truth,
        "prediction": prediction,
    }
    return ScoreTable(_filled(pl.DataFrame(cells)))


def _filled(frame: pl.DataFrame) -> pl.DataFrame:
    constants = {"candidate": "model", "target": "y", "lead": 0, "scale": 1.0, "root_scale": 1.0}
    empty = {"origin": pl.Datetime("us"), "time": pl.Datetime("us"), **dict.fromkeys(BOUNDS, pl.Float64)}
    return frame.with_columns(
        *(pl.lit(value).alias(name) for name, value in constants.items()),
        *(pl.lit(None, dtype=kind).alias(name) for name, kind in empty.items()),
    )


def figure(scores: ScoreTable, metric: str) -> float:
    """A metric over all rows."""
    reads = METRICS[metric].reads
    return METRICS[metric].value(
        Scored.of(**{name: scores.frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in reads})
    )


def fold_of(folds: Sequence[Fold], number: int = 0) -> Fold:
    """The fold of that number."""
    return next(fold for fold in folds if fold.number == number)
