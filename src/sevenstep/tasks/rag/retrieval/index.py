"""The index over a corpus: everything retrieval looks at that does not depend on a question.

An index is never changed. `CorpusIndex.added` and `CorpusIndex.without` give a new one that shares what stayed as it was, so it
can be searched by others while it grows. The latent space is learnt when the index is built; documents added later are placed
in it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.rag.retrieval.bm25 import Bm25
from sevenstep.tasks.rag.retrieval.corpus import Corpus
from sevenstep.tasks.rag.retrieval.latent import LatentSpace
from sevenstep.tasks.rag.retrieval.layout import Layout
from sevenstep.tasks.rag.retrieval.postings import Codes, Postings
from sevenstep.tasks.rag.retrieval.view import View
from sevenstep.tasks.rag.text.sentences import sentences

__all__ = ["CorpusIndex"]

_K1, _B = 1.2, 0.75  # weights of the counts the latent space is learnt from


@dataclass(frozen=True)
class Sentences:
    """Counts of the sentences of all chunks, by the terms of the main view, and the chunk each stands in."""

    postings: Postings
    holders: NDArray[np.int64]

    def kept(self, chunks: NDArray[np.bool_]) -> Sentences:
        """Only those of some of the chunks."""
        rows = chunks[self.holders]
        place = np.cumsum(chunks) - 1
        return Sentences(self.postings.kept(rows), place[self.holders[rows]])


@dataclass(frozen=True)
class CorpusIndex:
    """Documents laid out to be searched.

    Args:
        layout: how.
        corpus: documents and chunks.
        main: terms of each chunk with its document's title.
        titles: terms of each document's title, numbered as in ``main``.
        second: terms by the second tokenizer, where the layout has one.
        sentences: where the layout has them.
        latent: where the layout has dimensions for it.
        vectors: ``[chunk, dimension]`` of length 1 by the embedding model, where the layout names one.
    """

    layout: Layout
    corpus: Corpus
    main: View
    titles: View
    second: View | None = None
    sentences: Sentences | None = None
    latent: LatentSpace | None = None
    vectors: NDArray[np.float32] | None = None

    @classmethod
    def build(cls, documents: pl.DataFrame, parts: pl.DataFrame, layout: Layout) -> CorpusIndex:
        """Lay documents out.

        Args:
            documents: a row a document (`sevenstep.data.documents.tables.DOCUMENTS`).
            parts: which page and section lies where (`PARTS`).
            layout: how.

        Raises:
            InputError: ``RAG-TOKENIZER`` or ``RAG-KIWI``, a tokenizer is not there.
        """
        corpus = Corpus.of(documents, parts, layout.size, layout.overlap)
        main = View.of(layout.tokenizer, [])
        pieces = _pieces(corpus, split=layout.sentences)
        chunks, split = _coded(main, corpus, pieces, split=layout.sentences)
        main = replace(main, postings=Postings.of(chunks, len(main.vocabulary)))
        index = cls(layout, corpus, main, main.beside(corpus.titles), _second(layout, corpus), split)
        if layout.latent and len(corpus) > 1:
            index = replace(index, latent=index._learnt())
        return index if not layout.embedding else replace(index, vectors=_embedded(layout, corpus))

    def _learnt(self) -> LatentSpace:
        weigher = Bm25(self.main.postings, _K1, _B)
        found = LatentSpace.learnt(weigher.table(), weigher.idf, self.layout.latent)
        split = self.sentences
        titled = np.flatnonzero(self.titles.postings.lengths[self.corpus.owners] > 0)
        if not len(titled):
            return found
        lines, holders = (None, np.zeros(0, np.int64)) if split is None else (split.postings.table, split.holders)
        return found.with_maps(self.titles.postings.table, self.corpus.owners, lines, holders)

    def added(self, documents: pl.DataFrame, parts: pl.DataFrame) -> CorpusIndex:
        """The index with more documents; those whose id it has already are replaced."""
        base = self.without(documents["document_id"].to_list())
        more = Corpus.of(documents, parts, self.layout.size, self.layout.overlap)
        chunks, split = _coded(base.main, more, _pieces(more, split=self.layout.sentences), split=self.layout.sentences)
        width = len(base.main.vocabulary)
        main = replace(base.main, postings=base.main.postings.added(chunks, width))
        titles = base.titles.plus(more.titles)
        second = base.second.plus(_texts(more)) if base.second is not None else None
        counts = Postings.of(chunks, width).table
        return CorpusIndex(
            self.layout, base.corpus.plus(more), main, titles, second, _joined(base.sentences, split, len(base.corpus)),
            base.latent.plus(counts) if base.latent is not None else None,
            np.concatenate([base.vectors, _embedded(self.layout, more)]) if base.vectors is not None else None,
        )  # fmt: skip

    def without(self, ids: Collection[str]) -> CorpusIndex:
        """The index without some documents; ids it does not have are left alone."""
        gone = set(ids).intersection(self.corpus.ids)
        if not gone:
            return self
        corpus, chunks = self.corpus.without(gone)
        documents = np.array([ident not in gone for ident in self.corpus.ids])
        return CorpusIndex(
            self.layout, corpus, self.main.kept(chunks), self.titles.kept(documents),
            self.second.kept(chunks) if self.second is not None else None,
            self.sentences.kept(chunks) if self.sentences is not None else None,
            self.latent.kept(chunks) if self.latent is not None else None,
            self.vectors[chunks] if self.vectors is not None else None,
        )  # fmt: skip

    @cached_property
    def chunk_lengths(self) -> NDArray[np.float32]:
        """Terms in each chunk."""
        return self.main.postings.lengths

    def save(self, folder: Path) -> None:
        """Write plain files into the empty ``folder``."""
        self.corpus.save(folder)
        self.main.save(folder, "main")
        self.titles.save(folder, "titles", terms=False)
        if self.second is not None:
            self.second.save(folder, "second")
        if self.sentences is not None:
            self.sentences.postings.save(folder / "sentences.npz")
            np.save(folder / "holders.npy", self.sentences.holders)
        if self.latent is not None:
            self.latent.save(folder / "latent.npz")
        if self.vectors is not None:
            np.save(folder / "vectors.npy", self.vectors)
        (folder / "layout.json").write_text(json.dumps(self.layout.to_json()), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> CorpusIndex:
        """Read back what `save` wrote."""
        layout = Layout.of(json.loads((folder / "layout.json").read_text(encoding="utf-8")))
        main = View.load(folder, "main")
        split = folder / "sentences.npz"
        return cls(
            layout, Corpus.load(folder), main, main.load_beside(folder, "titles"),
            View.load(folder, "second") if (folder / "second.npz").exists() else None,
            Sentences(Postings.load(split), np.load(folder / "holders.npy", allow_pickle=False)) if split.exists() else None,
            LatentSpace.load(folder / "latent.npz") if (folder / "latent.npz").exists() else None,
            np.load(folder / "vectors.npy", allow_pickle=False) if (folder / "vectors.npy").exists() else None,
        )  # fmt: skip


def _texts(corpus: Corpus) -> list[str]:
    """Each chunk below its document's title."""
    titles = corpus.titles
    texts = zip(corpus.owners.tolist(), corpus.chunk_texts(), strict=True)
    return [f"{titles[owner]}\n{text}" if titles[owner] else text for owner, text in texts]


def _pieces(corpus: Corpus, *, split: bool) -> list[list[str]]:
    """For each chunk its title and its text, the text cut into sentences where they are looked at one by one."""
    titles = corpus.titles
    return [
        [titles[owner], *([text[start:end] for start, end in sentences(text)] if split else [text])]
        for owner, text in zip(corpus.owners.tolist(), corpus.chunk_texts(), strict=True)
    ]


def _coded(main: View, corpus: Corpus, pieces: list[list[str]], *, split: bool) -> tuple[list[Codes], Sentences | None]:
    """Terms of each chunk, and its sentences; every text is cut into terms once."""
    ends = np.cumsum([len(own) for own in pieces]) if pieces else np.zeros(0, np.int64)
    coded = main.learn([piece for own in pieces for piece in own])
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    chunks = [np.concatenate(coded[start:end]) for start, end in zip(starts, ends, strict=True)]
    if not split:
        return chunks, None
    holders = np.repeat(np.arange(len(corpus)), [len(own) for own in pieces])
    return chunks, Sentences(Postings.of(coded, len(main.vocabulary)), holders)


def _joined(first: Sentences | None, second: Sentences | None, chunks: int) -> Sentences | None:
    if first is None or second is None:
        return None
    segments = Postings((*first.postings.segments, *second.postings.segments)).compact()
    return Sentences(segments, np.concatenate([first.holders, second.holders + chunks]))


def _second(layout: Layout, corpus: Corpus) -> View | None:
    return View.of(layout.second, _texts(corpus)) if layout.second else None


def _embedded(layout: Layout, corpus: Corpus) -> NDArray[np.float32]:
    from sevenstep.tasks.rag.retrieval.embedding import embedder_of  # late: an extra

    return embedder_of(layout.embedding).documents(_texts(corpus))
