"""The answerer that writes: a model behind an endpoint or in a folder, whose every sentence is held to what it cites."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from sevenstep.endpoints.client import Client, Reply
from sevenstep.endpoints.endpoint import Endpoint, EndpointFailed
from sevenstep.endpoints.keeping import kept_calls
from sevenstep.tasks.rag.answering.extractive import refusal
from sevenstep.tasks.rag.answering.material import Words
from sevenstep.tasks.rag.answering.relations import said_share
from sevenstep.tasks.rag.data_only import data_only
from sevenstep.tasks.rag.found import Answer, Passage
from sevenstep.tasks.rag.generating.checking import checked
from sevenstep.tasks.rag.generating.context import Order, Shot, chosen_shots, messages_of, shown
from sevenstep.tasks.rag.generating.local import LocalModel

__all__ = ["GENERATED", "GeneratingAnswerer", "Writing"]

GENERATED = "generated"
_WEAK = "the passages found say too little of the question"
_UNSUPPORTED = "what the model wrote does not stand in the passages it cites"
_SILENT = "the model says that the passages do not answer"
_FAILED = "the model did not answer"


class Writes(Protocol):
    """A model that continues a chat."""

    def chat(
        self, messages: Sequence[Mapping[str, str]], model: str, *, temperature: float, max_tokens: int, seed: int, purpose: str
    ) -> Reply:
        """What it says."""
        ...


@dataclass(frozen=True)
class Writing:
    """How a model is asked; JSON values alone.

    Args:
        model: its name, or its folder.
        prompt: what it is told first.
        endpoint: where it is called; None for a folder.
        temperature: how freely it writes.
        max_tokens: of an answer.
        context_tokens: of the passages shown.
        order: where the best passage stands.
        examples: how many answered questions are shown.
        least_said: share of the question that the passages have to say, else nothing is asked.
    """

    model: str
    prompt: str
    endpoint: Mapping[str, Any] | None = None
    temperature: float = 0.0
    max_tokens: int = 256
    context_tokens: int = 3000
    order: Order = "best first"
    examples: int = 0
    least_said: float = 0.15


@dataclass(frozen=True)
class GeneratingAnswerer:
    """Answers in a model's words, as far as they are supported; an `Answerer`.

    Args:
        writing: which model, and how it is asked.
        words: how much each word says, to tell weak evidence.
        language: of the documents.
        shots: answered questions examples are chosen from.
    """

    writing: Writing
    words: Words
    language: str
    shots: Sequence[Shot] = ()

    def answer(self, question: str, passages: Sequence[Passage]) -> Answer:
        """What the model writes, without what its citations do not say; a refusal where nothing is left or the call failed."""
        writing = self.writing
        used = shown(passages, writing.context_tokens)
        if not self._says_enough(question, used):
            return refusal(_WEAK, passages, writing.model)
        with self._opened() as model:
            try:
                reply = model.chat(
                    self.messages(question, used), writing.model, temperature=writing.temperature, max_tokens=writing.max_tokens,
                    seed=0, purpose="answer",
                )  # fmt: skip
            except EndpointFailed as error:
                return refusal(f"{_FAILED}: {error.given}", passages, writing.model)
        return self._held(reply, passages, used)

    def messages(self, question: str, passages: Sequence[Passage]) -> list[dict[str, str]]:
        """The chat that is sent, word for word."""
        shots = chosen_shots(question, self.shots, self.writing.examples, self.language == "ko")
        return messages_of(self.writing.prompt, question, passages, shots, self.writing.order)

    def stream(self, question: str, passages: Sequence[Passage]) -> Iterator[str | Answer]:
        """The supported sentences, and the whole answer last. Nothing is passed on before it was held to its citations."""
        answer = self.answer(question, passages)
        if answer.text:
            yield answer.text
        yield answer

    def _held(self, reply: Reply, passages: Sequence[Passage], used: Sequence[Passage]) -> Answer:
        kept = checked(reply.text, used)
        if not kept.text:
            made = refusal(_UNSUPPORTED if kept.removed else _SILENT, passages, self.writing.model)
            return Answer(**{**_fields(made), "usd": reply.usd})
        return Answer(kept.text, None, kept.citations, tuple(passages), model=self.writing.model, usd=reply.usd)

    def _says_enough(self, question: str, passages: Sequence[Passage]) -> bool:
        shares = [said_share(question, passage.text, self.language == "ko", self.words.weight) for passage in data_only(passages)]
        return max(shares, default=0.0) >= self.writing.least_said

    def _opened(self) -> Any:
        if self.writing.endpoint is None:
            return LocalModel.open(Path(self.writing.model))
        return Client(Endpoint.from_json(self.writing.endpoint), kept_calls())

    def save(self, folder: Path) -> None:
        """Write ``generator.json``; the key of an endpoint is no part of it."""
        about = {
            "writing": asdict(self.writing), "counts": dict(self.words.counts), "sentences": self.words.sentences,
            "language": self.language, "shots": [asdict(shot) for shot in self.shots],
        }  # fmt: skip
        (folder / "generator.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> GeneratingAnswerer:
        """Read back what `save` wrote."""
        about = json.loads((folder / "generator.json").read_text(encoding="utf-8"))
        words = Words(about["counts"], about["sentences"])
        return cls(Writing(**about["writing"]), words, about["language"], tuple(Shot(**shot) for shot in about["shots"]))


def _fields(answer: Answer) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in ("text", "confidence", "citations", "evidence", "refused", "model")}
