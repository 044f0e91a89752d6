"""Projects small enough to run within a test, and the command line called in this process."""

from __future__ import annotations

import io
import math
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sevenstep.cli.main import main

START = date(2024, 1, 1)
COLUMNS = ("shop", "day", "promo", "price", "visitors", "sales")
RULES_ONLY = "design: {candidates: [naive, seasonal_naive], folds: 2}\n"
SEARCHED = """design:
  folds: 2
  candidates: [seasonal_naive, {family: boosting, name: boosting_log, parameters: {rounds: 30}}]
"""
"""A booster whose other parameters are searched."""

BOOSTING = """design:
  folds: 2
  candidates:
    - seasonal_naive
    - family: boosting
      name: boosting_log
      parameters: {rounds: 30, learning_rate: 0.1, leaves: 15, least_in_leaf: 10, feature_share: 0.8, row_share: 0.8, ridge: 1.0}
"""
"""A booster with nothing left to search."""

SPEC = """spec: 1
name: small
task: forecast
data: {source: sales.csv, time: day, series: [shop]}
target: sales
forecast: {horizon: 7, frequency: 1d, known_ahead: [promo, price]}
kpis: [{id: accuracy, metric: wape, goal: "<= 0.25"}]
budget: {time: 60s}
"""

Row = dict[str, Any]


def rows(shops: Sequence[str] = ("a", "b", "c"), days: int = 120, ahead: int = 7) -> list[Row]:
    """Daily sales with a week and a promotion; in the last ``ahead`` days visitors and sales are open."""
    chance = random.Random(3)
    made = []
    for place, shop in enumerate(shops):
        for day in range(days + ahead):
            promo = int(chance.random() < 0.25)
            usual = (60 + 80 * place) * math.exp(0.3 * math.sin(2 * math.pi * day / 7) + 0.4 * promo)
            sales = round(usual * math.exp(0.05 * chance.gauss(0, 1)), 1)
            row = {"shop": shop, "day": str(START + timedelta(day)), "promo": promo, "price": round(chance.uniform(1, 2), 2)}
            known = {"visitors": round(3 * sales), "sales": sales} if day < days else {"visitors": "", "sales": ""}
            made.append(row | known)
    return made


def table(given: Sequence[Mapping[str, Any]], delimiter: str = ",", columns: Sequence[str] = ()) -> str:
    """The rows as a text table."""
    names = list(columns or given[0])
    lines = [delimiter.join(str(row[name]) for name in names) for row in given]
    return "\n".join([delimiter.join(names), *lines]) + "\n"


def changed(given: Sequence[Row], number: int, **values: Any) -> list[Row]:
    """The rows with some values of row ``number`` replaced."""
    return [row | values if place == number else row for place, row in enumerate(given)]


def project(folder: Path, data: str | None = None, spec: str = SPEC, design: str = RULES_ONLY) -> Path:
    """A project in ``folder``, which is made; ``data`` is the text of ``sales.csv``, the usual rows when not given."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sales.csv").write_text(table(rows()) if data is None else data, encoding="utf-8")
    (folder / "sevenstep.yaml").write_text(spec + design, encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Told:
    """What a command printed and the exit code it ended with."""

    code: int
    out: str
    err: str


def sevenstep(*words: str | Path) -> Told:
    """Call the command line with these words, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with _arguments(words), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return Told(code, out.getvalue(), err.getvalue())


@contextmanager
def _arguments(words: Sequence[str | Path]) -> Iterator[None]:
    with patch.object(sys, "argv", ["sevenstep", *map(str, words)]):
        yield
