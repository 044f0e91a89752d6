"""One figure for the quality of the data, with the parts it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sevenstep.data.dataset import Finding

__all__ = ["FORMULA", "PARTS", "harm", "quality_score"]

PARTS = ("complete", "valid", "unique", "consistent", "timely")
FORMULA = (
    "each part is 100 x (1 - the largest weight x share of rows among its findings), with weight 1 for errors, 0.5 for warnings "
    "and 0 for notes; the score is the lowest part"
)
_WEIGHTS = {"error": 1.0, "warning": 0.5, "info": 0.0}


def quality_score(findings: Sequence[Finding], n: int) -> dict[str, Any]:
    """Score of the data from 0 to 100, its parts and what pulls each down; see `FORMULA`.

    The lowest part is the score, not their mean: data that is complete and unique but wrong is not half good. The idea of scoring
    by the weakest part is from Breck et al. (2017), "The ML Test Score".

    Args:
        findings: from the checks of any task.
        n: number of rows they are about.
    """
    parts: dict[str, int] = {}
    reasons: dict[str, str] = {}
    for part in PARTS:
        own = [finding for finding in findings if finding.part == part]
        worst = max(own, key=harm, default=None)
        loss = 0.0 if worst is None else harm(worst)
        parts[part] = round(100 * (1 - loss))
        reasons[part] = worst.text if worst is not None and loss > 0 else ""
    return {"score": min(parts.values()), "parts": parts, "reasons": reasons, "n": n, "formula": FORMULA}


def harm(finding: Finding) -> float:
    """What a finding takes from the score of its part, as a share of its points."""
    return _WEIGHTS[finding.severity] * min(1.0, max(0.0, finding.share))
