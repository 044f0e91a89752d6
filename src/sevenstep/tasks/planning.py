"""Plans as JSON: what step 4 leaves and steps 5 and 6 read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sevenstep.tasks.contract import Candidate, Fold, Plan, Range, SumsPlan

__all__ = ["CORES", "candidate_from_json", "plan_from_json", "plan_to_json", "planned_seconds", "seconds_for_the_end"]

CORES = 2  # the machine plans are made for, so that equal inputs give equal work everywhere
MEMBERS = 5  # fits on all rows to keep time for, of each target: the dearest there may be

END_SECONDS = 5.0  # choosing members, calibrating, predicting and drawing, however small the data
END_SHARE = 0.05  # of the planned seconds of all fits, for the same on larger data


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Candidates, folds and notes as JSON values; pictures stay with the chapter."""
    return {
        "candidates": [asdict(candidate) for candidate in plan.candidates],
        "folds": [asdict(fold) for fold in plan.folds],
        "everything": asdict(plan.everything),
        "fold_reason": plan.fold_reason,
        "notes": list(plan.notes),
        "sums": None if plan.sums is None else {**asdict(plan.sums), "plan": plan_to_json(plan.sums.plan)},
    }


def plan_from_json(value: Mapping[str, Any]) -> Plan:
    """Read back what `plan_to_json` gave."""
    candidates = [candidate_from_json(item) for item in value["candidates"]]
    folds = [Fold(**item) for item in value["folds"]]
    below = value["sums"]
    sums = None if below is None else SumsPlan(plan_from_json(below["plan"]), below["how"], below["by"])
    return Plan(candidates, folds, Fold(**value["everything"]), value["fold_reason"], value["notes"], sums=sums)


def seconds_for_the_end(plan: Plan, dearest: float = 0.0) -> float:
    """Seconds to keep for what must still happen once candidates are scored: fits on all rows, calibration, the report.

    What a person asked for at any cost is not counted, so that it keeps nothing else out.

    Args:
        plan: the candidates and folds.
        dearest: planned seconds of the dearest fit that a search may add to the plan's own.
    """
    costs: dict[str, list[float]] = {}
    for candidate in plan.candidates:
        costs.setdefault(candidate.target, [dearest]).append(0.0 if candidate.asked else candidate.cost)
    if plan.sums is not None:
        return seconds_for_the_end(replace(plan, sums=None), dearest) + seconds_for_the_end(plan.sums.plan)
    members = plan.everything.effort * sum(sum(sorted(of_target)[-MEMBERS:]) for of_target in costs.values()) / CORES
    compared = sum(sum(of_target) - dearest for of_target in costs.values()) * len(plan.folds)
    return END_SECONDS + END_SHARE * compared + members


def planned_seconds(plan: Plan) -> float:
    """Seconds that comparing all candidates takes on the machine a plan is made for."""
    sums = planned_seconds(plan.sums.plan) if plan.sums is not None else 0.0
    return sums + sum(candidate.cost for candidate in plan.candidates) * len(plan.folds) / CORES


def candidate_from_json(value: Mapping[str, Any]) -> Candidate:
    """Read back one candidate."""
    space = {name: Range(**item) for name, item in value["space"].items()}
    return Candidate(**{**value, "space": space})
