"""Plans as JSON: what step 4 leaves and steps 5 and 6 read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sevenstep.tasks.contract import Candidate, Fold, Plan, Range

__all__ = ["candidate_from_json", "plan_from_json", "plan_to_json"]


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


def candidate_from_json(value: Mapping[str, Any]) -> Candidate:
    """Read back one candidate."""
    space = {name: Range(**item) for name, item in value["space"].items()}
    return Candidate(**{**value, "space": space})
