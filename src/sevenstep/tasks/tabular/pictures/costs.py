"""What decisions cost at each threshold, with the threshold that was chosen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sevenstep.chapter import Block, Figure
from sevenstep.tasks.tabular.pictures.decisions import Decisions
from sevenstep.wording import percent

__all__ = ["cost_at", "cost_figure"]

_POINTS = 80
_HALF = 0.5


def cost_at(decisions: Decisions, cut: float) -> float:
    """Mean cost of deciding for the positive class from this probability on."""
    false_alarm, miss = decisions.problem.miss
    alarmed, positive = decisions.probability[:, 1] >= cut, decisions.truth == 1
    return float(false_alarm * (alarmed & ~positive).mean() + miss * (~alarmed & positive).mean())


def cost_figure(decisions: Decisions) -> Iterator[Block]:
    """Cost by threshold, where the spec gives costs of two classes."""
    if not decisions.problem.binary or not decisions.problem.priced:
        return
    cuts = np.unique(np.concatenate([np.quantile(decisions.probability[:, 1], np.linspace(0, 1, _POINTS)), [0.0, 1.0]]))
    rows: list[dict[str, Any]] = [{"x": float(cut), "y": cost_at(decisions, float(cut)), "group": "cost"} for cut in cuts]
    chosen, half = cost_at(decisions, decisions.cut), cost_at(decisions, _HALF)
    highest = max(row["y"] for row in rows)
    rows += [{"x": decisions.cut, "y": end, "group": "chosen"} for end in (0.0, highest)]
    alike, (alarm, miss) = min(cost_at(decisions, 0.0), cost_at(decisions, 1.1)), decisions.problem.miss
    caption = (
        f"At the chosen {percent(decisions.cut)} a row costs {chosen:.4g} in the mean; at 50 % {half:.4g}, and deciding alike "
        f"for all {alike:.4g}. Costs: false alarm {alarm:g}, miss {miss:g}."
    )
    yield Figure("Cost by threshold", "line", rows, f"threshold of {decisions.classes[1]}", "cost per row", "number",
                 caption=caption)  # fmt: skip
