"""Step 4 for models that write: base model, prompt, examples, order and temperature, compared and searched with the retrieval."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sevenstep.endpoints.endpoint import Endpoint
from sevenstep.spec.brief import Brief
from sevenstep.spec.design import Between, Try
from sevenstep.tasks.contract import Range
from sevenstep.tasks.rag.generating.prompts import PROMPTS
from sevenstep.tasks.rag.section import Generator

__all__ = ["estimated_usd", "ways_to_write"]

_LOCAL_SECONDS, _CALL_SECONDS = 5.0, 1.0  # for an answer; an endpoint is waited for, and computes elsewhere
_RULES_TOKENS, _QUESTION_TOKENS, _ANSWER_TOKENS = 150, 40, 40

Way = tuple[str, str, dict[str, Any], dict[str, Range], float]
"""Name, reason, parameters, what the search may change, seconds for an answer."""


def ways_to_write(brief: Brief) -> list[Way]:
    """A candidate for each model the spec names, each beginning with the plain prompt; the search turns the rest."""
    section = brief.section
    prompts = (*PROMPTS.values(), *section.prompts)
    examples, more_examples = _start(section.answer.examples)
    common: dict[str, Any] = {
        "prompt": PROMPTS["plain"], "context_tokens": section.answer.context_tokens, "examples": examples, "order": "best first",
    }  # fmt: skip
    space = {
        "prompt": Range(choices=prompts), "order": Range(choices=("best first", "best last")),
        **({"examples": more_examples} if more_examples else {}),
    }  # fmt: skip
    ways = [] if section.model is None else [_called(name, section.model, common, space) for name in _names(section.model)]
    if section.local is not None:
        reason = "the model in the folder writes what the passages say"
        ways.append((f"written by {Path(section.local).name}", reason, {**common, "model": section.local}, space, _LOCAL_SECONDS))
    return ways


def estimated_usd(brief: Brief, answers: int) -> float:
    """What so many answers may cost in US dollars: an estimate that errs upward, made before any call."""
    model = brief.section.model
    if model is None:
        return 0.0
    sent = brief.section.answer.context_tokens + _RULES_TOKENS + _QUESTION_TOKENS
    return answers * _endpoint(model).cost(sent, min(model.max_tokens, _ANSWER_TOKENS))


def _called(name: str, model: Generator, common: Mapping[str, Any], space: Mapping[str, Range]) -> Way:
    temperature, temperatures = _start(model.temperature)
    parameters = {
        **common, "model": name, "endpoint": _endpoint(model).to_json(), "temperature": temperature,
        "max_tokens": model.max_tokens,
    }  # fmt: skip
    more = {"temperature": temperatures} if temperatures else {}
    return f"written by {name}", "a model writes what the passages say", parameters, {**space, **more}, _CALL_SECONDS


def _endpoint(model: Generator) -> Endpoint:
    key = model.key.env if model.key else ""
    return Endpoint(model.endpoint, key, model.price.input, model.price.output, model.timeout.seconds)


def _names(model: Generator) -> list[str]:
    return [str(name) for name in model.name.values] if isinstance(model.name, Try) else [str(model.name)]


def _start(value: Any) -> tuple[Any, Range | None]:
    """Where a search begins, and its range; None where there is nothing to search."""
    if isinstance(value, Try):
        return value.values[0], Range(choices=tuple(value.values))
    if isinstance(value, Between):
        return value.range[0], Range(*value.range, value.log, value.integer)
    return value, None
