"""Metrics of classified items: counts, ranking, probabilities and cost, each a function of row terms that add up.

Rows come in one of two shapes. Two classes: one row an item, whose truth is 1 or 0 and whose prediction is the probability of the
positive class. More classes: one row an item and class (``unit`` is the item, ``label`` the class), truth 1 for the true class.
A row is *decided* for its class where its probability reaches ``cut`` (two classes), or where its probability relative to
``cut`` is the largest of its item (more classes).

Ranking metrics are no sums over rows; they enter as infinitesimal jackknife pseudo-values, whose mean is the exact figure and
whose spread is its first-order variation (Efron, 1982, The jackknife, the bootstrap and other resampling plans, chapter 6).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from sevenstep.stats.metric import Metric, ratio
from sevenstep.stats.scored import BoolArray, FloatArray, Scored

__all__ = ["CLASSIFICATION", "decided"]

_BINS = 15
_LEAST = 1e-15
_SETS = {80: "lower_80", 95: "lower_95"}


def decided(rows: Scored) -> BoolArray:
    """Whether each row's class is the one decided for; exactly one row of an item with several (the first of equals)."""
    if not _several(rows):
        return np.asarray(rows.prediction >= rows.cut)
    strength = rows.prediction / np.maximum(rows.cut, _LEAST)
    classes = _in_blocks(rows)
    if classes:
        block = strength.reshape(-1, classes)
        return np.asarray(np.arange(classes)[None, :] == block.argmax(axis=1)[:, None]).reshape(-1)
    order = np.lexsort((rows.label, -strength, rows.unit))
    first = np.ones(len(rows), np.bool_)
    first[1:] = rows.unit[order][1:] != rows.unit[order][:-1]
    chosen = np.zeros(len(rows), np.bool_)
    chosen[order[first]] = True
    return chosen


def _in_blocks(rows: Scored) -> int:
    """Number of classes where each item has a row for every class, in their order, one item after another; else 0."""
    classes = int(rows.label.max()) + 1
    if len(rows) % classes:
        return 0
    label, unit = rows.label.reshape(-1, classes), rows.unit.reshape(-1, classes)
    whole = (label == np.arange(classes)).all() and (unit == unit[:, :1]).all()
    return classes if whole and len(np.unique(unit[:, 0])) == len(unit) else 0


def _several(rows: Scored) -> bool:
    """Whether items have a row for each of several classes."""
    return bool(len(rows)) and float(rows.label.max()) > 0


def _accuracy(rows: Scored) -> FloatArray:
    chosen = decided(rows)
    if _several(rows):
        return np.column_stack([rows.truth * chosen, rows.truth])
    return np.column_stack([(chosen == (rows.truth > 0)).astype(np.float64), np.ones(len(rows))])


def _counts(rows: Scored) -> FloatArray:
    """Of each class the rows truly and decided so, truly so, decided so, and all rows: ``[n, 4 * classes]``.

    Two classes count as the negative one, then the positive one.
    """
    chosen = decided(rows).astype(np.float64)
    if not _several(rows):
        parts = [_four(1 - rows.truth, 1 - chosen), _four(rows.truth, chosen)]
        return np.concatenate(parts, axis=1)
    classes = int(rows.label.max()) + 1
    counts = np.zeros((len(rows), classes, 4))
    counts[np.arange(len(rows)), rows.label.astype(np.intp)] = _four(rows.truth, chosen)
    return counts.reshape(len(rows), 4 * classes)


def _four(truth: FloatArray, chosen: FloatArray) -> FloatArray:
    return np.column_stack([truth * chosen, truth, chosen, np.ones_like(truth)])


def _by_class(sums: FloatArray) -> FloatArray:
    """Counts as ``[..., class, 4]``, without classes no row has or was decided for (NaN)."""
    return np.asarray(sums).reshape(*np.shape(sums)[:-1], -1, 4)


def _share(above: FloatArray, below: FloatArray) -> FloatArray:
    return ratio(np.stack([above, below], axis=-1))


def _known_mean(values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    return _share(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))


def _f_measures(sums: FloatArray) -> FloatArray:
    counts = _by_class(sums)
    return _share(2 * counts[..., 0], counts[..., 1] + counts[..., 2])


def _macro_f1(sums: FloatArray) -> FloatArray:
    return _known_mean(_f_measures(sums))


def _positive(sums: FloatArray, figures: FloatArray) -> FloatArray:
    """The positive class's figure with two classes, the mean over classes with more."""
    return np.asarray(figures[..., 1] if np.shape(sums)[-1] == 8 else _known_mean(figures))


def _f1(sums: FloatArray) -> FloatArray:
    return _positive(sums, _f_measures(sums))


def _precision(sums: FloatArray) -> FloatArray:
    counts = _by_class(sums)
    return _positive(sums, _share(counts[..., 0], counts[..., 2]))


def _recalls(sums: FloatArray) -> FloatArray:
    counts = _by_class(sums)
    return _share(counts[..., 0], counts[..., 1])


def _recall(sums: FloatArray) -> FloatArray:
    return _positive(sums, _recalls(sums))


def _balanced_accuracy(sums: FloatArray) -> FloatArray:
    return _known_mean(_recalls(sums))


def _matthews(sums: FloatArray) -> FloatArray:
    """Gorodkin's R_K from the margins; with two classes the Matthews correlation."""
    counts = _by_class(sums)
    right, truly, chosen = (counts[..., place] for place in range(3))
    n = truly.sum(axis=-1)
    covariance = right.sum(axis=-1) * n - (truly * chosen).sum(axis=-1)
    spread = np.sqrt(np.maximum((n**2 - (truly**2).sum(axis=-1)) * (n**2 - (chosen**2).sum(axis=-1)), 0.0))
    return _share(covariance, spread)


def _by_label(rows: Scored) -> list[npt.NDArray[np.intp]]:
    return [np.flatnonzero(rows.label == label) for label in np.unique(rows.label)]


def _area_pseudo(truth: FloatArray, score: FloatArray) -> FloatArray:
    """Pseudo-values of the area under the ROC curve of one class: the mean of them is the area (DeLong et al., 1988)."""
    positive = truth > 0
    ups, downs = int(positive.sum()), int((~positive).sum())
    if ups == 0 or downs == 0:
        return np.full(len(truth), np.nan)
    placed = np.empty(len(truth))
    placed[positive] = _below(score[positive], np.sort(score[~positive])) / downs
    placed[~positive] = 1.0 - _below(score[~positive], np.sort(score[positive])) / ups
    area = float(placed[positive].mean())
    shares = np.where(positive, ups / len(truth), downs / len(truth))
    return np.asarray(area + (placed - area) / shares)


def _below(values: FloatArray, others: FloatArray) -> FloatArray:
    """How many of the sorted ``others`` lie below each value; equals count half."""
    return np.asarray((np.searchsorted(others, values, "left") + np.searchsorted(others, values, "right")) / 2.0)


def _precision_pseudo(truth: FloatArray, score: FloatArray) -> FloatArray:
    """Pseudo-values of average precision: the mean of them is sum over positives of the precision at their score, averaged.

    With weights ``w`` it is ``sum_i w_i t_i T_i / N_i / sum_i w_i t_i``, where ``T_i`` and ``N_i`` add up the positives and all
    rows scored at least as high as ``i``; the slope in ``w_j`` follows term by term.
    """
    total = float(truth.sum())
    if total == 0:
        return np.full(len(truth), np.nan)
    order = np.argsort(-score, kind="stable")
    ends = np.searchsorted(-score[order], -score, "right") - 1  # last place of the rows scored at least as high as each
    tops, counts = np.cumsum(truth[order])[ends], ends + 1.0
    exact = float((truth * tops / counts).sum() / total)
    starts = np.searchsorted(-score[order], -score, "left")
    hit = _from(starts, (truth / counts)[order])
    fall = _from(starts, (truth * tops / counts**2)[order])
    slope = (truth * tops / counts + truth * hit - fall) / total - truth * exact / total
    return np.asarray(exact + len(truth) * slope)


def _from(starts: npt.NDArray[np.intp], values: FloatArray) -> FloatArray:
    """Sum of ``values`` from each start to the end."""
    totals = np.concatenate([np.cumsum(values[::-1])[::-1], [0.0]])
    return np.asarray(totals[starts])


def _area(rows: Scored) -> FloatArray:
    return _ranked(rows, _area_pseudo)


def _average_precision(rows: Scored) -> FloatArray:
    return _ranked(rows, _precision_pseudo)


def _ranked(rows: Scored, pseudo: Callable[[FloatArray, FloatArray], FloatArray]) -> FloatArray:
    """Terms of the mean over classes of a ranking figure; a class without both kinds of rows is left out."""
    values, known = np.zeros(len(rows)), np.zeros(len(rows))
    places = _by_label(rows)
    found = [pseudo(rows.truth[at], rows.prediction[at]) for at in places]
    used = [(at, figures) for at, figures in zip(places, found, strict=True) if np.isfinite(figures).all() and len(at)]
    for at, figures in used:
        values[at], known[at] = figures / len(at), 1.0 / len(at)
    return np.column_stack([values, known])


def _mean_over_labels(figure: Callable[[FloatArray, FloatArray], float]) -> Callable[[Scored], float]:
    """The mean over classes of a ranking figure; a class without both kinds of rows is left out."""

    def direct(rows: Scored) -> float:
        found = [figure(rows.truth[at], rows.prediction[at]) for at in _by_label(rows)]
        known = [value for value in found if np.isfinite(value)]
        return float(np.mean(known)) if known else float("nan")

    return direct


def _ties(truth: FloatArray, score: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Positives and rows at each distinct score, the lowest first."""
    order = np.argsort(score)
    ranked = score[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    return np.add.reduceat(truth[order], starts), np.diff(np.append(starts, len(score))).astype(np.float64)


def _area_of(truth: FloatArray, score: FloatArray) -> float:
    positives = float(truth.sum())
    pairs = positives * (len(truth) - positives)
    if pairs == 0:
        return float("nan")
    tops, counts = _ties(truth, score)
    below = np.cumsum(counts) - counts
    return float((tops @ (below + (counts + 1) / 2) - positives * (positives + 1) / 2) / pairs)


def _average_precision_of(truth: FloatArray, score: FloatArray) -> float:
    if not truth.any():
        return float("nan")
    tops, counts = _ties(truth, -score)
    return float(tops @ (np.cumsum(tops) / np.cumsum(counts)) / truth.sum())


def _log_loss(rows: Scored) -> FloatArray:
    probability = np.clip(rows.prediction, _LEAST, 1 - _LEAST)
    if _several(rows):
        return np.column_stack([-rows.truth * np.log(probability), rows.truth])
    losses = -(rows.truth * np.log(probability) + (1 - rows.truth) * np.log1p(-probability))
    return np.column_stack([losses, np.ones(len(rows))])


def _brier(rows: Scored) -> FloatArray:
    items = rows.truth if _several(rows) else np.ones(len(rows))
    return np.column_stack([(rows.prediction - rows.truth) ** 2, items])


def _calibration(rows: Scored) -> FloatArray:
    """Of each of the bins of equal width: predictions, truths and rows, ``[n, 3 * bins]``."""
    place = np.minimum((rows.prediction * _BINS).astype(np.intp), _BINS - 1)
    inside = (place[:, None] == np.arange(_BINS)[None, :]).astype(np.float64)
    three = np.column_stack([rows.prediction, rows.truth, np.ones(len(rows))])
    return np.asarray((inside[:, :, None] * three[:, None, :]).reshape(len(rows), 3 * _BINS), np.float64)


def _calibration_error(sums: FloatArray) -> FloatArray:
    bins = np.asarray(sums).reshape(*np.shape(sums)[:-1], _BINS, 3)
    return _share(np.abs(bins[..., 0] - bins[..., 1]).sum(axis=-1), bins[..., 2].sum(axis=-1))


def _cost(rows: Scored) -> FloatArray:
    chosen = decided(rows)
    if _several(rows):
        return np.column_stack([rows.weight * rows.truth * ~chosen, rows.truth])
    return np.column_stack([rows.weight * (chosen != (rows.truth > 0)), np.ones(len(rows))])


def _in_set(level: int) -> Callable[[Scored], FloatArray]:
    def terms(rows: Scored) -> FloatArray:
        least = getattr(rows, _SETS[level])
        if _several(rows):
            return np.column_stack([rows.truth * (rows.prediction >= least), rows.truth])
        own = np.where(rows.truth > 0, rows.prediction, 1 - rows.prediction)
        return np.column_stack([(own >= least).astype(np.float64), np.ones(len(rows))])

    return terms


_HAND = "Hand (2012), Assessing the performance of classification methods"
_DECIDED = ("unit", "label", "cut")
_SMOOTH = "log_loss"  # what all figures of decisions are searched by: it also sees how near a decision was

CLASSIFICATION = (
    Metric("accuracy", "higher", "share", "Share of items decided right.", f"right / all; {_HAND}", _accuracy, ratio,
           _DECIDED, limits=(0.0, 1.0),
           guide=_SMOOTH),
    Metric("balanced_accuracy", "higher", "share", "Mean over classes of the share of their items found.",
           "mean of recalls; Brodersen et al. (2010), The balanced accuracy and its posterior distribution", _counts,
           _balanced_accuracy, _DECIDED, limits=(0.0, 1.0),
           guide=_SMOOTH),
    Metric("f1", "higher", "share", "Harmonic mean of precision and recall of the positive class; the mean over more classes.",
           "2 TP / (2 TP + FP + FN); van Rijsbergen (1979), Information retrieval", _counts, _f1, _DECIDED, limits=(0.0, 1.0),
           guide=_SMOOTH),
    Metric("macro_f1", "higher", "share", "Mean over classes of the harmonic mean of precision and recall.",
           "mean of F1; Opitz and Burst (2019), Macro F1 and macro F1", _counts, _macro_f1, _DECIDED, limits=(0.0, 1.0),
           guide=_SMOOTH),
    Metric("precision", "higher", "share", "Share of the alarms that were right; the mean over more classes.",
           "TP / (TP + FP); van Rijsbergen (1979), Information retrieval", _counts, _precision, _DECIDED, limits=(0.0, 1.0),
           guide=_SMOOTH),
    Metric("recall", "higher", "share", "Share of the positive items found; the mean over more classes.",
           "TP / (TP + FN); van Rijsbergen (1979), Information retrieval", _counts, _recall, _DECIDED, limits=(0.0, 1.0),
           guide=_SMOOTH),
    Metric("mcc", "higher", "ratio", "Correlation of what was decided with what was so.",
           "Gorodkin (2004), Comparing two K-category assignments by a K-category correlation coefficient", _counts, _matthews,
           _DECIDED, limits=(-1.0, 1.0), guide=_SMOOTH),
    Metric("roc_auc", "higher", "share", "Chance that a positive item ranks above a negative one; the mean over more classes.",
           "Mann-Whitney U / (P N); DeLong, DeLong and Clarke-Pearson (1988)", _area, ratio, ("label",), limits=(0.0, 1.0),
           direct=_mean_over_labels(_area_of)),
    Metric("average_precision", "higher", "share", "Precision averaged over the positive items; the mean over more classes.",
           "sum over positives of the precision at their score / P; Buckley and Voorhees (2000), Evaluating evaluation measure "
           "stability", _average_precision, ratio, ("label",), limits=(0.0, 1.0),
           direct=_mean_over_labels(_average_precision_of)),
    Metric("log_loss", "lower", "ratio", "Mean negative log probability of what was so.",
           "-mean log p; Good (1952), Rational decisions", _log_loss, ratio, ("label",)),
    Metric("brier", "lower", "ratio", "Mean squared distance of the probabilities from what was so.",
           "mean sum (p - t)^2; Brier (1950), Verification of forecasts expressed in terms of probability", _brier, ratio,
           ("label",)),
    Metric("calibration_error", "lower", "share", f"Gap between probability and share, over {_BINS} bins of equal width.",
           "sum |mean p - mean t| n_b / n; Naeini, Cooper and Hauskrecht (2015), Obtaining well calibrated probabilities",
           _calibration, _calibration_error, limits=(0.0, 1.0)),
    Metric("cost_per_item", "lower", "ratio", "Mean cost of what was decided, at the costs of the spec.",
           "sum of costs / items; Elkan (2001), The foundations of cost-sensitive learning", _cost, ratio,
           (*_DECIDED, "weight"), guide=_SMOOTH),
    *(Metric(f"set_coverage_{level}", "target", "share", f"Share of items whose class is in the {level} % set.",
             "mean(p of the true class >= least of the set); Sadinle, Lei and Wasserman (2019), Least ambiguous classifiers",
             _in_set(level), ratio, ("label", least), limits=(0.0, 1.0), goal=level / 100)
      for level, least in _SETS.items()),
)  # fmt: skip
