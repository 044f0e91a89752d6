"""A small model that answers questions by the words they share with documents, and a server of it within the test's process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import polars as pl
import uvicorn

from served_projects import served
from sevenstep.tasks.answers import RANKED, Answer, Citation, Passage
from sevenstep.web.app import application
from sevenstep.web.readers import Readers
from sevenstep.web.server import bound
from sevenstep.web.service import Service
from sevenstep.web.settings import Settings


@dataclass(frozen=True)
class Page:
    """A document: its id, text, and the tags of which an asker must hold one."""

    name: str
    text: str
    access: tuple[str, ...] = ()


PAGES = (
    Page("filter", "The filter is changed every 500 hours."),
    Page("pump", "The pump delivers 40 litres a minute."),
    Page("wages", "The wages of the night shift rise by 3 percent.", ("payroll",)),
)


@dataclass(frozen=True)
class WordModel:
    """Answers with the page that shares most words with the question; refuses where none shares three."""

    pages: Sequence[Page] = PAGES
    seen: tuple[str, ...] | None = None

    def ask(self, question: str, access: Sequence[str] | None = None, count: int = RANKED) -> Answer:
        tags = self.seen if access is None else tuple(access)
        shown = [page for page in self.pages if not page.access or tags is None or set(page.access) & set(tags)]
        words = set(question.lower().strip("?").split())
        scored = sorted(
            ((len(words & set(page.text.lower().strip(".").split())), page) for page in shown), key=lambda one: -one[0]
        )
        ranking = [page.name for _, page in scored][:count]
        evidence = [Passage(page.name, page.name, page.text, 0, len(page.text), float(score)) for score, page in scored[:2]]
        if not scored or scored[0][0] < 3:
            return Answer("", refused="no document says it", evidence=evidence, ranking=ranking, model="words")
        best = scored[0][1]
        cited = [Citation(best.name, 0, len(best.text), best.text, best.name.title(), "page 1")]
        return Answer(best.text, 0.8, cited, evidence, "", "words", ranking)

    def streamed(self, question: str, access: Sequence[str] | None = None) -> Iterator[str | Answer]:
        whole = self.ask(question, access)
        for word in whole.text.split(" "):
            if word:
                yield word if whole.text.startswith(word) else f" {word}"
        yield whole

    def traits(self, questions: Sequence[str]) -> pl.DataFrame:
        known = {word for page in self.pages for word in page.text.lower().strip(".").split()}
        words = [question.lower().strip("?").split() for question in questions]
        new = [sum(word not in known for word in own) / max(len(own), 1) for own in words]
        return pl.DataFrame({"words": [float(len(own)) for own in words], "new words": new})

    def within(self, access: Sequence[str]) -> WordModel:
        return replace(self, seen=tuple(access))

    def with_documents(self, documents: pl.DataFrame, parts: pl.DataFrame | None = None) -> WordModel:
        rows = documents.select("document_id", "text", "access").iter_rows()
        return replace(self, pages=[Page(name, text, tuple(tags)) for name, text, tags in rows])

    def input_schema(self) -> Mapping[str, str]:
        return {"question": "String"}

    def predict(self, rows: pl.DataFrame | None = None) -> pl.DataFrame:
        asked = [] if rows is None else rows["question"].to_list()
        told = [self.ask(question) for question in asked]
        ranked = [answer.ranking for answer in told]
        return pl.DataFrame({"question": asked, "prediction": [answer.text for answer in told], "ranking": ranked})


@asynccontextmanager
async def asked(settings: Settings, model: Any = None) -> AsyncIterator[tuple[httpx.AsyncClient, Service]]:
    """A server whose release is loaded and whose model is the one given."""
    async with served(settings) as (client, service):
        answer_by(service, model or WordModel())
        yield client, service


def answer_by(service: Service, model: Any) -> None:
    """Let a model answer in place of the one that was loaded."""
    champion = service.champion
    champion._served = replace(champion.served, model=model, together=None, readers=Readers(model.input_schema(), None))


@contextmanager
def listening(settings: Settings, model: Any = None) -> Iterator[str]:
    """A server on loopback in a thread; its address."""
    service, socket = Service(settings), bound("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(application(service), log_level="error", lifespan="on"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([socket])), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{socket.getsockname()[1]}"
    try:
        for _ in range(200):
            if server.started:
                break
            threading.Event().wait(0.05)
        answer_by(service, model or WordModel())
        yield address
    finally:
        server.should_exit = True
        thread.join(20)
