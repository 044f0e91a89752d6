"""Questions proposed from the documents and what a person said of them: one JSON object a line, the person's to edit.

An accepted one counts as a question of the project. It is anchored by where its answer stands and by the words around it, so it
survives another cutting of the documents; where a document was edited it is found again by its words, and what is lost is told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from sevenstep.data.documents.anchors import anchored
from sevenstep.data.naming import did_you_mean
from sevenstep.errors import InputError

__all__ = ["GOLDEN", "Proposal", "State", "find_again", "golden_path", "read_golden", "render_golden"]

GOLDEN = "golden.jsonl"
"""Name of the file beside the spec, unless ``data.golden`` names another."""

State = Literal["proposed", "accepted", "rejected"]


@dataclass(frozen=True)
class Proposal:
    """A question proposed from a document.

    Args:
        id: ``g`` and digits of a hash of what it asks and where.
        state: what a person said of it.
        question: what is asked.
        answer: the words that answer it.
        document: id of the document.
        start: offset of the answer in the document's text.
        end: offset behind it.
        quote: the sentence or row the answer stands in.
        kind: what it was made from: ``definition``, ``figure``, ``section`` or ``table``.
        confidence: how sure the rule is that the question is sound, 0 to 1.
    """

    id: str
    state: State
    question: str
    answer: str
    document: str
    start: int
    end: int
    quote: str
    kind: str = ""
    confidence: float = 0.0


def golden_path(named: str | None, base: Path) -> Path:
    """Where the file is, whether it is there or not."""
    return base / (named or GOLDEN)


def read_golden(path: Path) -> list[Proposal]:
    """The proposals of a file, none where there is no file.

    Raises:
        InputError: ``GOLDEN-LINE``, a line is no proposal.
    """
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return [_proposal(line, path.name, number) for number, line in enumerate(lines, start=1) if line.strip()]


def _proposal(line: str, file: str, number: int) -> Proposal:
    try:
        held = json.loads(line)
        found = Proposal(**held)
    except (json.JSONDecodeError, TypeError) as error:
        fields = ", ".join(Proposal.__dataclass_fields__)
        given = f"line {number} of '{file}' is no proposal ({error})"
        raise InputError("GOLDEN-LINE", given, f"it is a JSON object of {fields}", "mend the line, or remove it") from error
    if found.state not in get_args(State):
        given, rule = f"line {number} of '{file}' has the state '{found.state}'", f"it is one of {', '.join(get_args(State))}"
        raise InputError("GOLDEN-LINE", given, rule, did_you_mean(str(found.state), get_args(State)))
    if not all(isinstance(cast(Any, getattr(found, name)), str) for name in ("id", "question", "answer", "document", "quote")):
        given = f"line {number} of '{file}' has something other than text where text belongs"
        raise InputError("GOLDEN-LINE", given, "id, question, answer, document and quote are texts", "put it in quotes")
    return found


def render_golden(proposals: Sequence[Proposal]) -> str:
    """The text of such a file."""
    return "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in proposals)


def find_again(proposal: Proposal, texts: Mapping[str, str]) -> tuple[int, int] | None:
    """Where the answer stands now: at its old place, or in its quote wherever that is; None where it is lost.

    ``texts`` are the documents' texts by id.
    """
    text = texts.get(proposal.document)
    if text is None:
        return None
    quote = anchored(text, proposal.quote, max(0, proposal.start - proposal.quote.find(proposal.answer)))
    if quote is None:
        return None
    within = anchored(text[quote[0] : quote[1]], proposal.answer, proposal.start - quote[0])
    return None if within is None else (quote[0] + within[0], quote[0] + within[1])
