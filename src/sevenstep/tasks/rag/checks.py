"""What is wrong or odd with documents, questions and judgements, beyond what holds for any table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import polars as pl

from sevenstep.data.dataset import Dataset, Finding
from sevenstep.data.documents.language import language_of_text
from sevenstep.data.naming import listed
from sevenstep.spec.brief import Brief
from sevenstep.tasks.rag.grammar import ANSWER, PASSAGES
from sevenstep.tasks.rag.instructions import instructions_in
from sevenstep.tasks.rag.known import Known
from sevenstep.wording import counted, percent

__all__ = ["check"]

_SHORT = 20  # letters below which a document says next to nothing
_SPOKEN = 0.02  # share of the questions from which a language counts as one that is asked in
_WORD = re.compile(r"\w+")


def check(data: Dataset, brief: Brief) -> Sequence[Finding]:
    """See `Task.check`; shares are of the questions, or of the documents where the finding is about those."""
    known = Known(data)
    return [finding for one in _CHECKS for finding in one(known, brief.targets)]


def _found(code: str, severity: str, part: str, column: str, rows: int, of: int, text: str, fix: str = "") -> Finding:
    return Finding(code, severity, part, column, rows, rows / max(of, 1), text, fix)


def _unjudged(known: Known, targets: Sequence[str]) -> Iterator[Finding]:
    """Questions nothing is known of, for each target that is measured."""
    of = len(known.questions)
    if PASSAGES in targets:
        rows = of - len(known.judged) - sum(not question.relevant for question in known.unanswerable)
        if rows:
            text = f"{counted(rows, 'question')} without a document judged right: nothing can be measured on them"
            fix = "judge them, or accept proposals: sevenstep questions propose"
            yield _found("RAG-UNJUDGED", "warning", "complete", PASSAGES, rows, of, text, fix)
    if ANSWER in targets:
        rows = sum(question.answers is None for question in known.questions)
        if rows:
            text = f"{counted(rows, 'question')} without a known answer, and not known to have none"
            yield _found("RAG-UNANSWERED", "warning", "complete", ANSWER, rows, of, text, "add data.questions.answers")


def _without_refusal(known: Known, targets: Sequence[str]) -> Iterator[Finding]:
    if ANSWER in targets and known.answered and not known.unanswerable:
        text = "no question is known to have no answer, so when to refuse can only be learnt from answers that came out wrong"
        yield _found("RAG-NO-UNANSWERABLE", "info", "complete", ANSWER, 0, 1, text, "add some with an empty list of answers")


def _anchors(known: Known, targets: Sequence[str]) -> Iterator[Finding]:
    """Answers that do not stand where they are said to."""
    if ANSWER not in targets:
        return
    lost = known.judgements.filter(pl.col("answer").is_not_null() & pl.col("start").is_null())["question_id"].n_unique()
    if lost:
        text = f"the answer of {counted(lost, 'question')} does not stand in the document judged right"
        fix = "mend the answer or the judgement; an answer is quoted from the text"
        yield _found("RAG-ANCHOR", "warning", "valid", "answers", lost, len(known.questions), text, fix)


def _elsewhere(known: Known, targets: Sequence[str]) -> Iterator[Finding]:
    """Known answers that stand in no document judged right, so that no quote can be the answer."""
    if ANSWER not in targets:
        return
    both = [question for question in known.answered if question.relevant]
    texts = {ident: _plain(text) for ident, text in known.texts.items()}
    rows = sum(not any(_plain(answer) in texts[ident] for answer in one.answers or () for ident in one.relevant) for one in both)
    if rows:
        text = f"of {counted(rows, 'question')} no known answer stands word for word in a document judged right"
        yield _found("RAG-NOT-QUOTED", "info", "consistent", "answers", rows, len(both), text, "such answers cannot be quotes")


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


def _repeats(known: Known, targets: Sequence[str]) -> Iterator[Finding]:
    """Documents that nearly repeat others, and questions asked twice."""
    near = known.documents.filter(pl.col("near").is_not_null())
    if near.height:
        named = listed(near["document_id"].to_list(), 3)
        text = f"{counted(near.height, 'document')} nearly repeat another, newer or earlier one, such as {named}"
        fix = "leave out what is superseded; until then a passage and its twin take two places of a ranking"
        yield _found("RAG-NEAR", "warning", "unique", "near", near.height, known.documents.height, text, fix)
    asked = Counter(_plain(question.text) for question in known.questions)
    rows = sum(count - 1 for count in asked.values())
    if rows:
        text = f"{counted(rows, 'question')} asked before in the same words"
        yield _found("RAG-ASKED-TWICE", "info", "unique", "question", rows, len(known.questions), text, "keep one of each")


def _languages(known: Known, targets: Sequence[str]) -> Iterator[Finding]:
    """Documents in a language in which nothing is asked."""
    asked: Counter[str] = Counter(language_of_text(question.text) for question in known.questions)
    spoken = {language for language, count in asked.items() if count >= _SPOKEN * len(known.questions)}
    spoken |= {str(known.data.facts["language"]["value"])}
    rows = known.documents.filter(~pl.col("language").is_in(sorted(spoken))).height
    if rows:
        found = known.documents["language"].value_counts(sort=True).rows()
        parts = ", ".join(f"{name} {percent(count / known.documents.height)}" for name, count in found)
        text = f"{counted(rows, 'document')} in a language in which nothing is asked ({listed(sorted(spoken))} is): {parts}"
        fix = "terms do not cross languages; an embedding that knows both does (rag.retrieve.embedding)"
        severity = "warning" if known.documents.height / 20 < rows < known.documents.height else "info"
        yield _found("RAG-LANGUAGES", severity, "consistent", "language", rows, known.documents.height, text, fix)


def _short(known: Known, targets: Sequence[str]) -> Iterator[Finding]:
    short = known.documents.filter(pl.col("text").str.replace_all(r"\W", "").str.len_chars() < _SHORT)
    if short.height:
        named = listed(short["document_id"].to_list(), 3)
        text = f"{counted(short.height, 'document')} of fewer than {_SHORT} letters, such as {named}"
        yield _found(
            "RAG-SHORT", "info", "complete", "text", short.height, known.documents.height, text, "check how they were read"
        )


def _instructions(known: Known, targets: Sequence[str]) -> Iterator[Finding]:
    """Documents that address whoever reads them as a machine."""
    rows = known.documents.select("document_id", "text").iter_rows()
    told = [ident for ident, text in rows if instructions_in(text)]
    if told:
        text = (
            f"{counted(len(told), 'document')} worded as instructions to a machine, which are never followed: {listed(told, 3)}"
        )
        fix = "read them, and tag what is not to be trusted (data.documents.trust)"
        yield _found("RAG-INSTRUCTIONS", "warning", "valid", "text", len(told), known.documents.height, text, fix)


_CHECKS: tuple[Callable[[Known, Sequence[str]], Iterator[Finding]], ...] = (
    _unjudged, _without_refusal, _anchors, _elsewhere, _repeats, _languages, _short, _instructions,
)  # fmt: skip
