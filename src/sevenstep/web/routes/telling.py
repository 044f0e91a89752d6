"""What callers tell and ask beyond predictions: observations that arrived, why a prediction came out as it did, what would be."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sevenstep.errors import InputError, InputWarning
from sevenstep.live.observing import observe
from sevenstep.live.whatif import asked_if
from sevenstep.tasks.contract import Task
from sevenstep.web.draining import Drain
from sevenstep.web.logs import tell
from sevenstep.web.payloads import from_json, own_rows
from sevenstep.web.routes.scoring import read_body
from sevenstep.web.service import Service

__all__ = ["observed", "telling_routes"]


def telling_routes(service: Service) -> list[Route]:
    """``/v1/observations``, ``/v1/explain`` and ``/v1/whatif``."""
    drain = Drain(service.operation, lambda why: tell("record-behind", text=why))

    async def observations(request: Request) -> Response:
        body = from_json(await read_body(request.scope, request.receive))
        asked = own_rows(body, ())
        if not asked.rows or len(asked.rows) > service.settings.limits.rows:
            most = service.settings.limits.rows
            given, rule = f"the request has {len(asked.rows):,} rows", f"it has 1 to {most:,}"
            raise InputError("ROW-COUNT", given, rule, "send them in parts, or use sevenstep observe")
        _check_cells(asked.rows)
        source = body.get("source") or request.state.caller or "server"
        names = body.get("ids", [])
        told = await asyncio.to_thread(observed, service, drain, asked.rows, _text(source), _texts(names))
        return Response(orjson.dumps(told, default=str), 200, media_type="application/json")

    async def explain(request: Request) -> Response:
        body = from_json(await read_body(request.scope, request.receive))
        if not isinstance(body, dict) or not isinstance(body.get("item"), dict):
            rule = "the item to be explained stands under 'item', an object of columns and values"
            raise InputError("BODY-SHAPE", "the body has no 'item'", rule, 'for example {"item": {"row": 1}}')
        served = service.champion.served.seen_by(request.state.access)
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(service.thread, _explained, served.model, body["item"])
        return Response(
            orjson.dumps({"release": served.release.number, **found}, default=str, option=orjson.OPT_SERIALIZE_NUMPY),
            media_type="application/json",
        )

    async def whatif(request: Request) -> Response:
        question = _question(from_json(await read_body(request.scope, request.receive)))
        served, most = service.champion.served, service.settings.limits.rows
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(service.thread, _what_if, service.operation.task, served.model, question, most)
        return Response(orjson.dumps({"release": served.release.number, **found}, default=str), media_type="application/json")

    return [
        Route("/v1/observations", observations, methods=["POST"], name="observations"),
        Route("/v1/explain", explain, methods=["POST"], name="explain"),
        Route("/v1/whatif", whatif, methods=["POST"], name="whatif"),
    ]


def _check_cells(rows: Sequence[Mapping[str, Any]]) -> None:
    """Raise InputError where a cell is no single value."""
    for number, row in enumerate(rows, start=1):
        for name, value in row.items():
            if not name or isinstance(value, (list, dict)):
                given = f"'{name[:60]}' is a list or an object" if name else "a field has no name"
                fix, where = "write a number, a text, true or false", f"row {number}, field {name[:60]}"
                raise InputError("ROW-CELL", given, "what was observed is one value under a name", fix, where=where)


def observed(
    service: Service, drain: Drain, rows: Sequence[Mapping[str, Any]], source: str, ids: Sequence[str]
) -> Mapping[str, Any]:
    """Take rows in; the predictions they may be the truth of come into the ledger first."""
    drain.round()
    return observe(service.operation, rows, source, datetime.now(UTC), ids).to_json()


def _explained(model: Any, item: Mapping[str, Any]) -> Mapping[str, Any]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InputWarning)
        found = [asdict(one) for one in model.explain(item)]
    told = [str(warning.message) for warning in caught if issubclass(warning.category, InputWarning)]
    return {"explanations": found, "warnings": told}


@dataclass(frozen=True)
class _Question:
    """What is to be another, for which series, from when to when (None for no limit)."""

    changes: Mapping[str, Any]
    series: Mapping[str, Any]
    first: Any
    last: Any


def _question(body: Any) -> _Question:
    """A body as a question; raises InputError where it is none."""
    if not isinstance(body, dict) or not isinstance(body.get("set"), dict) or not isinstance(body.get("series", {}), dict):
        rule = "inputs to be changed stand under 'set', keys that choose series under 'series', each an object"
        given = "the body has no 'set', or a 'series' that is no object"
        raise InputError("BODY-SHAPE", given, rule, 'for example {"set": {"promotion": 1}}')
    changes, series, times = body["set"], body.get("series", {}), [body.get("from"), body.get("to")]
    for name, value in [*changes.items(), *series.items()]:
        if value is None or isinstance(value, (list, dict)):
            rule = "an input or a key has one value"
            raise InputError(
                "BODY-SHAPE", f"'{name[:60]}' is a list, an object or null", rule, "write a number, a text, true or false"
            )
    if any(one is not None and (isinstance(one, bool) or not isinstance(one, (str, int))) for one in times):
        raise InputError("BODY-SHAPE", "'from' or 'to' is no time", "a time is told as in the data", 'write "2024-05-31"')
    return _Question(changes, series, *times)


def _what_if(task: Task, model: Any, question: _Question, most: int) -> Mapping[str, Any]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InputWarning)
        found = asked_if(task, model, question.changes, question.series, question.first, question.last)
    if len(found.rows) > most:
        given, rule = f"the answer has {len(found.rows):,} rows", f"it has {most:,} at most"
        raise InputError("WHATIF-MOST", given, rule, "name fewer series, or a shorter time")
    doubts = dict.fromkeys(str(warning.message) for warning in caught if issubclass(warning.category, InputWarning))
    rows, totals = found.rows.to_dicts(), found.totals.to_dicts()
    return {"rows": rows, "totals": totals, "warnings": [*found.warnings, *doubts]}


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise InputError("BODY-SHAPE", "'source' is no short text", "it says who sends the rows", "write a name in quotes")
    return value


def _texts(value: Any) -> Sequence[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise InputError("BODY-SHAPE", "'ids' is no list of names", "it names the columns that name a row", 'write ["order"]')
    return value
