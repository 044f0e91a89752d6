"""Free text as features: words weighted by how rare they are, condensed to a few directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.tabular.encode.part import Matrix
from sevenstep.tasks.tabular.encode.reading import Columns

__all__ = ["Topics"]

_MOST_WORDS = 5000
_LEAST_ROWS = 3
_WORD = r"(?u)\b\w+\b"


@dataclass(frozen=True)
class Topics:
    """Words and pairs of words of one column by TF-IDF, projected on its strongest singular directions.

    Latent semantic analysis (Deerwester et al., 1990). ``weights`` holds the inverse document frequency of each of the
    ``words``; ``directions`` is ``[words, features]``. A row without text is 0.
    """

    column: str
    words: tuple[str, ...]
    weights: NDArray[np.float64]
    directions: NDArray[np.float64]

    @property
    def names(self) -> list[str]:
        """Column and direction, and the length of the text."""
        return [*(f"{self.column} topic {number + 1}" for number in range(self.directions.shape[1])), f"{self.column} length"]

    def transform(self, columns: Columns) -> Matrix:
        """Coordinates in each direction, and the number of characters."""
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.preprocessing import normalize

        texts = columns.texts(self.column).fill_null("")
        length = texts.str.len_chars().to_numpy()
        if not self.words:
            return length[:, None].astype(np.float32)
        counter = CountVectorizer(vocabulary=list(self.words), ngram_range=(1, 2), token_pattern=_WORD)
        counts = counter.transform(texts.to_list()).astype(np.float64)
        weighted = normalize(counts.multiply(self.weights[None, :]).tocsr())
        return np.column_stack([weighted @ self.directions, length]).astype(np.float32)

    @classmethod
    def learn(cls, columns: Columns, column: str, features: int, seed: int) -> Topics:
        """Words of at least three rows; fewer directions where there are few words."""
        from sklearn.decomposition import TruncatedSVD

        texts = columns.texts(column).fill_null("")
        found = _weighted(texts)
        if found is None:
            return cls(column, (), np.zeros(0), np.zeros((0, 0)))
        vectors, words, weights = found
        count = min(features, len(words) - 1, vectors.shape[0] - 1)
        directions = TruncatedSVD(count, random_state=seed).fit(vectors).components_.T if count > 0 else np.zeros((len(words), 0))
        return cls(column, words, weights, np.ascontiguousarray(directions))


def _weighted(texts: pl.Series) -> tuple[Any, tuple[str, ...], NDArray[np.float64]] | None:
    """Weighted words of each text, the words and their weights; None where no word is common enough."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(ngram_range=(1, 2), min_df=_LEAST_ROWS, max_features=_MOST_WORDS, token_pattern=_WORD)
    try:
        vectors = words.fit_transform(texts.to_list())
    except ValueError:  # no word is in enough rows
        return None
    return vectors, tuple(str(word) for word in words.get_feature_names_out()), np.asarray(words.idf_, np.float64)
