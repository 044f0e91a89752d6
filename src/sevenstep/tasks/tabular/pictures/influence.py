"""What the inputs do in the final model: how much it needs each, and how its prediction moves with the strongest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.chapter import Block, Figure
from sevenstep.data.dataset import Dataset
from sevenstep.tasks.tabular.explore.strength import strengths
from sevenstep.tasks.tabular.explore.view import MISSING, OTHER, view_of
from sevenstep.tasks.tabular.folds import known_rows

if TYPE_CHECKING:
    from sevenstep.tasks.tabular.model import TabularModel

__all__ = ["influence_figures", "permutation_losses"]

_PREDICTIONS, _REPEATS = 24_000, 2  # predictions asked for of all fitted members together
_FEWEST_ROWS, _MOST_ROWS = 60, 1_000
_FEWEST_INPUTS, _MOST_INPUTS, _SHOWN = 8, 40, 20
_PARTIAL, _GRID, _MOST_CLASSES = 4, 12, 6
_FEWEST_PARTIAL, _MOST_PARTIAL = 40, 150
_LEAST = 1e-6

Floats = NDArray[np.float64]


def influence_figures(model: TabularModel, data: Dataset) -> Iterator[Block]:
    """Permutation importance, then partial dependence of the four inputs needed most; nothing where a picture is the input."""
    if "picture" in model.problem.kinds.values():
        return
    most = int(np.clip(_budget(model) // (_FEWEST_ROWS * _REPEATS), _FEWEST_INPUTS, _MOST_INPUTS))
    names = [one.column for one in strengths(view_of(data, 0)) if one.column in model.problem.kinds][:most]
    if len(names) < 2:
        return
    losses = permutation_losses(model, data, names)
    ranked = sorted(losses, key=lambda name: -float(np.mean(losses[name])))
    yield _importance(model, losses, ranked)
    for name in ranked[:_PARTIAL]:
        yield from _partial(model, data, name)


def _budget(model: TabularModel) -> int:
    """Rows a model is asked to predict: fewer, the more members it has."""
    return _PREDICTIONS // sum(len(bag.members) for bag, _ in model.members)


def _sample(data: Dataset, model: TabularModel, most: int) -> pl.DataFrame:
    known = known_rows(data, model.problem)
    taken: list[int] = np.sort(np.random.default_rng(0).permutation(known)[:most]).tolist()
    return data.items[taken]


def permutation_losses(model: TabularModel, data: Dataset, names: Sequence[str]) -> dict[str, Floats]:
    """How much the loss grows when the values of one input are exchanged among the rows, once for each repeat.

    The loss is the log loss of classes, or the mean absolute error of a number. Source: Breiman (2001), Random forests, section
    10; Fisher, Rudin and Dominici (2019), All models are wrong, but many are useful.
    """
    most = int(np.clip(_budget(model) // (len(names) * _REPEATS), _FEWEST_ROWS, _MOST_ROWS))
    rows = _sample(data, model, most)
    chance = np.random.default_rng(0)
    parts = [rows.with_columns(rows[name].gather(chance.permutation(len(rows)))) for name in names for _ in range(_REPEATS)]
    losses = _losses(model, pl.concat([rows, *parts]), np.tile(model.problem.values(rows), len(parts) + 1))
    usual, *exchanged = losses.reshape(len(parts) + 1, len(rows)).mean(axis=1)
    return dict(zip(names, (np.array(exchanged) - usual).reshape(len(names), _REPEATS), strict=True))


def _losses(model: TabularModel, rows: pl.DataFrame, values: Floats) -> Floats:
    raw = model.raw(rows)
    if not model.problem.classes:
        return np.abs(raw[:, 0] - values)
    own = raw[np.arange(len(values)), values.astype(np.int64)]
    return np.asarray(-np.log(np.clip(own, _LEAST, 1.0)))


def _importance(model: TabularModel, losses: dict[str, Floats], ranked: Sequence[str]) -> Figure:
    rows = [_bar(name, losses[name]) for name in ranked[:_SHOWN]]
    what = "log loss" if model.problem.classes else f"mean absolute error, in {model.problem.target}"
    caption = (
        f"By how much the {what} grows when the values of one input are exchanged among rows ({_REPEATS} times; the ends are the "
        "least and the most). On rows the model has learnt from; inputs that say the same share what they are worth."
    )
    return Figure("What the model needs", "bars", rows, "input", f"more {what.partition(',')[0]}", caption=caption)


def _bar(name: str, losses: Floats) -> dict[str, Any]:
    return {"x": name, "y": float(losses.mean()), "low": float(losses.min()), "high": float(losses.max())}


def _partial(model: TabularModel, data: Dataset, name: str) -> Iterator[Block]:
    """The mean prediction when one input is set to each of several values in all rows (Friedman, 2001)."""
    grid = _grid(model, data, name)
    if len(grid) < 2:
        return
    rows = _sample(data, model, int(np.clip(_budget(model) // (_PARTIAL * _GRID), _FEWEST_PARTIAL, _MOST_PARTIAL)))
    kind = rows.schema[name]
    many = pl.concat([rows.with_columns(pl.lit(value, dtype=kind).alias(name)) for _, value in grid])
    made = _outcome(model, many).reshape(len(grid), len(rows), -1)
    groups = _groups(model, made)
    drawn = [_point(label, made[number, :, place], group) for place, group in groups for number, (label, _) in enumerate(grid)]
    classes = bool(model.problem.classes)
    caption = (
        f"The mean prediction when {name} is set to each value in {len(rows)} rows, all else as it is; the band holds the middle "
        "half of them. It shows what the model does, not what would happen if the input were changed."
    )
    ordered = model.problem.kinds[name] == "number"
    yield Figure(
        f"How the prediction moves with {name}", "line" if ordered else "bars", drawn, name,
        _label(model), "number" if ordered else "category", "percent" if classes else "number", caption=caption,
    )  # fmt: skip


def _grid(model: TabularModel, data: Dataset, name: str) -> list[tuple[Any, Any]]:
    """Values to set, each with what is drawn: quantiles of a number, the most frequent levels of anything else."""
    values = data.items[name].drop_nulls()
    if model.problem.kinds[name] == "number" and values.dtype.is_numeric():
        wanted = np.linspace(0.02, 0.98, _GRID)
        found = sorted({values.quantile(float(level), "nearest") for level in wanted})  # type: ignore[type-var]
        return [(value, value) for value in found]
    if model.problem.kinds[name] != "category":
        return []
    counts = values.alias("level").value_counts().sort(["count", "level"], descending=[True, False]).head(_GRID)
    return [(str(level), level) for level in counts["level"].to_list() if str(level) not in (MISSING, OTHER)]


def _outcome(model: TabularModel, rows: pl.DataFrame) -> Floats:
    """Calibrated predictions ``[n, outputs]``: the positive class of two, every one of more, the number."""
    outputs = len(model.problem.classes) if len(model.problem.classes) > 2 else 1
    return model.calibrated(model.raw(rows)).frame["prediction"].to_numpy().reshape(-1, outputs)


def _groups(model: TabularModel, made: Floats) -> list[tuple[int, str]]:
    """Outputs that are drawn: those that move most, where there are many classes."""
    if len(model.problem.classes) <= 2:
        return [(0, "")]
    moves = np.ptp(made.mean(axis=1), axis=0)
    kept = sorted(np.argsort(-moves, kind="stable")[:_MOST_CLASSES].tolist())
    return [(place, model.problem.classes[place]) for place in kept]


def _point(label: Any, predicted: Floats, group: str) -> dict[str, Any]:
    low, high = np.quantile(predicted, [0.25, 0.75])
    point = {"x": label, "y": float(predicted.mean()), "low": float(low), "high": float(high)}
    return {**point, "group": group} if group else point


def _label(model: TabularModel) -> str:
    if not model.problem.classes:
        return model.problem.target
    return f"probability of {model.problem.classes[1]}" if model.problem.binary else "probability"
