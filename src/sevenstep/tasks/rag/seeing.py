"""What an asker may see: for each set of tags a finder over the documents they open, and over nothing else.

A document that is masked only when results are shown still weighs in how rare a word is, in what widens a question and in the
scale of scores. So the index itself is made without it: what is found is what would be found if the document were not there.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property

import polars as pl

from sevenstep.tasks.answers import DOCUMENT_ID
from sevenstep.tasks.rag.retrieval.finder import Finder
from sevenstep.tasks.rag.retrieval.fitted import FittedRetriever
from sevenstep.tasks.rag.retrieval.index import CorpusIndex

__all__ = ["Views"]

_KEPT = 8  # sets of tags whose finder is kept; each may take as much memory as the whole


class Views:
    """Finders over parts of one index, made when they are first asked for.

    Args:
        retriever: how is looked for.
        index: over all documents.
    """

    def __init__(self, retriever: FittedRetriever, index: CorpusIndex) -> None:
        self.retriever, self.index = retriever, index
        self.whole = retriever.on(index)
        self._made: OrderedDict[frozenset[str], Finder] = OrderedDict()
        self._one_at_a_time = threading.Lock()

    @cached_property
    def _tagged(self) -> list[tuple[str, frozenset[str]]]:
        """Documents that bear tags, with them."""
        documents = self.index.corpus.documents
        if "access" not in documents.columns:
            return []
        rows = documents.select(DOCUMENT_ID, "access").filter(pl.col("access").list.len() > 0).iter_rows()
        return [(ident, frozenset(tags)) for ident, tags in rows]

    def of(self, access: Sequence[str] | None) -> Finder:
        """The finder for an asker with these tags; None sees everything."""
        if access is None or not self._tagged:
            return self.whole
        known = frozenset[str]().union(*(tags for _, tags in self._tagged))
        held = known.intersection(access)
        with self._one_at_a_time:
            if held not in self._made:
                self._made[held] = self._without([ident for ident, tags in self._tagged if not tags & held])
                if len(self._made) > _KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end(held)
            return self._made[held]

    def _without(self, hidden: Sequence[str]) -> Finder:
        return self.retriever.on(self.index.without(hidden)) if hidden else self.whole
