"""The limit that `bench/serving.py` measures against: a FastAPI route that reads the same rows and answers without a model."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Rows(BaseModel):
    """The body of a request."""

    rows: list[dict[str, Any]]


@app.post("/predict")
async def predict(body: Rows) -> dict[str, list[float]]:
    """As many answers as rows."""
    return {"predictions": [0.5] * len(body.rows)}
