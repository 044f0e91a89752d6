"""The baseline: the sentence that says most of the question, whole, from the passage found first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sevenstep.tasks.rag.answering.extractive import refusal
from sevenstep.tasks.rag.answering.material import Words
from sevenstep.tasks.rag.answering.reading import grams, read
from sevenstep.tasks.rag.found import Answer, Citation, Passage
from sevenstep.tasks.rag.text.sentences import sentences

__all__ = ["BEST_SENTENCE", "BestSentence"]

BEST_SENTENCE = "best_sentence"


@dataclass(frozen=True)
class BestSentence:
    """Answers with the sentence of the first passage that shares most with the question; an `Answerer`. It learns word counts."""

    words: Words
    language: str

    def answer(self, question: str, passages: Sequence[Passage]) -> Answer:
        """The sentence, which is its own citation; a refusal where no passage was found."""
        places = sentences(passages[0].text) if passages else []
        if not places:
            return refusal("nothing in the documents answers this", passages, BEST_SENTENCE)
        passage, asked = passages[0], self._pairs(question)
        start, end = max(places, key=lambda place: self._shared(asked, passage.text[place[0] : place[1]]))
        quote = passage.text[start:end]
        citation = Citation(passage.document, passage.start + start, passage.start + end, quote, passage.title, passage.place)
        return Answer(quote, None, (citation,), tuple(passages), model=BEST_SENTENCE)

    def _pairs(self, text: str) -> dict[str, float]:
        """Pairs of letters of the words, each with the weight of the heaviest word it stands in."""
        found: dict[str, float] = {}
        for word in read(text, self.language == "ko").stems:
            for pair in grams(word) if word else ():
                found[pair] = max(found.get(pair, 0.0), self.words.weight(word) / len(grams(word)))
        return found

    def _shared(self, asked: dict[str, float], sentence: str) -> float:
        return sum(asked[pair] for pair in self._pairs(sentence).keys() & asked.keys())

    def save(self, folder: Path) -> None:
        """Write ``sentence.json``."""
        about = {"language": self.language, "sentences": self.words.sentences, "counts": dict(self.words.counts)}
        (folder / "sentence.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> BestSentence:
        """Read back what `save` wrote."""
        about = json.loads((folder / "sentence.json").read_text(encoding="utf-8"))
        return cls(Words(about["counts"], about["sentences"]), about["language"])
