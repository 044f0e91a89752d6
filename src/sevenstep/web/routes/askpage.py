"""The page on which a person asks, and says whether the answer helped. No script: a question is a form, its answer a page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sevenstep.errors import InputError
from sevenstep.live.arriving import PREDICTION_ID
from sevenstep.tasks.answers import Citation, Passage
from sevenstep.web.asking import Asked, Question, answering
from sevenstep.web.draining import Drain
from sevenstep.web.logs import tell
from sevenstep.web.routes.pages import environment, page_words, policy
from sevenstep.web.routes.telling import observed
from sevenstep.web.service import Service
from sevenstep.wording import percent

__all__ = ["ask_page_routes"]

_SHOWN = 5  # passages shown behind an answer
_FORM = "application/x-www-form-urlencoded"
_FIELDS = 20  # of a form, at most


def ask_page_routes(service: Service) -> list[Route]:
    """``/ask`` and ``/ask/feedback``."""
    drain = Drain(service.operation, lambda why: tell("record-behind", text=why))

    async def ask(request: Request) -> Response:
        served = service.champion.served
        answering(served)
        if request.method != "POST":
            return _page(service)
        form = await _form(request)
        if not form.get("question", "").strip():
            return _page(service)
        question = Question.of(form["question"], request.scope["state"], "/ask")
        return _page(service, question, await service.asking.ask(served, question))

    async def feedback(request: Request) -> Response:
        form = await _form(request)
        if form.get("helpful") not in ("yes", "no") or not form.get(PREDICTION_ID):
            raise InputError("ASK-FEEDBACK", "the form says nothing", "an answer helped or did not", "use the page's buttons")
        said = {"helpful": form["helpful"] == "yes", "published": datetime.now(UTC).isoformat()}
        row = {PREDICTION_ID: form[PREDICTION_ID], **said}
        await asyncio.to_thread(observed, service, drain, [row], request.state.caller or "page", [])
        return _page(service, thanked=True)

    return [
        Route("/ask", ask, methods=["GET", "POST"], name="ask_page"),
        Route("/ask/feedback", feedback, methods=["POST"], name="ask_feedback"),
    ]


async def _form(request: Request) -> Mapping[str, str]:
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith(_FORM):
        raise InputError("BODY-TYPE", f"the content type is '{kind[:60]}'", "the page sends a form", "open /ask in a browser")
    body = (await request.body()).decode("utf-8", "replace")
    try:
        told = parse_qs(body, keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        given, rule = f"the form has more than {_FIELDS} fields", "the page's forms have a few"
        raise InputError("ASK-FORM", given, rule, "send the question alone") from None
    return {name: values[-1] for name, values in told.items()}


def _page(service: Service, question: Question | None = None, asked: Asked | None = None, *, thanked: bool = False) -> Response:
    answer = None if asked is None else asked.answer
    page = environment().get_template("ask.html.j2").render(
        **page_words(service),
        question="" if question is None else question.text,
        asked=asked,
        answer=answer,
        confidence="" if answer is None or answer.confidence is None else percent(answer.confidence),
        citations=[] if answer is None else [(_place(one), one) for one in answer.citations],
        evidence=[] if answer is None else [(_place(one), one.text) for one in answer.evidence[:_SHOWN]],
        thanked=thanked,
    )  # fmt: skip
    return HTMLResponse(page, headers=dict(policy("'self'")))


def _place(one: Citation | Passage) -> str:
    return ", ".join(part for part in (one.title or one.document, one.place) if part)
