"""What a project reached on rows its run has not seen, kept beside its store for ``bench/feasibility.py``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from sevenstep.stats.intervals import Estimate

__all__ = ["keep_reached", "read_reached"]

NAME = "reached.json"


def keep_reached(folder: Path, found: Mapping[str, Estimate]) -> None:
    """Write one figure for each KPI id."""
    text = json.dumps({kpi: asdict(estimate) for kpi, estimate in found.items()}, indent=1)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")


def read_reached(folder: Path) -> dict[str, Estimate]:
    """What `keep_reached` wrote; empty where it wrote nothing."""
    path = folder / NAME
    return {kpi: Estimate(**one) for kpi, one in json.loads(path.read_text(encoding="utf-8")).items()} if path.exists() else {}
