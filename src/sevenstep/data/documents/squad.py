"""The JSON form of SQuAD and KorQuAD: articles of paragraphs, each with its questions and where their answers begin.

A paragraph is a document, ``<article>#<number>``, and the article its title; questions of an article stay together.
Source: Rajpurkar et al. (2016), SQuAD: 100,000+ questions for machine comprehension of text; (2018) for questions that have no
answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sevenstep.data.documents.anchors import anchored
from sevenstep.data.locations import Place
from sevenstep.data.payload import read_bytes
from sevenstep.errors import InputError

__all__ = ["Squad", "is_squad", "read_squad"]


@dataclass
class Squad:
    """What such a file holds, in the columns of `tables`; ``lost`` counts answers that are not where they are said to be."""

    documents: list[dict[str, Any]] = field(default_factory=list)
    questions: list[dict[str, Any]] = field(default_factory=list)
    judgements: list[dict[str, Any]] = field(default_factory=list)
    lost: int = 0


def is_squad(value: Any) -> bool:
    """Whether a JSON value has the form of SQuAD: ``{"data": [{"paragraphs": [...]}]}``."""
    articles = value.get("data") if isinstance(value, Mapping) else None
    return (
        isinstance(articles, Sequence)
        and bool(articles)
        and all(isinstance(one, Mapping) and "paragraphs" in one for one in articles)
    )


def read_squad(places: Sequence[Place]) -> Squad:
    """Documents, questions and judgements of files in this form; answers may be missing, as in a file to be answered.

    Raises:
        InputError: ``DATA-SQUAD``, a file has another form.
    """
    found = Squad()
    for place in places:
        try:
            value = json.loads(read_bytes(place).decode("utf-8-sig"))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise _wrong(place, f"is no JSON ({error})") from error
        if not is_squad(value):
            raise _wrong(place, "has no list 'data' of articles with 'paragraphs'")
        for number, article in enumerate(value["data"], start=1):
            _add_article(found, article, f"{place.label}: article {number}", place)
    return found


def _wrong(place: Place, what: str) -> InputError:
    given, rule = f"'{place.label}' {what}", 'the form of SQuAD is {"data": [{"title", "paragraphs": [{"context", "qas"}]}]}'
    return InputError("DATA-SQUAD", given, rule, "export it again, or give documents and questions by themselves")


def _add_article(found: Squad, article: Mapping[str, Any], otherwise: str, place: Place) -> None:
    title = str(article.get("title") or otherwise)
    for number, paragraph in enumerate(article["paragraphs"], start=1):
        text = paragraph.get("context") if isinstance(paragraph, Mapping) else None
        if not isinstance(text, str):
            raise _wrong(place, f"has a paragraph without 'context' in '{title}'")
        ident = f"{title}#{number}"
        found.documents.append({"document_id": ident, "title": title, "text": text, "source": Path(place.label).name})
        for asked in paragraph.get("qas", ()):
            _add_question(found, asked, title, ident, text)


def _add_question(found: Squad, asked: Mapping[str, Any], title: str, document: str, text: str) -> None:
    held = asked.get("answers")
    answers = list(dict.fromkeys(str(answer["text"]) for answer in held or () if str(answer["text"]).strip()))
    known = bool(answers) or bool(asked.get("is_impossible"))
    question = {"question_id": str(asked["id"]), "question": str(asked["question"]), "group": title}
    found.questions.append({**question, "answers": answers if known else None})
    for start, end, answer in _stretches(held or (), text):
        found.lost += start is None
        place = {"question_id": question["question_id"], "document_id": document, "grade": 1.0}
        found.judgements.append({**place, "start": start, "end": end, "answer": answer})


def _stretches(held: Sequence[Mapping[str, Any]], text: str) -> Iterator[tuple[int | None, int | None, str]]:
    """Each stretch that is an answer once, where the text really has it."""
    seen = set()
    for answer in held:
        quote = str(answer["text"])
        place = anchored(text, quote, int(answer["answer_start"]) if "answer_start" in answer else None)
        if quote.strip() and (place, quote) not in seen:
            seen.add((place, quote))
            yield (*(place or (None, None)), quote)
