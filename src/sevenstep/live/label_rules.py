"""Rules that label the rows of a file, judged where labels are known and combined into one label a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import binomtest

from sevenstep.data.intake import intake
from sevenstep.data.labels.encoding import codes_of, texts_of
from sevenstep.data.labels.rules import RuleFigures, Rules, read_rules, rule_classes, rule_figures, rule_votes
from sevenstep.data.labels.studio import LABEL, PROBABILITY
from sevenstep.data.naming import did_you_mean, listed
from sevenstep.errors import InputError
from sevenstep.spec.sources import Data
from sevenstep.stats.consensus import AGREEMENT, PRIOR, UNDECIDED, Consensus, dawid_skene, majority, weighted_vote

__all__ = ["Combine", "RuleLabels", "label_with_rules"]

Combine = Literal["majority", "weighted", "model"]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RuleLabels:
    """What rules say of the rows of a file.

    Args:
        frame: the rows with ``label``, ``probability`` and ``rules`` (names of those that voted); null where none did.
        rules: one mapping a rule: coverage, overlaps and conflicts as shares of the rows, accuracy where labels are known with a
            95 % Wilson interval.
        covered: rows any rule votes on.
        known: labelled rows whose label was known.
        right: of these, those the rules got right, learning from the other half of the known labels alone.
    """

    frame: pl.DataFrame
    rules: Sequence[dict[str, Any]]
    covered: int
    known: int
    right: int


def label_with_rules(rows: Path, rules: Path, *, target: str | None = None, combine: Combine = "model") -> RuleLabels:
    """Label the rows of a file with rules.

    Args:
        rows: a file in any format a source may have.
        rules: the YAML file of the rules (`data.labels.rules`).
        target: column with the labels known so far; rules are judged on those, and the combination learns from them.
        combine: ``majority`` counts votes alike, ``weighted`` by each rule's accuracy on known labels, ``model`` by what a model
            of rules that err independently finds out from all rows (Dawid and Skene).

    Raises:
        InputError: the file, a rule or the target is at fault; ``LABELS-NOTHING-KNOWN``, votes are to be weighted and no label is
            known.
    """
    table = intake(Data.model_validate({"source": str(rows.resolve())}), rows.resolve().parent, given=True).items
    read = read_rules(rules)
    known = _known_classes(table, target)
    classes = rule_classes(read, known)
    votes = rule_votes(table, read, classes)
    truth = codes_of(table[target], classes) if target else np.full(len(table), UNDECIDED)
    consensus = _combined(votes, read, classes, truth, combine)
    voted = (votes >= 0).any(axis=1)
    label = np.where(voted, consensus.label, UNDECIDED)
    names = [[rule.name for rule, vote in zip(read.rules, row, strict=True) if vote >= 0] for row in votes]
    told = {
        LABEL: [classes[code] if code >= 0 else None for code in label],
        PROBABILITY: np.where(voted, consensus.probability.max(axis=1), np.nan),
        "rules": [", ".join(own) for own in names],
    }
    frame = pl.DataFrame(told, schema_overrides={LABEL: pl.String}).with_columns(pl.col(PROBABILITY).fill_nan(None))
    shown = table.select(name for name in table.columns if name not in told).hstack(frame)
    judged = (truth >= 0) & (label >= 0)
    return RuleLabels(shown, [_rule_row(one) for one in rule_figures(votes, read, truth)], int(voted.sum()), int(judged.sum()),
                      int((label == truth)[judged].sum()))  # fmt: skip


def _known_classes(table: pl.DataFrame, target: str | None) -> list[str]:
    if target is None:
        return []
    if target not in table.columns:
        given, fix = f"there is no column '{target}'", did_you_mean(target, table.columns)
        raise InputError("LABELS-NO-COLUMN", given, f"the columns are {listed(table.columns)}", fix)
    return sorted(texts_of(table[target]).drop_nulls().unique())


def _combined(votes: Codes, rules: Rules, classes: Sequence[str], truth: Codes, combine: Combine) -> Consensus:
    """One label a row; a row whose label is known gets what the rules say of it when they learn from other rows alone."""
    if combine == "weighted" and not ((votes >= 0).any(axis=1) & (truth >= 0)).any():
        fix = "name the column of known labels with --target, or combine by model"
        raise InputError("LABELS-NOTHING-KNOWN", "no vote falls on a known label", "weights come from known labels", fix)
    whole = _consensus(votes, rules, len(classes), truth, combine)
    label, probability = whole.label.copy(), whole.probability.copy()
    for half in range(2):
        held = np.flatnonzero(truth >= 0)[half::2]
        others = truth.copy()
        others[held] = UNDECIDED
        part = _consensus(votes, rules, len(classes), others, combine)
        label[held], probability[held] = part.label[held], part.probability[held]
    return Consensus(label, probability)


def _consensus(votes: Codes, rules: Rules, classes: int, truth: Codes, combine: Combine) -> Consensus:
    if combine == "majority":
        return majority(votes, classes)
    if combine == "weighted":
        figures = rule_figures(votes, rules, truth)
        worth = [(figure.right + PRIOR * AGREEMENT) / (figure.known + PRIOR) for figure in figures]
        return weighted_vote(votes, classes, np.array(worth))
    return dawid_skene(votes, classes, known=truth, even=True).consensus


def _rule_row(figure: RuleFigures) -> dict[str, Any]:
    rows = max(figure.rows, 1)
    shares = {"coverage": figure.votes / rows, "overlaps": figure.overlaps / rows, "conflicts": figure.conflicts / rows}
    return {"name": figure.name, "label": figure.label, "votes": figure.votes, **shares, **_accuracy(figure.right, figure.known)}


def _accuracy(right: int, known: int) -> dict[str, Any]:
    """Share of right votes with a 95 % Wilson interval; None where nothing is known."""
    if known == 0:
        return {"accuracy": None, "low": None, "high": None, "known": 0}
    interval = binomtest(right, known).proportion_ci(0.95, method="wilson")
    return {"accuracy": right / known, "low": float(interval.low), "high": float(interval.high), "known": known}
