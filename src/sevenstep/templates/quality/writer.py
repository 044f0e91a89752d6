"""The generated line as a project folder: the spec, the data, a README and the parts to predict."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template

from sevenstep.templates.quality.line import Line, make_line
from sevenstep.templates.quality.reach import FALSE_ALARM, MISS, reach_of
from sevenstep.templates.quality.tables import (
    COAT_TOLERANCE,
    FAIL,
    HARDNESS_LEAST,
    LIMITS,
    NO_SIGNAL,
    NOT_MEASURED,
    Fault,
    future_table,
    parts_table,
)

__all__ = ["PARTS_FILE", "write_project"]

PARTS_FILE = "data/parts.csv"
_TIME = "%Y-%m-%d %H:%M:%S"
_MINUTES = {"small": 2, "medium": 5, "large": 15}


def write_project(folder: Path, *, seed: int = 0, size: str = "small") -> list[Path]:
    """Write the whole project into ``folder``, which exists and is empty; returns its files, the spec first.

    Equal arguments give equal bytes. Use `sevenstep.templates.catalog.write_template` to do it whole or not at all.
    """
    line = make_line(seed, size)
    parts, faults = parts_table(line)
    (folder / "data").mkdir()
    names = ["sevenstep.yaml", "README.md"]
    words = _words(line, parts.height, faults)
    for name in names:
        text = files("sevenstep.templates.quality").joinpath("files", name).read_text(encoding="utf-8")
        (folder / name).write_text(Template(text).substitute(words), encoding="utf-8", newline="\n")
    parts.write_csv(folder / PARTS_FILE, datetime_format=_TIME)
    future_table(line).write_csv(folder / "future.csv", datetime_format=_TIME)
    return [folder / name for name in (*names, PARTS_FILE, "future.csv")]


def _words(line: Line, rows: int, faults: tuple[Fault, ...]) -> dict[str, str]:
    precision, cost = reach_of(line)
    defects = int(line.defect[: line.route.known].sum())
    return {
        "seed": str(line.seed), "size": line.size, "minutes": str(_MINUTES[line.size]), "rows": f"{rows:,}",
        "lots": str(int(line.route.lot[line.route.known - 1]) + 1), "suppliers": str(line.parts["supplier"].n_unique()),
        "defects": f"{defects:,}", "rate": f"{defects / line.route.known:.1%}".replace("%", " %"),
        "fail": FAIL, "no_signal": NO_SIGNAL, "not_measured": NOT_MEASURED, "false_alarm": str(FALSE_ALARM), "miss": str(MISS),
        "coat_min": f"{LIMITS[0]:g}", "coat_max": f"{LIMITS[1]:g}", "coat_low": f"{COAT_TOLERANCE[0]:g}",
        "coat_high": f"{COAT_TOLERANCE[1]:g}", "hardness_low": f"{HARDNESS_LEAST:g}",
        "precision_simple": f"{precision.simple:.2f}", "precision_oracle": f"{precision.oracle:.2f}",
        "precision_goal": f"{precision.goal:.2f}", "cost_simple": f"{cost.simple:.2f}", "cost_oracle": f"{cost.oracle:.2f}",
        "cost_goal": f"{cost.goal:.2f}",
        "causes": "\n".join(_cause_row(line, place) for place in range(len(line.causes))),
        "faults": "\n".join(_fault_row(fault) for fault in faults),
    }  # fmt: skip


def _cause_row(line: Line, place: int) -> str:
    cause = line.causes[place]
    return f"| {'root cause' if place == 0 else 'lesser'} | {cause.text} | {cause.log_odds:+g} | {cause.share:.0%} |"


def _fault_row(fault: Fault) -> str:
    column = f"`{fault.column}`" if fault.column else ""
    return f"| {PARTS_FILE} | {fault.line} | {fault.kind} | {column} | {fault.given} | {fault.was} |"
