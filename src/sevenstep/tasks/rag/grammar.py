"""What answering from documents adds to the spec language.

It takes no target: what is measured follows from the metrics of the KPIs, the ranking of the passages or the answer.
"""

from __future__ import annotations

from sevenstep.spec.documents import ANSWER, PASSAGES
from sevenstep.tasks.answers import JUDGED
from sevenstep.tasks.contract import Grammar
from sevenstep.tasks.rag.section import Rag

__all__ = ["ANSWER", "GRAMMAR", "PASSAGES"]

_ALL = tuple(Rag.model_fields)
_RANKING = ("ndcg@k", "recall@k", "mrr@k", "hit@k", "map@k", "precision@k")
_ANSWER = ("answer_f1", "exact_match", "groundedness", JUDGED, "abstention_error", "cost_usd")
_EITHER = ("latency_ms",)

GRAMMAR = Grammar(
    task="rag",
    section=Rag,
    data_keys=("documents", "questions", "judgements", "golden", "observed", "language", "segments", "groups"),
    metrics=(*_RANKING, *_ANSWER, *_EITHER),
    baselines=("bm25", "best_sentence"),
    targets="none",
    measures={**dict.fromkeys(_RANKING, PASSAGES), **dict.fromkeys(_ANSWER, ANSWER), **dict.fromkeys(_EITHER, "")},
    spends=True,
    blends=False,
    sees={
        "define": _ALL,
        "collect": (),
        "prepare": ("chunk", "retrieve"),
        "design": _ALL,
        "train": _ALL,
        "tune": _ALL,
        "operate": _ALL,
    },
)
