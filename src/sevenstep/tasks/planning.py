"""Plans as JSON: what step 4 leaves and steps 5 and 6 read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sevenstep.tasks.contract import Candidate, Fold, Plan, Range

__all__ = ["candidate_from_json", "plan_from_json", "plan_to_json", "seconds_for_the_end"]

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
    }


def plan_from_json(value: Mapping[str, Any]) -> Plan:
    """Read back what `plan_to_json` gave."""
    candidates = [candidate_from_json(item) for item in value["candidates"]]
    folds = [Fold(**item) for item in value["folds"]]
    return Plan(candidates, folds, Fold(**value["everything"]), value["fold_reason"], value["notes"])


def seconds_for_the_end(plan: Plan) -> float:
    """Seconds to keep for what must still happen once candidates are scored: fits on all rows, calibration, the report."""
    targets = {candidate.target for candidate in plan.candidates}
    costs = [candidate.cost for candidate in plan.candidates]
    return END_SECONDS + END_SHARE * sum(costs) * len(plan.folds) + 2.0 * max(costs, default=0.0) * len(targets)


def candidate_from_json(value: Mapping[str, Any]) -> Candidate:
    """Read back one candidate."""
    space = {name: Range(**item) for name, item in value["space"].items()}
    return Candidate(**{**value, "space": space})
