"""Questions as numbers, which drift is looked for in: their length, their new words, where they lie among the topics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from sevenstep.tasks.rag.retrieval.index import CorpusIndex

__all__ = ["traits"]

_TOPICS = 5  # directions of the latent space that are watched


def traits(index: CorpusIndex, questions: Sequence[str]) -> pl.DataFrame:
    """A row a question: how many terms it has, which share of them no document knows, and, where the index has a latent space,
    where it lies along its first directions.
    """
    view, space = index.main, index.latent
    terms = view.tokenizer.tokens(list(questions))
    known = [view.vocabulary.known(own) for own in terms]
    columns = {
        "words": [float(len(own)) for own in terms],
        "new words": [1.0 - len(codes) / len(own) if own else 0.0 for own, codes in zip(terms, known, strict=True)],
    }
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64))
    if space is None or not questions:
        return frame
    counted = [np.unique(codes, return_counts=True) for codes in known]
    places = np.array([space.asked(codes, counts.astype(np.float64))[0, :_TOPICS] for codes, counts in counted])
    return frame.with_columns(pl.Series(f"topic {at + 1}", places[:, at], pl.Float64) for at in range(places.shape[1]))
