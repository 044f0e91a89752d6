"""Questions answered by the model that serves: who may see which documents, answers as they are written, each one recorded.

Answering has threads of its own: an answer that is generated elsewhere takes seconds, in which predictions and the taking in of
new documents go on. A question is answered by the model that served when it came, whatever is exchanged meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sevenstep.errors import InputError, SevenstepError
from sevenstep.tasks.answers import RANKED, Answer, Answers
from sevenstep.web.recording import Recorder, record_line
from sevenstep.web.served import Served

__all__ = ["THREADS", "Asked", "Asking", "Question", "allowed", "answering"]

THREADS = 8  # questions a worker answers at a time
_LONGEST = 8_000  # characters of a question


@dataclass(frozen=True)
class Question:
    """A question as it came.

    Args:
        text: what is asked.
        access: tags of documents the asker may see; None where that is everything.
        count: documents the ranking names at most.
        request: id of the request.
        route: path it came by.
        caller: label of the token.
    """

    text: str
    access: tuple[str, ...] | None
    count: int
    request: str
    route: str
    caller: str

    @classmethod
    def of(cls, text: Any, state: Mapping[str, Any], route: str, access: Any = None, count: Any = RANKED) -> Question:
        """A question of a request, its fields checked.

        Raises:
            InputError: ``ASK-QUESTION``, it is no text, empty or too long; ``ASK-COUNT``, ``ASK-ACCESS``.
        """
        if not isinstance(text, str) or not text.strip():
            raise InputError("ASK-QUESTION", "there is no question", "a question is a text", 'write {"question": "..."}')
        if len(text) > _LONGEST:
            given, rule = f"the question has {len(text):,} characters", f"a question has at most {_LONGEST:,}"
            raise InputError("ASK-QUESTION", given, rule, "ask for one thing at a time")
        if type(count) is not int or not 1 <= count <= RANKED:
            raise InputError("ASK-COUNT", f"count is {count!r:.40}", f"a ranking names 1 to {RANKED} documents", "write a number")
        tags = allowed(state.get("access"), access)
        return cls(text.strip(), tags, count, str(state["request"]), route, str(state.get("caller", "")))


def allowed(held: Sequence[str] | None, wanted: Any) -> tuple[str, ...] | None:
    """The tags an asker may use: those the token holds (None: every one), of which a request may name some and never more.

    Raises:
        InputError: ``ASK-ACCESS``, ``wanted`` is no list of texts.
    """
    if wanted is None:
        return None if held is None else tuple(held)
    if not isinstance(wanted, list) or not all(isinstance(tag, str) for tag in wanted):
        rule = "access lists the tags of documents to look into"
        raise InputError("ASK-ACCESS", "'access' is no list of texts", rule, 'write ["sales"]', where="access")
    return tuple(wanted if held is None else (tag for tag in wanted if tag in held))


def answering(served: Served) -> Answers:
    """The model that serves as one that answers questions; raises InputError ``ASK-NONE`` where it does not."""
    if not isinstance(served.model, Answers):
        rule = "questions are answered by a model that finds them in documents"
        raise InputError("ASK-NONE", "the model that serves answers no questions", rule, "ask /v1/predict")
    return served.model


@dataclass(frozen=True)
class Asked:
    """An answer that was recorded: its id, by which feedback names it, and the release that gave it."""

    prediction_id: str
    release: int
    answer: Answer


class Asking:
    """Answers questions and records them.

    Args:
        threads: where answers are made.
        recorder: writes the record of each; what cannot be recorded is not answered.
        counted: called after each answer.
    """

    def __init__(self, threads: Executor, recorder: Recorder, counted: Callable[[], None]) -> None:
        self._threads, self._recorder, self._counted = threads, recorder, counted

    async def ask(self, served: Served, question: Question) -> Asked:
        """The whole answer; raises what the model or the recording raises."""
        model, started = answering(served), time.perf_counter()
        self._recorder.check()
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._threads, model.ask, question.text, question.access, question.count)
        return self._recorded(served, question, answer, started)

    async def stream(self, served: Served, question: Question) -> AsyncGenerator[str | Asked]:
        """Parts of the answer's text as they are written, then the whole of it.

        Where the asker goes away before the end, what was said until then is recorded as the answer.
        """
        model, started, said, done = answering(served), time.perf_counter(), list[str](), False
        self._recorder.check()
        loop, parts = asyncio.get_running_loop(), iter(model.streamed(question.text, question.access))
        try:
            while not done:
                part = await loop.run_in_executor(self._threads, _next, parts)
                if isinstance(part, Answer):
                    done = True
                    yield self._recorded(served, question, part, started)
                else:
                    said.append(part)
                    yield part
        finally:
            if not done and said:
                self._recorded(served, question, Answer("".join(said)), started, cut=True)

    def _recorded(self, served: Served, question: Question, answer: Answer, started: float, *, cut: bool = False) -> Asked:
        release, seconds = served.release.number, time.perf_counter() - started
        inputs = {"question": question.text, "access": None if question.access is None else list(question.access)}
        digest = hashlib.sha256(question.text.encode()).hexdigest()
        told = answer.to_json()
        places = [{name: value for name, value in one.items() if name != "text"} for one in told["evidence"]]
        row = {"prediction": told.pop("answer"), **told, "evidence": places, **({"cut": True} if cut else {})}
        line = record_line(
            question.request, datetime.now(UTC), question.route, question.caller, release, seconds, digest, [inputs], [row]
        )
        self._recorder.write(line)
        self._counted()
        return Asked(f"{question.request}-0", release, answer)


def _next(parts: Iterator[str | Answer]) -> str | Answer:
    """The next part; a stream that ends without the whole answer is a failure of the model."""
    found = next(parts, None)
    if found is None:
        rule = "a stream ends with the whole answer"
        raise SevenstepError("ASK-CUT", "the answer broke off", rule, "ask again")
    return found
