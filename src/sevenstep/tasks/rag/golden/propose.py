"""Proposals from a corpus: the same documents give the same ones, spread over documents and kinds, the surest first."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl

from sevenstep.data.documents.golden import Proposal
from sevenstep.tasks.rag.golden.cells import from_table
from sevenstep.tasks.rag.golden.made import Made
from sevenstep.tasks.rag.golden.wordings import from_sentence
from sevenstep.tasks.rag.instructions import instructions_in
from sevenstep.tasks.rag.text.sentences import sentences

__all__ = ["propose"]

_MOST_OF_ONE = 40  # proposals kept of one document before they are spread
_SECTION_CONFIDENCE, _SHORTEST, _LONGEST = 0.4, 20, 300


def propose(documents: pl.DataFrame, parts: pl.DataFrame, count: int, known: Iterable[Proposal] = ()) -> list[Proposal]:
    """At most ``count`` new proposals, in the order of the documents' turns and of how sure they are.

    Args:
        documents: in the columns of `sevenstep.data.documents.tables.DOCUMENTS`; those that nearly repeat another are left out.
        parts: in those of `PARTS`.
        count: how many.
        known: proposals there are already; none of them is made again.
    """
    seen = {one.id for one in known}
    own: dict[str, list[dict[str, object]]] = defaultdict(list)
    for part in parts.to_dicts():
        own[part["document_id"]].append(part)
    made: dict[str, list[Proposal]] = {}
    for row in documents.filter(pl.col("near").is_null()).to_dicts():
        found = sorted(_of_document(row, own[row["document_id"]]), key=lambda one: (-one.confidence, one.start))
        made[row["document_id"]] = _kinds_in_turns(found)[:_MOST_OF_ONE]
    clear = _unambiguous(made)
    return [one for one in _in_turns(clear) if one.id not in seen][:count]


def _kinds_in_turns(found: Sequence[Proposal]) -> list[Proposal]:
    """One of each kind, then the next of each, so that a long table leaves room for the rest."""
    turns: Counter[str] = Counter()
    placed = []
    for one in found:
        placed.append((turns[one.kind], one))
        turns[one.kind] += 1
    return [one for _, one in sorted(placed, key=lambda pair: (pair[0], -pair[1].confidence, pair[1].start))]


def _of_document(row: Mapping[str, str], parts: Sequence[Mapping[str, object]]) -> Iterator[Proposal]:
    text, title = row["text"], row["title"] or row["document_id"]
    asked: str | None = None
    for part in parts:
        start, end = int(str(part["start"])), int(str(part["end"]))
        piece = text[start:end]
        if instructions_in(piece):
            continue
        section = str(part["heading"] or "").rpartition(" > ")[2]
        if part["kind"] == "table":
            subject = f"{title}, {section}" if section and section != title else title
            for made in from_table(piece, subject, row["language"]):
                yield _proposal(made, row, start, _line_of(piece, made.start))
        elif part["kind"] == "heading":
            asked = piece if piece != title else None
        else:
            yield from _of_text(row, title, piece, start, asked)
            asked = None


def _of_text(row: Mapping[str, str], title: str, piece: str, start: int, heading: str | None) -> Iterator[Proposal]:
    for at, (first, last) in enumerate(sentences(piece)):
        sentence = piece[first:last]
        if not _SHORTEST <= len(sentence) <= _LONGEST:
            continue
        for made in from_sentence(sentence, row["language"]):
            told = Made(_within(made.question, title, row["language"]), made.start, made.end, made.kind, made.confidence)
            yield _proposal(told, row, start + first, sentence)
        if at == 0 and heading:
            question = _of_section(heading, title, row["language"])
            whole = Made(question, 0, len(sentence), "section", _SECTION_CONFIDENCE)
            yield _proposal(whole, row, start + first, sentence)


def _within(question: str, title: str, language: str) -> str:
    """A question that says which document it is about, as it would be asked of many."""
    if title.lower() in question.lower():
        return question
    return f"{title}: {question}" if language == "ko" else f"{question.removesuffix('?')}, according to {title}?"


def _of_section(heading: str, title: str, language: str) -> str:
    if heading.rstrip().endswith("?"):
        return heading.strip()
    if language == "ko":
        return f"{title}에서 '{heading}'에 대해 무엇이라고 하는가?"
    return f"What does {title} say about {heading.lower()}?"


def _line_of(table: str, at: int) -> str:
    first, last = table.rfind("\n", 0, at) + 1, table.find("\n", at)
    return table[first:] if last < 0 else table[first:last]


def _proposal(made: Made, row: Mapping[str, str], offset: int, quote: str) -> Proposal:
    text, document = row["text"], row["document_id"]
    start, end = offset + made.start, offset + made.end
    ident = hashlib.sha256(f"{document}\0{made.question}\0{text[start:end]}".encode()).hexdigest()
    return Proposal(
        f"g{ident[:10]}", "proposed", made.question, text[start:end], document, start, end, quote, made.kind, made.confidence
    )


def _unambiguous(made: Mapping[str, Sequence[Proposal]]) -> list[list[Proposal]]:
    """Without questions that are asked of several places with different answers, and with each question once."""
    answers: dict[str, set[str]] = defaultdict(set)
    for own in made.values():
        for one in own:
            answers[one.question].add(one.answer)
    first: set[str] = set()
    kept = []
    for own in made.values():
        clear = [one for one in own if len(answers[one.question]) == 1 and one.question not in first]
        distinct = list({one.question: one for one in clear}.values())
        first |= {one.question for one in distinct}
        kept.append(distinct)
    return kept


def _in_turns(lists: Sequence[Sequence[Proposal]]) -> Iterator[Proposal]:
    """The first of each document, then the second of each, and so on; within a turn the surest first."""
    for turn in range(max(map(len, lists), default=0)):
        yield from sorted(
            (own[turn] for own in lists if turn < len(own)), key=lambda one: (-one.confidence, one.document, one.start)
        )
