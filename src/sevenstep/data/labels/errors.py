"""Labels that look wrong: rows whose label a model that has not seen them finds unlikely.

Confident learning (Northcutt, Jiang and Chuang, 2021) on out-of-fold probabilities: rows for which another class is likelier than
the one given, the least likely labels first. How many of them are shown is a matter of what a person is willing to look at in
vain: as many as keep the share of the sound rows that are shown below a limit. That share cannot be counted, since nobody knows
which rows are sound; it follows from the share shown, the share of wrong labels, and how many of those would be found.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

import numpy as np
import numpy.typing as npt

from sevenstep.errors import InputError

__all__ = ["FALSE_FLAGS", "Method", "Suspects", "noise_rate", "suspected_errors"]

FALSE_FLAGS = 0.10
SUREST = 0.10  # share of the rows a model is surest of: how many of their labels differ tells how many labels are wrong
MOST_NOISE = 0.45  # where more labels than this seem wrong, the model says nothing about labels

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Method = Literal["house", "cleanlab"]


@dataclass(frozen=True)
class Suspects:
    """Rows whose label is suspected to be wrong, the most suspicious first.

    Args:
        rows: positions of the rows.
        suggested: number of the class found likeliest for each.
        given_probability: out-of-fold probability of the label each has.
        suggested_probability: and of the class suggested.
        noise: share of all labels estimated to be wrong.
        n: rows with a label that were judged.
    """

    rows: Codes
    suggested: Codes
    given_probability: Floats
    suggested_probability: Floats
    noise: float
    n: int

    def __len__(self) -> int:
        return len(self.rows)


def noise_rate(probability: Floats, given: Codes) -> float:
    """Share of wrong labels, read where the model is surest: there it is all but right, so a label that differs is wrong.

    The idea of anchor points (Liu and Tao, 2016, Classification with noisy labels by importance reweighting), with counted labels
    instead of fitted probabilities. Rather too high where even the surest rows are hard to tell.
    """
    if not len(given):
        return 0.0
    likeliest = probability.max(axis=1)
    surest = likeliest >= np.quantile(likeliest, 1.0 - SUREST)
    return float((probability[surest].argmax(axis=1) != given[surest]).mean())


def suspected_errors(
    probability: Floats, given: Codes, *, false_flags: float = FALSE_FLAGS, method: Method = "house"
) -> Suspects:
    """Rows whose label is suspected to be wrong.

    Args:
        probability: of each class by a model that has not learnt from the row, ``[n, classes]``; NaN where it was not judged.
        given: number of the class each row is labelled with, -1 where it has no label.
        false_flags: share of the sound rows a person is willing to look at in vain; read by the house method.
        method: ``house``, or ``cleanlab`` for that library's `find_label_issues` with its own count of errors.

    Raises:
        InputError: ``LABELS-NO-CLEANLAB``, the library is asked for and not installed; ``LABELS-NOT-JUDGED``, no row has both
            a label and probabilities.
    """
    judged = np.flatnonzero((given >= 0) & np.isfinite(probability).all(axis=1))
    if not len(judged):
        rule = "a label is judged by a model that has not learnt from its row"
        raise InputError("LABELS-NOT-JUDGED", "no row has both a label and a prediction from outside", rule, "label some rows")
    table, labels = probability[judged], given[judged]
    noise = noise_rate(table, labels)
    found = _by_cleanlab(table, labels) if method == "cleanlab" else _shown(table, labels, min(noise, MOST_NOISE), false_flags)
    own, best = _own(table, labels)[found], table[found].argmax(axis=1)
    likeliest = table[found].max(axis=1)
    return Suspects(judged[found], best.astype(np.int64), own, likeliest, noise, len(judged))


def _own(table: Floats, labels: Codes) -> Floats:
    own: Floats = table[np.arange(len(labels)), labels]
    return own


def _shown(table: Floats, labels: Codes, noise: float, false_flags: float) -> Codes:
    """Disagreeing rows, the least likely labels first, as long as few enough sound rows are among them.

    Of all rows a share ``noise`` is wrong; if a share ``found`` of those is shown, then
    ``shown = (1 - noise) * false + noise * found`` tells the share ``false`` of the sound rows that are shown.
    """
    own = _own(table, labels)
    differing = np.flatnonzero(table.argmax(axis=1) != labels)
    order = differing[np.argsort(own[differing], kind="stable")]
    shown = np.arange(1, len(order) + 1) / len(labels)
    false = (shown - noise * _would_find(table, own[order])) / (1.0 - noise)
    within = np.flatnonzero(false <= false_flags)
    return order[: within[-1] + 1] if len(within) else order[:0]


def _would_find(table: Floats, limits: Floats) -> Floats:
    """Share of wrong labels below each limit, if a label goes wrong towards any other than the likeliest class alike."""
    others = np.sort(table, axis=1)[:, :-1]
    return np.asarray(np.searchsorted(np.sort(others, axis=None), limits, "right") / others.size)


def _by_cleanlab(table: Floats, labels: Codes) -> Codes:
    if find_spec("cleanlab") is None:
        rule, fix = "the method 'cleanlab' is that library's", "pip install 'sevenstep[labels]', or leave the method out"
        raise InputError("LABELS-NO-CLEANLAB", "cleanlab is not installed", rule, fix)
    from cleanlab.filter import find_label_issues  # late: an extra, and slow to import

    return np.asarray(find_label_issues(labels, table, return_indices_ranked_by="self_confidence", n_jobs=1), np.int64)
