"""The model that is released: an index over the documents, how it is searched, and what answers from what is found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from sevenstep.errors import InputError
from sevenstep.tasks.answers import RANKED, Answer
from sevenstep.tasks.contract import Explanation, Fitted
from sevenstep.tasks.rag.answerers import KeptAnswerer, load_answerer, parts_of, save_answerer
from sevenstep.tasks.rag.answering.sharing import LOOKED_AT, capped
from sevenstep.tasks.rag.explaining import explained
from sevenstep.tasks.rag.found import Passage
from sevenstep.tasks.rag.hindsight import judged
from sevenstep.tasks.rag.laying import metrics_of
from sevenstep.tasks.rag.questions import traits
from sevenstep.tasks.rag.refreshing import refreshed
from sevenstep.tasks.rag.retrieval.finder import Finder
from sevenstep.tasks.rag.retrieval.fitted import FittedRetriever
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.seeing import Views
from sevenstep.tasks.rag.told import answers_frame, whole_parts
from sevenstep.tasks.scoretable import ScoreTable

if TYPE_CHECKING:
    from sevenstep.data.dataset import Dataset
    from sevenstep.spec.brief import Brief

__all__ = ["RagModel"]

_SPARE = 4  # chunks looked at for each document that is to be ranked
_RANKS, _READS, _INDEX, _ANSWERER = "ranks", "reads", "index", "answerer"


@dataclass(frozen=True)
class RagModel:
    """Answers questions from documents. It is never changed: what is added makes a new one, requests under way keep theirs.

    Args:
        views: finds the documents of a ranking, among all or among those an asker with some tags may see.
        reading: finds the passages that answers are read from; the same, unless answers were learnt with another way to find.
        answerer: answers from passages.
        top: passages an answer is made from.
        share: how many of them may come from one source, see `capped`.
        measures: metrics of each target of the spec, the leading one first.
        language: of the documents, by whose rules answers are compared.
        waiting: questions whose answer was not known when the model was made: ``question_id`` and ``question``.
        access: tags of the asker that this model is for; None sees everything.
    """

    views: Views
    reading: Views
    answerer: KeptAnswerer
    top: int
    share: float
    measures: Mapping[str, Sequence[str]]
    language: str
    waiting: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"question_id": pl.String, "question": pl.String}))
    access: tuple[str, ...] | None = None

    @classmethod
    def of(cls, members: Mapping[str, Fitted], data: Dataset, brief: Brief) -> RagModel:
        """The model of one member for each target, over the documents of a data set."""
        measures = {target: metrics_of(brief, target) for target in brief.targets}
        return cls._made(members, data, measures, float(brief.section.source_share))

    @classmethod
    def _made(cls, members: Mapping[str, Fitted], data: Dataset, measures: Mapping[str, Sequence[str]], share: float) -> RagModel:
        parts = parts_of(members, data, share)
        views, reading = _views(parts.ranks, parts.reads, data.tables["documents"], data.tables["parts"])
        waiting = data.items.filter(pl.all_horizontal(pl.col(target).is_null() for target in measures))
        language = str(data.facts["language"]["value"])
        asked = waiting.select("question_id", "question")
        return cls(views, reading, parts.answerer, parts.top, parts.share, measures, language, asked)

    @property
    def index(self) -> CorpusIndex:
        """The index over all documents."""
        return self.views.index

    def input_schema(self) -> Mapping[str, str]:
        """A row to be answered has a question."""
        return {"question": "String"}

    def ask(self, question: str, access: Sequence[str] | None = None, count: int = RANKED) -> Answer:
        """The answer to a question; see `sevenstep.tasks.answers.Answers`."""
        passages, ranking, reader = self._found(question, access, count)
        if not _any_word(reader, question):
            return _nothing_known(passages, ranking)
        return replace(self.answerer.answer(question, passages), ranking=ranking)

    def streamed(self, question: str, access: Sequence[str] | None = None) -> Iterator[str | Answer]:
        """The same answer while it is written, where the answerer writes it bit by bit; else as one part."""
        passages, ranking, reader = self._found(question, access, RANKED)
        stream = getattr(self.answerer, "stream", None)
        if not _any_word(reader, question):
            yield _nothing_known(passages, ranking)
            return
        if stream is None:
            whole = self.answerer.answer(question, passages)
            if whole.text:
                yield whole.text
            yield replace(whole, ranking=ranking)
            return
        for part in stream(question, passages):
            yield replace(part, ranking=ranking) if isinstance(part, Answer) else part

    def read(self, question: str) -> tuple[Sequence[Passage], Finder]:
        """The passages an answer is made from, and what found them."""
        passages, _, finder = self._found(question, None, self.top)
        return passages, finder

    def _found(self, question: str, access: Sequence[str] | None, count: int) -> tuple[Sequence[Passage], Sequence[str], Finder]:
        """The passages to answer from, ids of ``count`` documents at most, best first, and what found the passages."""
        tags = self._tags(access)
        finder, reader = self.views.of(tags), self.reading.of(tags)
        corpus = finder.index.corpus
        several = len(corpus) > corpus.documents.height  # chunks of a document, which a ranking names once
        found = finder.ranked([question], None, max(_SPARE * count if several else count, LOOKED_AT))[0]
        chunks, scores = found if reader is finder else reader.ranked([question], None, LOOKED_AT)[0]
        pairs = zip(chunks.tolist(), scores.tolist(), strict=True)
        passages = capped((reader.index.corpus.passage(chunk, score) for chunk, score in pairs), self.top, self.share)
        owners = list(dict.fromkeys(corpus.owners[found[0]].tolist()))[:count]
        return passages, [corpus.ids[owner] for owner in owners], reader

    def _tags(self, access: Sequence[str] | None) -> Sequence[str] | None:
        if self.access is None or access is None:
            return self.access if access is None else access
        return [tag for tag in access if tag in self.access]

    def predict(self, rows: pl.DataFrame | None = None) -> pl.DataFrame:
        """Answers to the questions of ``rows``, or to those that waited for one when the model was made.

        Returns a row a question, in their order: ``question_id``, ``question``, ``prediction`` (the answer; empty where refused),
        ``confidence``, ``refused``, ``ranking`` (ids of documents, best first), ``citations`` and ``evidence``.

        Raises:
            InputError: ``PREDICT-NO-ROWS``, there is no question; ``PREDICT-INPUT``, the rows have no column ``question``;
                ``PREDICT-BLANK``, one of them is empty.
        """
        rows = self.waiting if rows is None else rows
        if rows.is_empty():
            rule, fix = "a question is answered", "give questions with --input, or ask one: sevenstep ask"
            raise InputError("PREDICT-NO-ROWS", "no question waits for an answer", rule, fix)
        if "question" not in rows.columns:
            rule = "a question stands in the column 'question'"
            raise InputError("PREDICT-INPUT", f"the rows have {', '.join(rows.columns[:8])}", rule, "name it so")
        questions = rows["question"].cast(pl.String)
        blank = questions.is_null() | (questions.str.strip_chars() == "")
        if blank.any():
            given = f"row {int(blank.arg_true()[0]) + 1} has no question"
            raise InputError("PREDICT-BLANK", given, "every row given is answered", "fill it in, or take the row out")
        names = rows["question_id"] if "question_id" in rows.columns else pl.Series(range(1, len(rows) + 1))
        asked = questions.to_list()
        return answers_frame(names.cast(pl.String).to_list(), asked, [self.ask(question) for question in asked])

    def refresh(self, rows: pl.DataFrame) -> RagModel:
        """The same model with documents added, changed and taken out, and newer questions waiting; nothing is learnt anew."""
        views, waiting = _refreshed(self.views, rows), self._newly_waiting(rows)
        if views is self.views:
            return self if waiting is self.waiting else replace(self, waiting=waiting)
        return replace(self, views=views, reading=self._beside(views, lambda: _refreshed(self.reading, rows)), waiting=waiting)

    def _beside(self, views: Views, other: Callable[[], Views]) -> Views:
        """What answers are read from, given what ranks documents now: over the same index where their layouts agree."""
        if self.reading is self.views:
            return views
        same = self.reading.retriever.layout == self.views.retriever.layout
        return Views(self.reading.retriever, views.index) if same else other()

    def _newly_waiting(self, rows: pl.DataFrame) -> pl.DataFrame:
        if not {"question_id", "question"} <= set(rows.columns):
            return self.waiting
        told = rows.filter(pl.col("question_id").is_not_null() & pl.col("question").is_not_null())
        new = told.select("question_id", "question").join(self.waiting, on="question_id", how="anti")
        return self.waiting if new.is_empty() else pl.concat([self.waiting, new])

    def with_documents(self, documents: pl.DataFrame, parts: pl.DataFrame | None = None) -> RagModel:
        """The tuned pipeline over other documents: weights and ranker stay, what is learnt on documents is learnt anew."""
        told = whole_parts(documents) if parts is None else parts
        ranks = self.views.retriever
        views, reading = _views(ranks, ranks if self.reading is self.views else self.reading.retriever, documents, told)
        return replace(self, views=views, reading=reading, waiting=self.waiting.clear())

    def within(self, access: Sequence[str]) -> RagModel:
        """The same model for an asker with these tags, and with no more than it had."""
        return replace(self, access=tuple(self._tags(access) or ()))

    def traits(self, questions: Sequence[str]) -> pl.DataFrame:
        """Questions as numbers; see `sevenstep.tasks.rag.questions.traits`."""
        return traits(self.index, questions)

    def outlook(self, leads: Sequence[int] = (), known: int = 0) -> pl.DataFrame:
        """Answers to the questions that wait, from what everybody may see; without time there are no newest ones."""
        nothing, lead = pl.lit(None, dtype=pl.Datetime("us")), pl.lit(None, dtype=pl.Int32)
        target = pl.lit(next(iter(self.measures), ""))
        made = self.within(()).predict()
        made = made.with_columns(nothing.alias("origin"), lead.alias("lead"), target.alias("target"))
        return made.with_columns(pl.lit(None, pl.Float64).alias("truth")) if known else made

    def judge(self, made: pl.DataFrame) -> ScoreTable:
        """What earlier answers came to; see `judged`."""
        return judged(made, self.measures, self.language)

    def relearnt(self, members: Mapping[str, Sequence[tuple[Fitted, float]]], data: Dataset) -> RagModel:
        """The same model with its members learnt anew from newer data, whose documents it answers from."""
        return RagModel._made({target: own[0][0] for target, own in members.items()}, data, self.measures, self.share)

    def recalibrated(self, calibration: Mapping[str, Mapping[str, Any]]) -> RagModel:
        """The same model: how sure an answer is was learnt with the answerer, from answers out of fold."""
        return self

    def explain(self, item: Mapping[str, Any]) -> Sequence[Explanation]:
        """Which words found the first passage, and which passages carried the answer; ``item`` has ``question``, or ``row``, the
        number of a question that waits.
        """
        return explained(item, self.waiting, self.read, self.answerer)

    def save(self, folder: Path) -> None:
        """Write the index, the retriever, the answerer, the questions that wait and ``model.json``."""
        for name, views in ((_RANKS, self.views), (_READS, self.reading)):
            if name == _RANKS or views is not self.views:
                (folder / name / _INDEX).mkdir(parents=True)
                views.retriever.save(folder / name)
                if name == _RANKS or views.index is not self.index:
                    views.index.save(folder / name / _INDEX)
        (folder / _ANSWERER).mkdir()
        save_answerer(self.answerer, folder / _ANSWERER)
        self.waiting.write_parquet(folder / "waiting.parquet")
        about = {"top": self.top, "share": self.share, "measures": self.measures, "language": self.language}
        (folder / "model.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> RagModel:
        """Read back what `save` wrote."""
        about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        views = Views(FittedRetriever.load(folder / _RANKS), CorpusIndex.load(folder / _RANKS / _INDEX))
        reading = _loaded(folder / _READS, views)
        answerer, waiting = load_answerer(folder / _ANSWERER), pl.read_parquet(folder / "waiting.parquet")
        return cls(views, reading, answerer, about["top"], about["share"], about["measures"], about["language"], waiting)


def _any_word(reader: Finder, question: str) -> bool:
    """Whether anything of a question is known; an embedding knows every question."""
    return reader.index.vectors is not None or len(reader.index.main.asked(question)) > 0


def _nothing_known(passages: Sequence[Passage], ranking: Sequence[str]) -> Answer:
    """What is found for a question without a known word is found by chance, and nothing is to be read from it."""
    return Answer("", refused="no document has a word of the question", evidence=tuple(passages), ranking=ranking)


def _views(ranks: FittedRetriever, reads: FittedRetriever, documents: pl.DataFrame, parts: pl.DataFrame) -> tuple[Views, Views]:
    """Both ways to find, over one index where their layouts agree."""
    views = Views(ranks, CorpusIndex.build(documents, parts, ranks.layout))
    if reads is ranks:
        return views, views
    same = reads.layout == ranks.layout
    return views, Views(reads, views.index if same else CorpusIndex.build(documents, parts, reads.layout))


def _refreshed(views: Views, rows: pl.DataFrame) -> Views:
    index = refreshed(views.index, rows)
    return views if index is views.index else Views(views.retriever, index)


def _loaded(folder: Path, views: Views) -> Views:
    """What answers are read from, as it was saved; what ranks documents where nothing was."""
    if not folder.is_dir():
        return views
    own = folder / _INDEX
    return Views(FittedRetriever.load(folder), CorpusIndex.load(own) if any(own.iterdir()) else views.index)
