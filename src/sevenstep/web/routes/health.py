"""Whether the server lives, whether it can predict, and its figures; also under the names that other protocols ask by."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

from sevenstep import __version__
from sevenstep.web.service import Service

__all__ = ["health_routes"]


def health_routes(service: Service) -> APIRouter:
    """``/health/*``, ``/metrics``, MLflow's ``/ping`` and ``/version``, and the health of the Open Inference Protocol."""
    router = APIRouter(tags=["health"])

    def state(name: str, *, well: bool) -> JSONResponse:
        return JSONResponse({name: well}, 200 if well else 503)

    @router.get("/health/live", summary="Whether the server answers")
    async def live() -> dict[str, Any]:
        return {"live": True}

    @router.get("/health/ready", summary="Whether there is a release to predict with")
    async def ready() -> Response:
        if not service.champion.ready:
            return state("ready", well=False)
        return JSONResponse({"ready": True, "release": service.champion.served.release.number})

    @router.get("/v2/health/live", summary="Open Inference Protocol: whether the server answers")
    async def inference_live() -> dict[str, Any]:
        return {"live": True}

    @router.get("/v2/health/ready", summary="Open Inference Protocol: whether all models are ready")
    async def inference_ready() -> Response:
        return state("ready", well=service.champion.ready)

    @router.get("/ping", summary="MLflow: whether the server can predict", response_class=PlainTextResponse)
    async def ping() -> Response:
        return PlainTextResponse("\n", 200 if service.champion.ready else 503)

    @router.get("/version", summary="MLflow: version of the server", response_class=PlainTextResponse)
    async def version() -> Response:
        return PlainTextResponse(__version__)

    @router.get("/metrics", summary="Figures for Prometheus", response_class=PlainTextResponse)
    def metrics() -> Response:
        return Response(service.metrics.exposed(), media_type=CONTENT_TYPE_LATEST)

    return router
