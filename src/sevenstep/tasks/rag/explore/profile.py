"""Exploring a corpus with its questions: figures, what matters of them, pictures, and what follows for the preparation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.tasks.contract import Profile
from sevenstep.tasks.rag.explore.insights import insights
from sevenstep.tasks.rag.explore.measures import Measures, measured, quantiles
from sevenstep.tasks.rag.explore.pictures import pictures
from sevenstep.tasks.rag.known import Known
from sevenstep.tasks.rag.text.tokens import tokenizer_for

__all__ = ["explore"]

_WHOLE = 2_500  # characters up to which nine of ten documents have to be for documents to be searched whole
_SIZES = {"ko": (300, 600, 1_000), "en": (600, 1_200, 2_000), "other": (600, 1_200, 2_000)}


def explore(data: Dataset, brief: Brief) -> Profile:
    """See `Task.explore`.

    ``facts``: language, documents, questions, judged, characters (all, median, nine of ten below), languages, kinds, near, gap.
    ``recipe``: ``tokenizer``, ``chunk`` (``sizes`` to compare, 0 for whole documents, and ``overlap``) and ``folds``, each with
    its reason.
    """
    del brief
    measures = measured(Known(data))
    return Profile(_facts(measures), insights(measures), _recipe(measures), pictures(measures))


def _facts(measures: Measures) -> dict[str, Any]:
    _, middle, high = quantiles(measures.lengths)
    return {
        "language": measures.language,
        "documents": len(measures.lengths),
        "questions": len(measures.asked),
        "judged": len(measures.relevant),
        "characters": int(sum(measures.lengths)),
        "median_length": middle,
        "long_length": high,
        "languages": dict(measures.languages),
        "kinds": dict(measures.kinds),
        "near": measures.near,
        "terms_found": float(np.mean(measures.gap.found)) if measures.gap.found else None,
        "terms_whole": measures.gap.whole if measures.gap.found else None,
        "terms_unknown": float(np.mean(measures.gap.unknown)) if measures.gap.unknown else None,
    }


def _recipe(measures: Measures) -> dict[str, Mapping[str, Any]]:
    high = quantiles(measures.lengths)[2]
    whole = high <= _WHOLE
    sizes = (0,) if whole else _SIZES[measures.language]
    why = f"nine of ten documents have at most {high:,.0f} characters"
    cut = f"{why}, so they are searched whole" if whole else f"{why}, so they are searched in stretches"
    counted = {"ko": "pairs of syllables survive particles", "en": "stems join the forms of a word"}
    return {
        "tokenizer": {
            "value": tokenizer_for(measures.language),
            "reason": f"the language is {measures.language}: {counted.get(measures.language, 'words are counted as they are')}",
        },
        "chunk": {"sizes": list(sizes), "overlap": 0.0 if whole else 0.2, "reason": cut},
        "folds": {
            "value": "group",
            "reason": "questions about the same document stay in one fold, so that none is learnt by heart",
        },
    }
