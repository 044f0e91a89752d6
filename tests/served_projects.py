"""A project of a table that was run, and its server called within the test's own process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import polars as pl
from starlette.types import ASGIApp

from sevenstep.project import Project
from sevenstep.web.app import application
from sevenstep.web.service import Service
from sevenstep.web.settings import Limits, Settings
from tabular_data import parts

SPEC = """spec: 1
name: parts
task: classification
data: {source: parts.csv}
target: y
kpis: [{id: rank, metric: roc_auc, goal: ">= 0.7"}]
design:
  folds: 3
  candidates: [prior]
  extra: [{family: boosting, name: small, parameters: {rounds: 30, patience: 0, learning_rate: 0.1, leaves: 7,
    least_in_leaf: 10, feature_share: 1.0, row_share: 1.0, ridge: 1.0}}]
budget: {time: 60s}
"""
ROW = {"size": 21.5, "weight": 101.0, "line": "B"}


def made_project(folder: Path) -> Path:
    """A project that was run, in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    parts(300, 2, waiting=2).write_csv(folder / "parts.csv")
    (folder / "sevenstep.yaml").write_text(SPEC, encoding="utf-8")
    Project(folder).run()
    return folder


def settings_of(folder: Path, *, tokens: bool = False, **limits: Any) -> Settings:
    """A server of the project."""
    return Settings(folder, folder / ".sevenstep", tokens=tokens, limits=replace(Limits(), **limits))


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[tuple[httpx.AsyncClient, Service]]:
    """A client of a server that runs within this process, and what its routes share."""
    service = Service(settings)
    async with service.open():
        app: ASGIApp = application(service)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8321") as client:
            yield client, service


def rows_of(folder: Path, count: int) -> list[dict[str, Any]]:
    """Rows of the project without their target."""
    return pl.read_csv(folder / "parts.csv").drop("y").head(count).to_dicts()
