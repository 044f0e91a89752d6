"""What each input added to what one member predicts of one row, in the unit of the prediction.

Boosters tell their own contributions (TreeSHAP; Lundberg et al., 2020, From local explanations to global understanding), linear
models theirs by their coefficients; both add up on the scale of the scores and are carried over to probabilities, or from
logarithms to numbers, along the straight path from the usual scores to the row's (Aumann and Shapley, 1974; Sundararajan, Taly
and Yan, 2017, Axiomatic attribution for deep networks), so that they add up there as well. Any other member is asked what it
would predict with inputs of other rows in place (Štrumbelj and Kononenko, 2014, Explaining prediction models and individual
predictions with feature contributions).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, softmax

from sevenstep.tasks.tabular.families.boosting import BoostingPredictor
from sevenstep.tasks.tabular.families.linear import LinearPredictor
from sevenstep.tasks.tabular.families.members import TabularMember

__all__ = ["Parts", "exchanged", "member_parts"]

Floats = NDArray[np.float64]

OTHER = "other inputs"
_POINTS = 24  # of the Gauss-Legendre rule along the path: exact to many digits for curves this smooth
_ROWS = 4_000  # predictions asked for, at most, of a member that cannot tell its contributions
_FEWEST, _MOST = 4, 40  # orders in which inputs are exchanged
_MOST_BACKGROUND, _FEWEST_BESIDE = 200, 8
_CELLS = 1_000_000  # values that are encoded to see which feature is made of which column
_SAME = 1e-6


@dataclass(frozen=True)
class Parts:
    """``start``, what is predicted of a usual row, and what each column adds to it."""

    start: float
    by_column: dict[str, float]


@dataclass(frozen=True)
class _Scores:
    """A member on the scale of its scores: ``usual`` ``[outputs]`` and what each feature adds ``[features, outputs]``."""

    usual: Floats
    added: Floats


def member_parts(member: TabularMember, item: pl.DataFrame, background: pl.DataFrame, inputs: Sequence[str], place: int) -> Parts:
    """What the inputs add to a member's prediction of one row.

    Args:
        member: a fitted member.
        item: the row, as a frame of one.
        background: rows it is compared with.
        inputs: the input columns.
        place: the class whose probability is explained; 0 for a number.
    """
    background = background.head(_MOST_BACKGROUND)
    predicted = float(member.predict(item)[0, place])
    told = [_in_units(member, scores, place) for scores in _scores(member, item, background)]
    if told and np.isclose(np.mean([start + added.sum() for start, added in told]), predicted, rtol=_SAME, atol=_SAME):
        start = float(np.mean([start for start, _ in told]))
        added = np.mean([added for _, added in told], axis=0)
        return Parts(start, _by_column(member, item, background, inputs, added))
    return exchanged(lambda rows: member.predict(rows)[:, place], item, background, inputs)


def _scores(member: TabularMember, item: pl.DataFrame, background: pl.DataFrame) -> list[_Scores]:
    """Each booster's scores, or those of a linear model; none where the member cannot tell."""
    if member.encoder is None:
        return []
    values = member.encoder.transform(item).values
    if isinstance(member.predictor, LinearPredictor):
        usual = member.encoder.transform(background).values.mean(axis=0)
        model = member.predictor
        return [_Scores(usual @ model.coefficients + model.constants, (values[0] - usual)[:, None] * model.coefficients)]
    if isinstance(member.predictor, BoostingPredictor) and not any("is_linear=1" in text for text in member.predictor.texts):
        raw = [np.asarray(one.predict(values, pred_contrib=True, num_threads=1)) for one in member.predictor.boosters()]
        shaped = [one.reshape(-1, values.shape[1] + 1).T for one in raw]
        return [_Scores(one[-1], one[:-1]) for one in shaped]
    return []


def _in_units(member: TabularMember, scores: _Scores, place: int) -> tuple[float, Floats]:
    """Prediction of the usual scores, and what each feature adds to it ``[features]``."""
    outcome, slopes = _link(member, place)
    change = scores.added.sum(axis=0)
    points, weights = np.polynomial.legendre.leggauss(_POINTS)
    path = scores.usual[None, :] + ((points + 1) / 2)[:, None] * change[None, :]
    added = scores.added @ (slopes(path) * (weights / 2)[:, None]).sum(axis=0)
    ends = outcome(np.stack([scores.usual, scores.usual + change]))
    total = float(added.sum())
    if abs(total) > 1e-12:
        added = added * ((ends[1] - ends[0]) / total)
    return float(ends[0]), added


def _link(member: TabularMember, place: int) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
    """From scores ``[n, outputs]`` to predictions ``[n]``, and the slope in each output ``[n, outputs]``."""
    if len(member.classes) > 2:

        def share(scores: Floats) -> Floats:
            made: Floats = softmax(scores, axis=1)
            return made

        own = np.arange(len(member.classes)) == place
        return lambda scores: share(scores)[:, place], lambda scores: share(scores)[:, [place]] * (own - share(scores))
    if member.classes:
        sign = 1.0 if place == 1 else -1.0
        return (
            lambda scores: np.asarray(expit(sign * scores[:, 0])),
            lambda scores: np.asarray(sign * expit(scores) * expit(-scores)),
        )
    if member.scale.log:
        return lambda scores: member.scale.told(scores[:, 0]), lambda scores: np.exp(scores)
    return lambda scores: scores[:, 0], np.ones_like


def _by_column(
    member: TabularMember, item: pl.DataFrame, background: pl.DataFrame, inputs: Sequence[str], added: Floats
) -> dict[str, float]:
    """Features put together by the columns they are made of; a feature of several columns is shared equally.

    Which columns a feature is made of is seen from what changes when a column is taken away.
    """
    assert member.encoder is not None
    few = background.select(inputs).head(int(np.clip(_CELLS // (len(inputs) + 1) ** 2, _FEWEST_BESIDE, _MOST_BACKGROUND)))
    rows = pl.concat([item.select(inputs), few], how="vertical_relaxed")
    block = np.repeat(np.arange(len(inputs) + 1), len(rows))  # the rows once as they are, then once without each input
    taken = [pl.when(pl.Series(block != number)).then(pl.col(name)).alias(name) for number, name in enumerate(inputs, start=1)]
    values = member.encoder.transform(pl.concat([rows] * (len(inputs) + 1)).with_columns(taken)).values
    whole, *blanked = np.split(values, len(inputs) + 1)
    made_of = np.stack([_changes(whole, values) for values in blanked])
    shares = made_of / np.maximum(made_of.sum(axis=0), 1)
    parts = dict(zip(inputs, (shares.astype(np.float64) @ added).tolist(), strict=True))
    orphaned = float(added[~made_of.any(axis=0)].sum())
    return {**parts, OTHER: orphaned} if abs(orphaned) > 1e-12 else parts


def _changes(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.bool_]:
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    return np.asarray(~same.all(axis=0))


def exchanged(
    predict: Callable[[pl.DataFrame], Floats], item: pl.DataFrame, background: pl.DataFrame, inputs: Sequence[str], seed: int = 0
) -> Parts:
    """What each input adds to a prediction, when the inputs of other rows are exchanged one by one for the row's own.

    The mean over several random orders and other rows, each order once forwards and once backwards; the parts add up to the
    row's prediction exactly.
    """
    count = int(np.clip(_ROWS // (len(inputs) + 1) // 2, _FEWEST // 2, _MOST // 2))
    chance = np.random.default_rng(seed)
    orders = np.stack([chance.permutation(len(inputs)) for _ in range(count)])
    orders = np.concatenate([orders, orders[:, ::-1]])
    others = np.resize(chance.permutation(len(background)), len(orders) // 2)
    rank = np.argsort(orders, axis=1)
    own = rank[:, None, :] < np.arange(len(inputs) + 1)[None, :, None]  # [order, step, input]: taken from the row itself
    predicted = predict(_mixed(item, background, inputs, np.tile(others, 2), own)).reshape(len(orders), -1)
    steps = np.take_along_axis(np.diff(predicted, axis=1), rank, axis=1).mean(axis=0)
    return Parts(float(predicted[:, 0].mean()), dict(zip(inputs, steps.tolist(), strict=True)))


def _mixed(
    item: pl.DataFrame, background: pl.DataFrame, inputs: Sequence[str], others: NDArray[np.int64], own: NDArray[np.bool_]
) -> pl.DataFrame:
    """Rows of others in which some inputs are the item's."""
    rows = background.select(inputs)[np.repeat(others, own.shape[1]).tolist()]
    mine, flat = item.select(inputs), own.reshape(-1, len(inputs))
    return rows.with_columns(
        pl.when(pl.Series(flat[:, number])).then(pl.lit(mine[name])).otherwise(pl.col(name)).alias(name)
        for number, name in enumerate(inputs)
    )
