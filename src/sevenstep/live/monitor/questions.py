"""Drift of questions: new words, other topics, more that stay unanswered than when the release was judged.

A question is text of its own each time, so it is looked at through what the model makes of it: how long it is, how many of its
words no document knows, where it lies in the space the documents span.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from sevenstep.live.check import Check
from sevenstep.live.monitor.drifting import drift_check, input_checks
from sevenstep.live.monitor.references import INPUT, PREDICTION, values_of
from sevenstep.live.monitor.released import Released
from sevenstep.stats.drift import Categories, Reference, check_all, reference_of
from sevenstep.tasks.answers import ABSTAINED, Answers

__all__ = ["question_checks", "question_references"]

References = Mapping[tuple[str, str], Reference]

_UNANSWERED = "unanswered"
_STATES = ("answered", "unanswered")


def question_references(released: Released, model: Answers) -> References:
    """What questions looked like when the release was made, and how many of them it left unanswered out of fold."""
    texts = pl.scan_parquet(released.collected.items_file).select("question").drop_nulls().collect()["question"].to_list()
    traits = model.traits(texts)
    found = {(INPUT, name): reference_of(values_of(traits[name])) for name in traits.columns}
    scores = released.scores
    if scores is None or ABSTAINED not in scores.columns:
        return found
    known = scores.select(ABSTAINED).drop_nulls()[ABSTAINED].cast(pl.Boolean)
    return {**found, (PREDICTION, _UNANSWERED): reference_of(_states(known.to_numpy()))} if len(known) else found


def question_checks(
    references: References, rows: Sequence[Mapping[str, Any]], model: Answers, kpi: str, share: Mapping[str, float]
) -> list[Check]:
    """The newest questions against those of the release.

    Args:
        references: of the release, see `question_references`.
        rows: what was served, each with ``inputs``, ``prediction`` and ``details``.
        model: of the release.
        kpi: id of the KPI they bear on.
        share: chance of any false alarm, for each kind.
    """
    told = [row for row in rows if row["inputs"].get("question") and not row["details"].get("cut")]
    asked = list({row["inputs"]["question"]: row for row in told}.values())  # asked again, a question says nothing new
    if not asked:
        return []
    traits = model.traits([str(row["inputs"]["question"]) for row in asked])
    found = input_checks(references, traits, "", kpi, share["drift"])
    own = {name: one for (kind, name), one in references.items() if (kind, name) == (PREDICTION, _UNANSWERED)}
    states = _states(np.array([bool(row["details"].get("refused")) or not row["prediction"] for row in asked]))
    moved = check_all(own, {_UNANSWERED: states}, None, alpha=share["predictions"]) if own else {}
    who = "the share of questions that stay unanswered"
    return [*found, *(drift_check("predictions", kpi, _UNANSWERED, who, one) for one in moved.values())]


def _states(unanswered: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Categories:
    return Categories(unanswered.astype(np.int64), _STATES)
