"""The answerer that quotes: the stretch of highest expected token F1, with the sentence it stands in as its citation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sevenstep.tasks.rag.answering.confidence import Confidence
from sevenstep.tasks.rag.answering.scorer import SpanScorer
from sevenstep.tasks.rag.data_only import data_only
from sevenstep.tasks.rag.found import Answer, Citation, Passage
from sevenstep.tasks.rag.text.sentences import sentences

__all__ = ["EXTRACTIVE", "ExtractiveAnswerer", "quoted_sentence", "refusal"]

EXTRACTIVE = "extractive"
_NOTHING = "nothing in the documents answers this"
_WEAK = "what the documents say is too weak an answer"


@dataclass(frozen=True)
class ExtractiveAnswerer:
    """Answers with a stretch of a passage; an `Answerer`.

    Args:
        scorer: what was learnt from answered questions.
        confidence: from its grade to the chance of being right, and when to refuse.
        style: the few words that answer, or the sentence they stand in.
    """

    scorer: SpanScorer
    confidence: Confidence = field(default_factory=Confidence)
    style: Literal["short", "sentence"] = "short"

    def answer(self, question: str, passages: Sequence[Passage]) -> Answer:
        """The best stretch, cited by its sentence; a refusal where it is too weak."""
        best = self.best(question, passages)
        if best is None:
            return refusal(_NOTHING, passages, EXTRACTIVE)
        passage, start, end, grade = best
        chance = self.confidence.chance(grade)
        if chance < self.confidence.threshold:
            return refusal(_WEAK, passages, EXTRACTIVE, chance)
        citation = quoted_sentence(passage, start, end)
        text = passage.text[start:end] if self.style == "short" else citation.quote
        return Answer(text, chance, (citation,), tuple(passages), model=EXTRACTIVE)

    def best(self, question: str, passages: Sequence[Passage]) -> tuple[Passage, int, int, float] | None:
        """The stretch of the highest grade: its passage, its offsets there and its grade; None where there is none.

        A sentence worded as an instruction to whoever reads it is no answer and is not looked at.
        """
        material = self.scorer.material(question, data_only(passages))
        if material is None:
            return None
        grades = self.scorer.grade(material)
        at = int(grades.argmax())
        return passages[material.passage[at]], int(material.starts[at]), int(material.ends[at]), float(grades[at])

    def save(self, folder: Path) -> None:
        """Write ``answerer.json`` and the files of the scorer."""
        about = {"confidence": self.confidence.to_json(), "style": self.style}
        (folder / "answerer.json").write_text(json.dumps(about), encoding="utf-8")
        self.scorer.save(folder)

    @classmethod
    def load(cls, folder: Path) -> ExtractiveAnswerer:
        """Read back what `save` wrote."""
        about = json.loads((folder / "answerer.json").read_text(encoding="utf-8"))
        return cls(SpanScorer.load(folder), Confidence.from_json(about["confidence"]), about["style"])


def refusal(reason: str, passages: Sequence[Passage], model: str, confidence: float | None = None) -> Answer:
    """No answer, with the reason and the passages that were looked at."""
    return Answer("", confidence, (), tuple(passages), reason, model)


def quoted_sentence(passage: Passage, start: int, end: int) -> Citation:
    """The sentences that hold ``text[start:end]`` of a passage, as a citation with offsets in the document."""
    around = [(a, b) for a, b in sentences(passage.text) if a < end and b > start]
    first, last = (min(around[0][0], start), max(around[-1][1], end)) if around else (start, end)
    quote = passage.text[first:last]
    return Citation(passage.document, passage.start + first, passage.start + last, quote, passage.title, passage.place)
