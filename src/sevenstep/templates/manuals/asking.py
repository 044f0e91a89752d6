"""Questions about the machines, in the words of the manual and in others, with their answers and where these stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sevenstep.templates.manuals.machines import Machine
from sevenstep.templates.manuals.pages import interval
from sevenstep.templates.manuals.words import Language, Word, topic
from sevenstep.templates.streams import Booleans, stream

__all__ = ["Asked", "questions_about"]

_NOT_TOLD = (
    Word("noise level", "소음 수준"), Word("warranty period", "보증 기간"), Word("list price", "정가"),
    Word("protection class", "보호 등급"), Word("energy use in standby", "대기 전력"),
)  # fmt: skip
"""What no manual tells of any machine."""


@dataclass(frozen=True)
class Asked:
    """A question: ``answers`` is empty where the documents hold none, ``quote`` the words of the document that answer it."""

    question: str
    answers: tuple[str, ...]
    kind: str
    language: Language
    machine: str
    quote: str = ""


def questions_about(machine: Machine, language: Language, seed: int, count: int) -> list[Asked]:
    """``count`` questions about one machine in one language, one in ten of them without an answer; drawn, in a fixed order."""
    rng = stream(seed, f"questions {machine.model} {language}")
    every = list(_all(machine, language, rng))
    chosen = np.sort(rng.choice(len(every), min(count, len(every)), replace=False))
    asked = [every[at] for at in chosen]
    if rng.random() < count / 10:
        asked.append(_unanswerable(machine, language, rng))
    return asked


def _all(machine: Machine, language: Language, rng: np.random.Generator) -> Iterator[Asked]:
    other = rng.random(64) < 0.4  # asked in other words than those of the manual
    makers = _english(machine, other) if language == "en" else _korean(machine, other)
    for question, answer, kind, quote in makers:
        yield Asked(question, (answer,), kind, language, machine.model, quote)


def _english(machine: Machine, other: Booleans) -> Iterator[tuple[str, str, str, str]]:
    model, kind = machine.model, machine.kind
    for figure, value in zip(kind.figures, machine.figures, strict=True):
        yield f"What is the {figure.name.en} of the {model}?", value, "figure", value
    for at, (part, value) in enumerate(zip(kind.fastenings, machine.torques, strict=True)):
        tight = f"How tight do the {part.en} of the {model} have to be?"
        yield tight if other[at] else f"What is the torque of the {part.en} of the {model}?", value, "torque", value
    for at, (one, hours) in enumerate(zip(kind.upkeep, machine.intervals, strict=True), start=10):
        said = interval(hours, "en")
        usual = f"How often is the {one.part.en} of the {model} {one.done.en}?"
        yield f"When do I have to {one.asked.en} of my {model} again?" if other[at] else usual, said, "interval", said
    for at, (code, fault) in enumerate(machine.codes, start=20):
        cause, remedy = kind.faults[fault]
        yield f"What does {code} on the {model} mean?", cause.en, "code", cause.en
        doing = f"My {model} has stopped with {code}, what now?"
        yield doing if other[at] else f"What is the remedy for error {code} of the {model}?", remedy.en, "remedy", remedy.en
    minutes = f"{machine.warm_up} minutes"
    yield f"How long must the {model} run without load before its first use?", minutes, "start-up", minutes


def _korean(machine: Machine, other: Booleans) -> Iterator[tuple[str, str, str, str]]:
    model, kind = machine.model, machine.kind
    for figure, value in zip(kind.figures, machine.figures, strict=True):
        yield f"{model}의 {topic(figure.name.ko)} 얼마인가?", value, "figure", value
    for at, (part, value) in enumerate(zip(kind.fastenings, machine.torques, strict=True)):
        tight = f"{model}의 {topic(part.ko)} 얼마나 세게 조여야 하나?"
        yield tight if other[at] else f"{model}의 {part.ko} 토크는 얼마인가?", value, "torque", value
    for at, (one, hours) in enumerate(zip(kind.upkeep, machine.intervals, strict=True), start=10):
        said = interval(hours, "ko")
        usual = f"{model}의 {one.part.ko} {one.done.ko} 주기는?"
        yield f"{model}에서 언제 다시 {one.asked.ko} 하나?" if other[at] else usual, said, "interval", said
    for at, (code, fault) in enumerate(machine.codes, start=20):
        cause, remedy = kind.faults[fault]
        yield f"{model}에서 {code} 코드는 무슨 뜻인가?", cause.ko, "code", cause.ko
        doing = f"{model}이(가) {code}을(를) 띄우고 멈추었다. 어떻게 하나?"
        yield doing if other[at] else f"{model}의 오류 {code}에 대한 조치는 무엇인가?", remedy.ko, "remedy", remedy.ko
    minutes = f"{machine.warm_up}분"
    yield f"{model} 처음 사용 전 무부하 운전 시간은?", minutes, "start-up", minutes


def _unanswerable(machine: Machine, language: Language, rng: np.random.Generator) -> Asked:
    what = _NOT_TOLD[int(rng.integers(len(_NOT_TOLD)))].of(language)
    question = f"What is the {what} of the {machine.model}?" if language == "en" else f"{machine.model}의 {topic(what)} 얼마인가?"
    return Asked(question, (), "unanswerable", language, machine.model)
