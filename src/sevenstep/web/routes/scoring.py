"""Predictions in three shapes: our own, MLflow's scoring protocol, and the Open Inference Protocol v2.

These routes are plain ASGI applications: they are the ones asked thousands of times a second, and building a validated body model
of each request would take longer than the prediction. The readers of the model's schema check rows in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
import polars as pl
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sevenstep import __version__
from sevenstep.errors import InputError
from sevenstep.web.payloads import Asked, from_json, inference_rows, mlflow_rows, own_rows
from sevenstep.web.served import Served
from sevenstep.web.service import Predicted, Service

__all__ = ["read_body", "scoring_routes"]

Read = Callable[[Any, Sequence[str]], Asked]
Answered = Callable[[Predicted, Asked, str], Any]

_PLATFORM = "sevenstep"
_TENSORS: Sequence[tuple[type[pl.DataType], str]] = (
    (pl.Boolean, "BOOL"), (pl.Int8, "INT8"), (pl.Int16, "INT16"), (pl.Int32, "INT32"), (pl.Int64, "INT64"), (pl.UInt8, "UINT8"),
    (pl.UInt16, "UINT16"), (pl.UInt32, "UINT32"), (pl.UInt64, "UINT64"), (pl.Float32, "FP32"), (pl.Float64, "FP64"),
)  # fmt: skip


def scoring_routes(service: Service) -> list[Route]:
    """The routes that predict, and what their protocols ask for beside them."""
    name = service.operation.spec.name
    return [
        Route("/v1/predict", _Scoring(service, "/v1/predict", own_rows, _own), methods=["POST"], name="predict"),
        Route("/invocations", _Scoring(service, "/invocations", mlflow_rows, _mlflow), methods=["POST"], name="invocations"),
        Route("/v2/models/{name}/infer", _Infer(service, name), methods=["POST"], name="infer"),
        Route("/v2/models/{name}", _described(service, name), name="model"),
        Route("/v2/models/{name}/ready", _model_ready(service, name), name="model_ready"),
        Route("/v2", _about, name="inference_server"),
    ]


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The whole body of a JSON request; raises InputError ``BODY-TYPE`` where it says that it is something else."""
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"application/json")
    if not kind.lower().startswith(b"application/json"):
        given = f"the content type is '{kind.decode('latin-1')[:60]}'"
        raise InputError("BODY-TYPE", given, "a request is JSON", "send Content-Type: application/json")
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    parts = [body]
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)


class _Scoring:
    """One route that predicts: how its body is read, and how it is answered."""

    def __init__(self, service: Service, route: str, read: Read, answered: Answered) -> None:
        self._service, self._route, self._read, self._answered = service, route, read, answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await read_body(scope, receive)
        served = self._service.champion.served.seen_by(scope["state"]["access"])
        asked = self._read(from_json(body), list(served.readers.kinds))
        predicted = await self._service.predict(asked, served, scope["state"], self._route, body)
        await _send(send, orjson.dumps(self._answered(predicted, asked, self._service.operation.spec.name), default=str))


class _Infer(_Scoring):
    """The route of the Open Inference Protocol that predicts, whose path names the model."""

    def __init__(self, service: Service, name: str) -> None:
        super().__init__(service, "/v2/models/{name}/infer", inference_rows, _inference)
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        _check_name(scope["path_params"]["name"], self._name)
        await super().__call__(scope, receive, send)


async def _send(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _own(predicted: Predicted, asked: Asked, name: str) -> Mapping[str, Any]:
    return {
        "request": predicted.request, "release": predicted.release, "predictions": predicted.rows, "warnings": predicted.warnings,
    }  # fmt: skip


def _mlflow(predicted: Predicted, asked: Asked, name: str) -> Mapping[str, Any]:
    """A value a row where each row has one prediction, as tools that score expect; else all there is to tell them apart."""
    if len(predicted.rows) == len(asked.rows):
        return {"predictions": [row["prediction"] for row in predicted.rows]}
    return {"predictions": predicted.rows}


def _inference(predicted: Predicted, asked: Asked, name: str) -> Mapping[str, Any]:
    made = pl.DataFrame(predicted.rows, infer_schema_length=None)
    wanted = [column for column in made.columns if not asked.outputs or column in asked.outputs]
    outputs = [_tensor(made[column]) for column in wanted]
    told = {"model_name": name, "model_version": str(predicted.release), "outputs": outputs}
    return told | {"id": asked.name or predicted.request}


def _tensor(column: pl.Series) -> Mapping[str, Any]:
    kind = _datatype(column.dtype)
    values = column if kind != "BYTES" else column.cast(pl.String)
    return {"name": column.name, "datatype": kind, "shape": [len(column)], "data": values.to_list()}


def _datatype(kind: pl.DataType) -> str:
    return next((word for known, word in _TENSORS if kind == known), "BYTES")


def _check_name(asked: str, name: str) -> None:
    if asked != name:
        rule = "the server has the model of one project"
        raise InputError("MODEL-NONE", f"there is no model '{asked[:80]}'", rule, f"its name is '{name}'")


def _described(service: Service, name: str) -> Callable[[Request], Any]:
    async def described(request: Request) -> Response:
        _check_name(request.path_params["name"], name)
        served = service.champion.served
        return _json(
            {
                "name": name, "versions": [str(served.release.number)], "platform": _PLATFORM,
                "inputs": _tensors(served.readers.kinds), "outputs": _tensors(_outputs(served)),
            }
        )  # fmt: skip

    return described


def _outputs(served: Served) -> Mapping[str, pl.DataType]:
    return {"prediction_id": pl.String(), **served.outputs}


def _tensors(kinds: Mapping[str, pl.DataType]) -> list[dict[str, Any]]:
    return [{"name": column, "datatype": _datatype(kind), "shape": [-1]} for column, kind in kinds.items()]


def _model_ready(service: Service, name: str) -> Callable[[Request], Any]:
    async def ready(request: Request) -> Response:
        _check_name(request.path_params["name"], name)
        return _json({"name": name, "ready": service.champion.ready}, 200 if service.champion.ready else 503)

    return ready


async def _about(request: Request) -> Response:
    return _json({"name": _PLATFORM, "version": __version__, "extensions": []})


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
