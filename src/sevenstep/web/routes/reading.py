"""What is known: forecasts as believed now or then, releases, KPIs, alarms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from sevenstep.errors import InputError
from sevenstep.web.knowledge import alarms_told, forecasts_told, kpis_told, releases_told
from sevenstep.web.service import Service

__all__ = ["reading_routes"]

_MOST = 10_000


def reading_routes(service: Service) -> APIRouter:
    """``/v1/forecasts``, ``/v1/releases``, ``/v1/kpis``, ``/v1/alarms``; each reads files or the ledger, in a thread."""
    router, operation = APIRouter(prefix="/v1", tags=["knowledge"]), service.operation

    @router.get("/forecasts", summary="Forecasts of a series, a segment, a date; as they stand, or as they stood at a past time")
    def forecasts(
        where: Annotated[
            Sequence[str], Query(description="a column and its value", examples=[["Store=12", "StateName=Bayern"]])
        ] = (),
        target_date: Annotated[str | None, Query(description="the time that is forecast", examples=["2015-07-01"])] = None,
        believed_at: Annotated[
            str | None, Query(description="by when it had been forecast", examples=["2015-06-23T09:00:00Z"])
        ] = None,
        most: Annotated[int, Query(description="rows to give at most", ge=1, le=_MOST)] = 1_000,
    ) -> Response:
        named = dict(_pair(text) for text in where)
        return _json(forecasts_told(operation, named, target_date, _moment(believed_at), most))

    @router.get("/releases", summary="All releases, the newest first")
    def releases() -> Response:
        return _json({"releases": releases_told(operation)})

    @router.get("/kpis", summary="Every KPI, as released and as it stands on live rows")
    def kpis() -> Response:
        return _json({"kpis": kpis_told(operation)})

    @router.get("/alarms", summary="Alarms that are not resolved")
    def alarms(resolved: Annotated[bool, Query(description="resolved ones too")] = False) -> Response:
        return _json({"alarms": alarms_told(operation, resolved=resolved)})

    return router


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        rule = "a column and its value are told as COLUMN=VALUE"
        raise InputError("FORECAST-WHERE", f"where '{text[:60]}'", rule, "write for example where=Store=12")
    return name, value


def _moment(text: str | None) -> datetime | None:
    """A moment; one without a zone is in UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        given = f"believed_at '{text[:60]}'"
        raise InputError("FORECAST-MOMENT", given, "a moment is ISO 8601", "write 2026-05-31T14:00:00Z") from None


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS), media_type="application/json")
