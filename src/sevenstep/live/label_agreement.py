"""Several labellers held against each other: how far they agree, what they come to together, and what each of them is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from sevenstep.data.labels.studio import LABEL, LABELLER, PROBABILITY, check_classes
from sevenstep.data.labels.table import Votes, read_labels, read_table, votes_by_column, votes_by_row
from sevenstep.data.naming import listed
from sevenstep.errors import InputError
from sevenstep.stats.agreement import Level, cohen_kappa, fleiss_kappa, krippendorff_alpha
from sevenstep.stats.consensus import UNDECIDED, confusion_with, dawid_skene, majority

__all__ = ["Agreement", "agreement"]

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Agreement:
    """How several labellers agree, and what they come to together.

    Args:
        figures: one mapping a measure: ``measure``, ``who``, and the parts of an `Estimate`.
        labellers: one mapping a labeller: labels given, share that agrees with the majority, accuracy by Dawid and Skene's model,
            and ``confusion`` (rows the consensus, columns what was said; counts).
        classes: names, in their order.
        frame: the items with ``label`` (of the model), ``probability``, ``majority`` (null where undecided) and
            ``labels`` (how many).
    """

    figures: Sequence[dict[str, Any]]
    labellers: Sequence[dict[str, Any]]
    classes: Sequence[str]
    frame: pl.DataFrame


def agreement(
    path: Path,
    *,
    label: str = LABEL,
    item: Sequence[str] = (),
    labellers: Sequence[str] = (),
    classes: Sequence[str] = (),
    level: Level = "nominal",
    seed: int = 0,
) -> Agreement:
    """Hold the labels of several labellers against each other.

    Args:
        path: a label file: one row an item and labeller, or Label Studio's JSON.
        label: column of the label.
        item: columns that name an item; all but label and labeller when not given.
        labellers: columns, where the file has one row an item and a column for each labeller.
        classes: in their order, which ``ordinal`` needs; those found, sorted, when not given.
        level: of measurement, for Krippendorff's alpha; with ``interval`` the labels are numbers.
        seed: of the draws behind the intervals.

    Raises:
        InputError: the file is at fault; ``LABELS-ONE-LABELLER``, there is nobody to agree with; ``LABELS-LEVEL``, the level does
            not suit the labels.
    """
    votes = _votes(path, label, item, labellers, classes)
    if len(votes.labellers) < 2:
        given = f"'{path.name}' holds the labels of {len(votes.labellers)} labeller"
        rule, fix = "agreement is that of two or more", f"name them in a column '{LABELLER}', or give --labeller COLUMN for each"
        raise InputError("LABELS-ONE-LABELLER", given, rule, fix)
    size = len(votes.classes)
    figures = [
        {"measure": "Krippendorff's alpha", "who": "all",
         **asdict(krippendorff_alpha(votes.codes, size, level, _values(votes.classes, level, classes), seed=seed))},
        {"measure": "Fleiss' kappa", "who": "all", **asdict(fleiss_kappa(votes.codes, size, seed=seed))},
    ]  # fmt: skip
    for one, other in combinations(range(len(votes.labellers)), 2):
        estimate = cohen_kappa(votes.codes[:, one], votes.codes[:, other], size, seed=seed)
        figures.append(
            {"measure": "Cohen's kappa", "who": f"{votes.labellers[one]}, {votes.labellers[other]}", **asdict(estimate)}
        )
    return _with_consensus(votes, figures)


def _votes(path: Path, label: str, item: Sequence[str], labellers: Sequence[str], classes: Sequence[str]) -> Votes:
    if labellers:
        table = read_table(path)
        for name in labellers:
            if classes and name in table.columns:
                check_classes(table[name].cast(pl.String), classes, path.name)
        return votes_by_column(table, labellers, classes)
    frame = read_labels(path, label=label)
    if classes:
        check_classes(frame[LABEL], classes, path.name)
    return votes_by_row(frame, item, classes)


def _values(names: Sequence[str], level: Level, ordered: Sequence[str]) -> npt.NDArray[np.float64] | None:
    """The number each class stands for, where the level asks for one."""
    if level == "ordinal" and not ordered:
        rule, fix = "'ordinal' compares places in an order", "name the classes in their order, with --classes"
        raise InputError("LABELS-LEVEL", "the classes have no order", rule, fix)
    if level != "interval":
        return None
    try:
        return np.array([float(name) for name in names])
    except ValueError:
        given = f"the labels are {listed(names)}"
        raise InputError("LABELS-LEVEL", given, "'interval' compares numbers", "use --level nominal or ordinal") from None


def _with_consensus(votes: Votes, figures: Sequence[dict[str, Any]]) -> Agreement:
    size = len(votes.classes)
    plain, model = majority(votes.codes, size), dawid_skene(votes.codes, size)
    seen = (votes.codes >= 0).sum(axis=1)
    found = np.where(seen > 0, model.consensus.label, UNDECIDED)
    confusion = confusion_with(votes.codes, found, size)
    labellers = [
        {"labeller": name, "labels": int((votes.codes[:, place] >= 0).sum()),
         "with_majority": _agreeing(votes.codes[:, place], plain.label), "accuracy": float(model.accuracy[place]),
         "confusion": confusion[place].astype(int).tolist()}
        for place, name in enumerate(votes.labellers)
    ]  # fmt: skip
    told = pl.DataFrame(
        {
            LABEL: _named(found, votes.classes),
            PROBABILITY: np.where(seen > 0, model.consensus.probability.max(axis=1), np.nan),
            "majority": _named(plain.label, votes.classes),
            "labels": seen,
        },
        schema_overrides={LABEL: pl.String, "majority": pl.String},
    ).with_columns(pl.col(PROBABILITY).fill_nan(None))
    items = votes.items.select(name for name in votes.items.columns if name not in told.columns)
    return Agreement(figures, labellers, votes.classes, items.hstack(told))


def _named(codes: Codes, classes: Sequence[str]) -> list[str | None]:
    return [classes[code] if code >= 0 else None for code in codes]


def _agreeing(own: Codes, consensus: Codes) -> float | None:
    both = (own >= 0) & (consensus >= 0)
    return float((own == consensus)[both].mean()) if both.any() else None
