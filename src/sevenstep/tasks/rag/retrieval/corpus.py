"""The documents of an index and the chunks they are cut into, with what a reader is told of a chunk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.rag.found import Passage
from sevenstep.tasks.rag.retrieval.chunks import cut

__all__ = ["Corpus"]

_LISTS = {"texts", "titles", "ids", "sources", "trusts"}  # what is read off the table of documents, a value a document


@dataclass(frozen=True)
class Corpus:
    """Documents with their parts, cut into chunks.

    Args:
        documents: a row a document (`sevenstep.data.documents.tables.DOCUMENTS`).
        parts: which page and section lies where (`PARTS`).
        chunks: ``document`` (row of its document), ``start``, ``end``.
    """

    documents: pl.DataFrame
    parts: pl.DataFrame
    chunks: pl.DataFrame

    @classmethod
    def of(cls, documents: pl.DataFrame, parts: pl.DataFrame, size: int, overlap: float) -> Corpus:
        """Cut documents into chunks of at most ``size`` characters."""
        return cls(documents, parts, cut(documents["text"].to_list(), size, overlap))

    def __len__(self) -> int:
        return self.chunks.height

    def plus(self, other: Corpus) -> Corpus:
        """These and the documents of another, behind them."""
        moved = other.chunks.with_columns(pl.col("document") + pl.lit(self.documents.height, pl.UInt32))
        made = Corpus(
            pl.concat([self.documents, other.documents], how="diagonal_relaxed"),
            pl.concat([self.parts, other.parts], how="diagonal_relaxed"),
            pl.concat([self.chunks, moved]),
        )
        # What was read off the frames of this one is passed on, so that a document costs what it is, not what the corpus is.
        for name in _LISTS & self.__dict__.keys():
            made.__dict__[name] = [*getattr(self, name), *getattr(other, name)]
        if "_places" in self.__dict__:
            made.__dict__["_places"] = {**self._places, **other._places}
        return made

    def without(self, ids: Collection[str]) -> tuple[Corpus, NDArray[np.bool_]]:
        """The same without some documents, and which chunks are left."""
        kept = ~self.documents["document_id"].is_in(list(ids))
        place = (kept.cast(pl.UInt32).cum_sum() - 1).cast(pl.UInt32, strict=False)
        chunks = kept.gather(self.chunks["document"])
        left = self.chunks.filter(chunks).with_columns(place.gather(self.chunks["document"].filter(chunks)).alias("document"))
        parts = self.parts.filter(~pl.col("document_id").is_in(list(ids)))
        made, rows = Corpus(self.documents.filter(kept), parts, left), kept.to_list()
        for name in _LISTS & self.__dict__.keys():
            made.__dict__[name] = list(compress(getattr(self, name), rows))
        if "_places" in self.__dict__:
            made.__dict__["_places"] = {ident: own for ident, own in self._places.items() if ident not in ids}
        return made, chunks.to_numpy()

    @cached_property
    def texts(self) -> list[str]:
        """Text of each document."""
        return self.documents["text"].fill_null("").to_list()

    @cached_property
    def titles(self) -> list[str]:
        """Title of each document."""
        return self.documents["title"].fill_null("").to_list()

    @cached_property
    def ids(self) -> list[str]:
        """Id of each document."""
        return self.documents["document_id"].to_list()

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """Row of the document of each chunk."""
        return self.chunks["document"].cast(pl.Int64).to_numpy()

    @cached_property
    def _stretches(self) -> NDArray[np.int64]:
        """First character of each chunk in its document and the one behind its last, ``[chunk, 2]``."""
        return self.chunks.select("start", "end").cast(pl.Int64).to_numpy()

    def stretches(self, chunks: NDArray[np.int64]) -> list[tuple[int, int, int]]:
        """Of each chunk the row of its document and its offsets there."""
        ends = self._stretches[chunks].tolist()
        return [(owner, start, end) for owner, (start, end) in zip(self.owners[chunks].tolist(), ends, strict=True)]

    def chunk_texts(self) -> list[str]:
        """Text of each chunk, without its title."""
        texts, places = self.texts, zip(self.owners.tolist(), self._stretches.tolist(), strict=True)
        return [texts[owner][start:end] for owner, (start, end) in places]

    @cached_property
    def sources(self) -> list[str]:
        """File each document came from."""
        return self._told("source")

    @cached_property
    def trusts(self) -> list[str]:
        """Trust tag of each document."""
        return self._told("trust")

    def _told(self, name: str) -> list[str]:
        have = name in self.documents.columns
        return self.documents[name].fill_null("").to_list() if have else [""] * self.documents.height

    def passage(self, chunk: int, score: float) -> Passage:
        """A chunk as it is shown."""
        owner, (start, end) = int(self.owners[chunk]), self._stretches[chunk].tolist()
        ident, text = self.ids[owner], self.texts[owner][start:end]
        place, source, trust = self._place(ident, start), self.sources[owner], self.trusts[owner]
        return Passage(ident, self.titles[owner], text, start, end, score, source, place, trust)

    @cached_property
    def _places(self) -> Mapping[str, Sequence[tuple[int, str]]]:
        """For each document where a page or section begins, and how it is called; in order."""
        found: dict[str, list[tuple[int, str]]] = {}
        for ident, start, page, heading in self.parts.select("document_id", "start", "page", "heading").iter_rows():
            named = [f"page {page}"] if page is not None else []
            found.setdefault(ident, []).append((start, ", ".join([*named, heading] if heading else named)))
        return {ident: sorted(places) for ident, places in found.items()}

    def _place(self, ident: str, start: int) -> str:
        before = [place for at, place in self._places.get(ident, ()) if at <= start]
        return before[-1] if before else ""

    def seen_by(self, access: Sequence[str] | None) -> NDArray[np.bool_] | None:
        """Which chunks an asker with these tags may see; None where that is all of them."""
        if access is None or "access" not in self.documents.columns:
            return None
        tags = self.documents["access"]
        free = (tags.list.len().fill_null(0) == 0).to_numpy()
        if free.all():
            return None
        held = set(access)
        allowed = np.array([bool(free[row]) or bool(held.intersection(own or ())) for row, own in enumerate(tags.to_list())])
        return np.asarray(allowed[self.owners], dtype=np.bool_)

    def save(self, folder: Path) -> None:
        """Write three Parquet files."""
        for name in ("documents", "parts", "chunks"):
            getattr(self, name).write_parquet(folder / f"{name}.parquet", compression="zstd")

    @classmethod
    def load(cls, folder: Path) -> Corpus:
        """Read back what `save` wrote."""
        return cls(*(pl.read_parquet(folder / f"{name}.parquet") for name in ("documents", "parts", "chunks")))
