"""Metrics whose figure belongs to one item: how good the ranking found for a question is, or the answer to it.

A score table holds such a figure as the item's prediction, beside a truth of 1; further ones stand in columns of their own, named
as the metric is. The figure over many items is their mean; items without one are not measured.
"""

from __future__ import annotations

import numpy as np

from sevenstep.stats.metric import Direction, Metric, Unit, ratio
from sevenstep.stats.scored import FloatArray, Scored

__all__ = ["PER_ITEM", "at_rank"]

_TREC = "trec_eval (NIST); as computed by ir_measures"
_SQUAD = "Rajpurkar et al. (2016), SQuAD; Lim et al. (2019), KorQuAD1.0"

_KNOWN: tuple[tuple[str, Direction, Unit, str, str], ...] = (
    ("ndcg@k", "higher", "share", "Discounted gain of the first k passages over that of the best order.",
     f"Järvelin and Kekäläinen (2002), linear gain; {_TREC}"),
    ("recall@k", "higher", "share", "Share of the relevant passages among the first k.", _TREC),
    ("precision@k", "higher", "share", "Share of the first k passages that are relevant.", _TREC),
    ("hit@k", "higher", "share", "Share of questions with a relevant passage among the first k.", _TREC),
    ("mrr@k", "higher", "share", "Mean of one over the rank of the first relevant passage, 0 beyond k.", _TREC),
    ("map@k", "higher", "share", "Mean over questions of the precision at each relevant passage of the first k.", _TREC),
    ("answer_f1", "higher", "share", "Mean over questions of the harmonic mean of precision and recall of the answer's words.",
     _SQUAD),
    ("exact_match", "higher", "share", "Share of answers that equal a known answer once both are normalised.", _SQUAD),
    ("groundedness", "higher", "share", "Mean support of an answer's sentences in what they cite.",
     "share of content units of a sentence that stand in its quotes"),
    ("judged_groundedness", "higher", "share", "Mean of what a model, asked several times, says of an answer's support.",
     "the model that rag.judge names; its spread is told beside it"),
    ("abstention_error", "lower", "share", "Share of questions answered that have no answer, or refused that have one.",
     "Rajpurkar, Jia and Liang (2018), Know what you don't know"),
    ("latency_ms", "lower", "target", "Mean milliseconds a question takes.", "wall clock"),
    ("cost_usd", "lower", "target", "Mean US dollars a question costs.", "tokens by their price"),
)  # fmt: skip


_SPREADS = {"judged_groundedness": "judged_spread"}
"""Columns that hold the standard deviation of an item's figure over repeats, for figures that are not the same each time."""


def _own(rows: Scored) -> FloatArray:
    return np.column_stack([rows.prediction, np.ones(len(rows))])


def _made(name: str, direction: Direction, unit: Unit, description: str, source: str) -> Metric:
    limits = (0.0, 1.0) if unit == "share" else (0.0, np.inf)
    return Metric(
        name, direction, unit, description, source, _own, ratio, limits=limits, per_item=True, spread=_SPREADS.get(name, "")
    )


PER_ITEM: dict[str, Metric] = {known[0]: _made(*known) for known in _KNOWN}
"""By name; those that end in ``@k`` take a number (`at_rank`)."""


def at_rank(name: str) -> Metric | None:
    """The metric of a name with its number (``ndcg@10``); None where it is none."""
    stem, _, cut = name.partition("@")
    if f"{stem}@k" not in PER_ITEM or not cut.isdigit() or int(cut) < 1:
        return None
    known = next(known for known in _KNOWN if known[0] == f"{stem}@k")
    return _made(name, *known[1:])
