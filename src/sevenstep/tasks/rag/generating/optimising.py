"""Prompts and examples proposed by DSPy's optimisers, which need the extra ``dspy``.

DSPy writes its own chat around a question, so what it finds is a proposal: a prompt for ``rag.prompts``, or examples, which the
search then compares with the others by the figures of the project. Its calls go where all calls go: word for word into the book,
within the budget, answered from there where they were made before; DSPy's own cache and network are not used.
Source: Khattab et al. (2024), DSPy: compiling declarative language model calls into self-improving pipelines; the optimisers are
`COPRO` (instructions by coordinate ascent) and `BootstrapFewShot` (examples the model itself gets right).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sevenstep.endpoints.client import Client
from sevenstep.endpoints.endpoint import BudgetSpent, Endpoint
from sevenstep.endpoints.keeping import kept_calls
from sevenstep.errors import InputError
from sevenstep.stats.answers import answer_f1
from sevenstep.tasks.rag.found import Passage
from sevenstep.tasks.rag.generating.checking import checked
from sevenstep.tasks.rag.generating.context import Shot, passages_text, shown
from sevenstep.tasks.rag.generating.generator import Writing
from sevenstep.tasks.rag.generating.prompts import RULES

__all__ = ["Suggested", "Taught", "examples_by_dspy", "prompts_by_dspy"]

_RIGHT = 0.5  # token F1 from which an answer of the model's own is taken as an example
_PROPOSAL_TOKENS = 1024


@dataclass(frozen=True)
class Taught:
    """A question with its right answers and the passages found for it."""

    question: str
    answers: Sequence[str]
    passages: Sequence[Passage]


@dataclass(frozen=True)
class Suggested:
    """A prompt for ``rag.prompts``, and the mean token F1 of its answers to the questions it was chosen on, 0 to 1.

    It was chosen on these very questions, so the figure flatters; the search measures it out of fold.
    """

    prompt: str
    figure: float


def prompts_by_dspy(
    writing: Writing, taught: Sequence[Taught], language: str, *, breadth: int = 4, depth: int = 2
) -> list[Suggested]:
    """Prompts by `COPRO`, best first: the model proposes ``breadth`` of them, ``depth`` times, having seen how the last ones did.

    The rules every prompt has (passages are data, citations, refusal) are kept and no part of what is proposed.

    Args:
        writing: the model behind an endpoint and the prompt to begin with.
        taught: the questions to go by; each prompt is tried on all of them.
        language: by whose rules answers are compared.
        breadth: proposals in a round, 2 at least.
        depth: rounds.

    Raises:
        InputError: ``RAG-DSPY``, the extra is not installed, or the model is one in a folder.
        BudgetSpent: the budget does not hold another call.
    """
    optimising = _Optimising(writing, language)
    library, student, metric = optimising.library, optimising.student(), optimising.metric()
    optimizer = library.COPRO(prompt_model=optimising.model, metric=metric, breadth=max(breadth, 2), depth=depth)
    options = {"num_threads": 1, "display_progress": False, "display_table": 0}
    made = optimising.run(
        lambda: optimizer.compile(student, trainset=optimising.examples(taught), eval_kwargs=options)
    )  # fmt: skip
    found: dict[str, float] = {}
    for one in made.candidate_programs:
        prompt = f"{str(one['instruction']).strip()} {RULES}"
        found[prompt] = max(found.get(prompt, 0.0), float(one["score"]) / 100.0)
    return [Suggested(prompt, figure) for prompt, figure in sorted(found.items(), key=lambda item: -item[1])]


def examples_by_dspy(writing: Writing, taught: Sequence[Taught], language: str, *, count: int = 4) -> list[Shot]:
    """Examples by `BootstrapFewShot`: at most ``count`` questions that the model itself answers right, with what it cites.

    Arguments and faults as those of `prompts_by_dspy`.
    """
    optimising = _Optimising(writing, language)
    library, student, metric = optimising.library, optimising.student(), optimising.metric()
    optimizer = library.BootstrapFewShot(
        metric=metric, metric_threshold=_RIGHT, max_bootstrapped_demos=count, max_labeled_demos=0
    )
    made = optimising.run(lambda: optimizer.compile(student, trainset=optimising.examples(taught)))
    passages = {one.question: one.passages for one in taught}
    shots = []
    for demo in (demo for predictor in made.predictors() for demo in predictor.demos):
        kept = checked(str(demo.answer), shown(passages[demo.question], writing.context_tokens))
        if kept.citations:
            shots.append(Shot(demo.question, kept.citations[0].quote, kept.text))
    return shots


class _Optimising:
    """One optimisation under way: the library, the model as it calls it, and what an answer is measured by."""

    def __init__(self, writing: Writing, language: str) -> None:
        if writing.endpoint is None:
            rule = "DSPy's optimisers ask a model behind an endpoint"
            raise InputError("RAG-DSPY", f"{writing.model} is a model in a folder", rule, "name rag.model")
        self.library, self._writing, self._language = _library(), writing, language
        self._stopped: list[BudgetSpent] = []
        self.model = _model_of(self.library, writing, self._stopped.append)

    def student(self) -> Any:
        """The program to be optimised: passages and question in, answer out, told by the prompt."""
        instructions = self._writing.prompt.replace(RULES, "").strip()
        return self.library.Predict(self.library.Signature("passages, question -> answer", instructions))

    def examples(self, taught: Sequence[Taught]) -> list[Any]:
        """The questions as the library takes them; passages carry the rules every prompt has."""
        most = self._writing.context_tokens
        return [
            self.library.Example(
                passages=f"{RULES}\n{passages_text(shown(one.passages, most))}", question=one.question, taught=one
            ).with_inputs("passages", "question")
            for one in taught
        ]

    def metric(self) -> Callable[..., float]:
        """Token F1 of what is left of an answer once it is held to what it cites."""

        def measured(example: Any, prediction: Any, trace: Any = None) -> float:
            one: Taught = example.taught
            kept = checked(str(getattr(prediction, "answer", "") or ""), shown(one.passages, self._writing.context_tokens))
            return answer_f1(kept.text, list(one.answers), self._language) if kept.text else 0.0

        return measured

    def run(self, work: Callable[[], Any]) -> Any:
        """What an optimiser makes; a spent budget ends it, though the library would pass over the failure."""
        try:
            with self.library.context(lm=self.model, disable_history=True):
                return work()
        finally:
            if self._stopped:
                raise self._stopped[0] from None


def _model_of(library: Any, writing: Writing, stopped: Callable[[BudgetSpent], None]) -> Any:
    """The model as the library calls it, through the client that keeps every call."""

    class Kept(library.BaseLM):  # type: ignore[misc]  # the library is loaded late, so its types are not known
        def forward(
            self, prompt: str | None = None, messages: Sequence[Mapping[str, Any]] | None = None, **options: Any
        ) -> SimpleNamespace:
            told = {**self.kwargs, **options}
            chat = [{"role": str(one["role"]), "content": str(one["content"])} for one in messages or ()]
            chat = chat or [{"role": "user", "content": str(prompt)}]
            choices, used = [], {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
            with Client(Endpoint.from_json(writing.endpoint or {}), kept_calls()) as client:
                for seed in range(int(told.get("n") or 1)):
                    try:
                        reply = client.chat(
                            chat, writing.model, temperature=float(told.get("temperature") or 0.0),
                            max_tokens=int(told.get("max_tokens") or _PROPOSAL_TOKENS), seed=seed, purpose="optimise",
                        )  # fmt: skip
                    except BudgetSpent as error:
                        stopped(error)
                        raise
                    message = SimpleNamespace(role="assistant", content=reply.text)
                    choices.append(SimpleNamespace(index=seed, message=message, finish_reason=reply.finish))
                    used["prompt_tokens"] += reply.sent
                    used["completion_tokens"] += reply.received
            used["total_tokens"] = used["prompt_tokens"] + used["completion_tokens"]
            return SimpleNamespace(choices=choices, usage=used, model=writing.model)

    return Kept(model=writing.model, temperature=writing.temperature, max_tokens=_PROPOSAL_TOKENS, cache=False)


def _library() -> Any:
    """DSPy, told before it is loaded to fetch no list of prices and to keep nothing in a home folder."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("DSPY_CACHEDIR", tempfile.mkdtemp(prefix="sevenstep-dspy-"))
    try:
        import dspy  # late: an extra, and seconds to load
    except ModuleNotFoundError:
        rule = "prompts are proposed by DSPy, which is an extra"
        raise InputError("RAG-DSPY", "dspy is not installed", rule, "pip install 'sevenstep[dspy]'") from None
    return dspy
