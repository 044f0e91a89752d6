"""Tables with planted relations, and the data set and brief around them, as the first steps see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest

from sevenstep.data.dataset import Dataset
from sevenstep.data.intake import intake
from sevenstep.spec.brief import Brief, Seen
from sevenstep.spec.briefs import brief_for
from sevenstep.spec.model import Charter, Data, Kpi
from sevenstep.spec.read import read_spec
from sevenstep.tasks.tabular.grammar import CLASSIFICATION, REGRESSION
from sevenstep.tasks.tabular.roles import find_roles
from sevenstep.tasks.tabular.section import Classification, Regression

SHARED = Path(__file__).parents[2] / "shared"


def query(sql: str, **frames: pl.DataFrame) -> list[tuple[Any, ...]]:
    """All rows an SQL query over named frames gives."""
    connection = duckdb.connect()
    for name, frame in frames.items():
        connection.register(name, frame)
    return connection.execute(sql).fetchall()


def brief_of(
    target: str,
    kpis: Sequence[Mapping[str, Any]] = (),
    *,
    classes: bool = True,
    budget: float = 60.0,
    data: Mapping[str, Any] | None = None,
    **section: Any,
) -> Brief:
    """All parts a step may read, with the section of the task."""
    made = Classification(**section) if classes else Regression(**section)
    parts = {
        "name": "plant",
        "targets": (target,),
        "flags": (),
        "charter": Charter(),
        "data": Data(source="parts.csv", **(data or {})),
        "kpis": [Kpi.model_validate(kpi) for kpi in kpis],
        "budget": budget,
        "seed": 0,
    }
    return Brief(parts, Seen(made, tuple(type(made).model_fields)))


def dataset_of(items: pl.DataFrame, brief: Brief, *, classes: bool = True) -> Dataset:
    """The rows with the roles and facts the task finds."""
    roles, facts = find_roles(items, brief, {}, classes=classes)
    return Dataset({"items": items}, roles, facts)


def shared(name: str) -> tuple[Dataset, Any]:
    """A shared data set with its brief by step; skips where the data are not beside the checkout."""
    file = SHARED / "specs" / f"{name}.yaml"
    if not file.exists():
        pytest.skip(f"no {file.name} in the shared specs beside the checkout")
    spec = read_spec(file, {"classification": CLASSIFICATION, "regression": REGRESSION})
    grammar = CLASSIFICATION if spec.task == "classification" else REGRESSION
    taken = intake(spec.data, spec.base, spec.targets, flags=spec.flags, one_row_per_time=False)
    collect = brief_for("collect", spec, grammar)
    roles, facts = find_roles(taken.items, collect, taken.source_columns, classes=grammar is CLASSIFICATION)
    return Dataset({"items": taken.items}, roles, facts), lambda step: brief_for(step, spec, grammar)


def plates(rows: int = 600, seed: int = 0, noise: int = 4, strength: float = 2.0) -> pl.DataFrame:
    """Plates that ``fail`` more often when hot and from furnace C; ``noise`` columns say nothing."""
    random = np.random.default_rng(seed)
    heat, furnace = random.normal(200, 20, rows), random.integers(0, 3, rows)
    score = strength * ((heat - 200) / 20 + np.array([-0.8, 0.0, 0.8])[furnace]) - 1
    fail = random.random(rows) < 1 / (1 + np.exp(-score))
    other = {f"noise_{number}": random.normal(size=rows) for number in range(noise)}
    named = np.array(["A", "B", "C"])[furnace]
    return pl.DataFrame({"heat": heat, "furnace": named, **other, "fail": np.where(fail, "yes", "no")})


def strips(rows: int = 600, seed: int = 0, noise: float = 3.0) -> pl.DataFrame:
    """Strips whose ``thickness`` is a smooth function of gap and speed, plus chance of a known spread."""
    random = np.random.default_rng(seed)
    gap, speed = random.uniform(2, 8, rows), random.uniform(1, 5, rows)
    thickness = 100 + 8 * gap + 10 * np.sin(speed) + random.normal(0, noise, rows)
    return pl.DataFrame({"gap": gap, "speed": speed, "shift": random.choice(["day", "night"], rows), "thickness": thickness})
