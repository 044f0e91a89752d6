"""The application of one worker: its routes, its life, and the gate before them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sevenstep.errors import CollectedErrors, InputError, InternalError, SevenstepError
from sevenstep.web.gate import Gate
from sevenstep.web.openapi import described
from sevenstep.web.problems import Refusal, answer
from sevenstep.web.routes.asking import asking_routes
from sevenstep.web.routes.askpage import ask_page_routes
from sevenstep.web.routes.chat import chat_routes
from sevenstep.web.routes.health import health_routes
from sevenstep.web.routes.pages import page_routes
from sevenstep.web.routes.reading import reading_routes
from sevenstep.web.routes.scoring import scoring_routes
from sevenstep.web.routes.telling import telling_routes
from sevenstep.web.service import Service
from sevenstep.web.settings import Settings

__all__ = ["application", "make_app", "routed"]


def make_app(settings: Settings) -> ASGIApp:
    """The application of a worker; it opens the project when it starts, and lets go of it when it stops.

    Raises:
        InputError: the spec or the ledger is not as it must be.
    """
    return application(Service(settings))


def application(service: Service) -> ASGIApp:
    """The routes of a worker behind the gate."""
    app, settings = routed(service), service.settings
    gate = Gate(app, _direct(app), settings.limits, service.metrics, service.known_caller, tokens=settings.tokens)
    return ServerErrorMiddleware(gate, _unforeseen)


def _direct(app: FastAPI) -> dict[str, ASGIApp]:
    """The routes that predict, of which those with a name in their path are asked for too seldom to matter."""
    routes = (route for route in app.routes if isinstance(route, Route) and route.path in ("/v1/predict", "/invocations"))
    return {route.path: route.app for route in routes}


def routed(service: Service) -> FastAPI:
    """The routes of a worker, without the gate."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with service.open():
            yield

    app = FastAPI(
        lifespan=life, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False,
        exception_handlers=cast(Any, _HANDLERS),
    )  # fmt: skip
    app.router.routes[:] = [
        *scoring_routes(service), *telling_routes(service), *asking_routes(service), *chat_routes(service),
        *ask_page_routes(service),
    ]  # fmt: skip
    for router in (health_routes(service), reading_routes(service), page_routes(service)):
        app.router.routes += router.routes  # flat, so that one table of scopes can be held against them

    @app.get("/openapi.json", summary="This description", tags=["health"])
    def openapi() -> Response:
        return Response(orjson.dumps(described(app, service)), media_type="application/json")

    return app


async def _sevenstep_error(request: Request, error: SevenstepError) -> Response:
    return answer(error, request.url.path)


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    """A parameter of the address that is not as it must be."""
    found = [
        InputError("QUERY", f"'{fault['loc'][-1]}' is '{str(fault.get('input'))[:60]}'", fault["msg"], "see /openapi.json")
        for fault in error.errors()
    ]
    return answer(CollectedErrors(found), request.url.path)


async def _http_error(request: Request, error: HTTPException) -> Response:
    """What the router refuses: a method the path does not take."""
    fix = "the paths and their methods are in /openapi.json"
    given, rule = f"{request.method} {request.url.path[:80]}", str(error.detail)
    made = answer(Refusal(error.status_code, "SERVE-METHOD", given, rule, fix), request.url.path)
    made.headers.update(error.headers or {})
    return made


async def _unforeseen(request: Request, error: Exception) -> Response:
    given = f"{type(error).__name__} while answering request {request.state.request}"
    return answer(InternalError("SERVE-UNFORESEEN", given, "this is a failure of sevenstep", "see the log"), request.url.path)


_HANDLERS = {
    SevenstepError: _sevenstep_error,
    RequestValidationError: _invalid,
    HTTPException: _http_error,
    Exception: _unforeseen,
}
