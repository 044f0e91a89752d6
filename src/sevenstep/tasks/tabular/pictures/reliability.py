"""Do probabilities hold: of a hundred rows given 20 %, are twenty so?"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from sevenstep.chapter import Figure
from sevenstep.tasks.tabular.pictures.decisions import Decisions

__all__ = ["reliability_figure"]

_BINS, _IN_BIN = 10, 20


def reliability_figure(decisions: Decisions) -> Figure:
    """What was so against how probable it was said to be: the positive class of two, the decided class of more."""
    if decisions.problem.binary:
        said, was = decisions.probability[:, 1], decisions.truth == 1
        about = f"the probability of {decisions.classes[1]}"
    else:
        said, was = decisions.confidence, ~decisions.wrong
        about = "the probability of the class decided for"
    count = int(np.clip(len(said) // _IN_BIN, 1, _BINS))
    bins = [part for part in np.array_split(np.argsort(said, kind="stable"), count) if len(part)]
    rows = [_point(float(said[part].mean()), int(was[part].sum()), len(part)) for part in bins]
    ends = (float(said.min()), float(said.max()))
    rows += [{"x": end, "y": end, "group": "as it should be"} for end in ends]
    gap = sum(abs(float(said[part].mean()) - float(was[part].mean())) * len(part) for part in bins) / max(len(said), 1)
    caption = (
        f"Rows in {len(bins)} bins of equal size by {about}; each dot is the share that was so, with its 95 % interval (Wilson). "
        f"The mean gap is {100 * gap:.1f} points."
    )
    return Figure("Do the probabilities hold?", "line", rows, "said", "was so", "number", "percent", caption=caption)


def _point(said: float, hits: int, rows: int) -> dict[str, Any]:
    ends = stats.binomtest(hits, rows).proportion_ci(method="wilson")
    return {"x": said, "y": hits / rows, "low": float(ends.low), "high": float(ends.high), "group": "measured"}
