"""One way to look at chunks: a tokenizer, the terms it finds, and where they stand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sevenstep.tasks.rag.retrieval.postings import Codes, Postings, Vocabulary
from sevenstep.tasks.rag.text.tokens import Tokenizer, tokenizer_named

__all__ = ["View"]

AT_ONCE = 2_000


@dataclass(frozen=True)
class View:
    """Terms of texts by one tokenizer; made larger, never changed."""

    tokenizer: Tokenizer
    vocabulary: Vocabulary
    postings: Postings

    @classmethod
    def of(cls, tokenizer: str, texts: Sequence[str]) -> View:
        """Look at texts."""
        view = cls(tokenizer_named(tokenizer), Vocabulary(), Postings())
        codes = view.learn(texts)
        return cls(view.tokenizer, view.vocabulary, Postings.of(codes, len(view.vocabulary)))

    def learn(self, texts: Sequence[str]) -> list[Codes]:
        """Numbers of the terms of texts; new terms get the next ones. Terms are held as text for some texts at a time only."""
        parts = (texts[at : at + AT_ONCE] for at in range(0, len(texts), AT_ONCE))
        return [codes for part in parts for codes in self.vocabulary.learn(self.tokenizer.tokens(part))]

    def beside(self, texts: Sequence[str]) -> View:
        """The same tokenizer and terms over other texts."""
        codes = self.learn(texts)
        return View(self.tokenizer, self.vocabulary, Postings.of(codes, len(self.vocabulary)))

    def plus(self, texts: Sequence[str]) -> View:
        """These texts and others behind them."""
        codes = self.learn(texts)
        return View(self.tokenizer, self.vocabulary, self.postings.added(codes, len(self.vocabulary)))

    def kept(self, rows: NDArray[np.bool_]) -> View:
        """Only some of the texts."""
        return View(self.tokenizer, self.vocabulary, self.postings.kept(rows))

    def asked(self, question: str) -> Codes:
        """Numbers of a question's terms that are known, in order."""
        return self.vocabulary.known(self.tokenizer.tokens([question])[0])

    def save(self, folder: Path, name: str, *, terms: bool = True) -> None:
        """Write the counts, and the terms unless another view holds them."""
        self.postings.save(folder / f"{name}.npz")
        if terms:
            about = {"tokenizer": self.tokenizer.name, "terms": self.vocabulary.terms}
            (folder / f"{name}.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, name: str) -> View:
        """Read back what `save` wrote."""
        about = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        return cls(tokenizer_named(about["tokenizer"]), Vocabulary(about["terms"]), Postings.load(folder / f"{name}.npz"))

    def load_beside(self, folder: Path, name: str) -> View:
        """Read back a view that shares this one's terms."""
        return View(self.tokenizer, self.vocabulary, Postings.load(folder / f"{name}.npz"))
