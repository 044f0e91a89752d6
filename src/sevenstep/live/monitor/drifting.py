"""Drift of inputs and predictions: have they moved away from what the release learnt from?

Drift is told, and never learnt anew from by itself: it may cost nothing. What it costs, KPIs on live rows say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from sevenstep.live.check import Check
from sevenstep.live.monitor.daily import day_of
from sevenstep.live.monitor.references import INPUT, PREDICTION, values_of
from sevenstep.stats.drift import Drifted, Reference, Values, check_all
from sevenstep.wording import percent, short

__all__ = ["drift_check", "input_checks", "prediction_checks"]

References = Mapping[tuple[str, str], Reference]


def input_checks(references: References, rows: pl.DataFrame, time: str, kpi: str, alpha: float) -> list[Check]:
    """Each input of the newest rows against the rows the release learnt from; a column nobody told is left out."""
    own = {name: one for (kind, name), one in references.items() if kind == INPUT and name in rows.columns}
    told = {name: values_of(rows[name]) for name in own if rows[name].null_count() < len(rows)}
    found = check_all(own, told, _days(rows, time), alpha=alpha) if told else {}
    return [drift_check("drift", kpi, name, name, one) for name, one in found.items()]


def _days(rows: pl.DataFrame, time: str) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
    if time not in rows.columns:
        return None
    return rows.select(day_of(rows, time).rank("dense").cast(pl.Int64).alias("day"))["day"].to_numpy()


def prediction_checks(
    references: References, columns: Mapping[str, Values], names: Mapping[str, str], days: Any, kpi: str, alpha: float
) -> list[Check]:
    """Newest predictions against those out of fold.

    Args:
        references: of the release.
        columns: newest predictions by target, or by number of the class.
        names: for people, by the same.
        days: label of each row's day; None where time plays no part.
        kpi: id of the KPI they bear on.
        alpha: chance of any false alarm.
    """
    own = {name: one for (kind, name), one in references.items() if kind == PREDICTION and name in columns}
    found = check_all(own, {name: columns[name] for name in own}, days, alpha=alpha) if own else {}
    return [drift_check("predictions", kpi, names[name], f"the prediction of {names[name]}", one) for name, one in found.items()]


def drift_check(kind: str, kpi: str, subject: str, who: str, found: Drifted) -> Check:
    """What was found of one thing that may have moved; ``who`` names it in the sentence."""
    p = min((one.p_holm for one in found.evidence if one.p_holm is not None), default=None)
    evidence = {
        "psi": found.psi, "distance": found.distance, "shift": found.shift, "missing": found.missing, "scale": found.scale,
        "missing_reference": found.missing_reference, "unseen": found.unseen, "unseen_names": list(found.unseen_names[:5]),
        "alarmed": [one.about for one in found.evidence if one.alarm],
    }  # fmt: skip
    return Check(
        kind, kpi, subject, f"{who} {_said(found)}", found.alarm, found.distance, None, None, found.n, found.method, p,
        cause=subject, evidence=evidence,
    )  # fmt: skip


def _said(found: Drifted) -> str:
    """What moved, in words, the plainest first."""
    about = {one.about for one in found.evidence if one.alarm}
    if "missing" in about and found.missing is not None and found.missing_reference is not None:
        return f"is missing in {percent(found.missing)} of the newest rows, {percent(found.missing_reference)} before"
    if found.scale is not None and about:
        return f"seems to be in another unit: about {short(found.scale)} times what it was"
    if "unseen" in about and found.unseen is not None:
        return f"has values never seen before in {percent(found.unseen)} of the rows: {', '.join(found.unseen_names[:3])}"
    moved = "" if found.shift is None else f", its mean by {found.shift:+.2f} standard deviations"
    far = "" if found.distance is None else f" by a distance of {found.distance:.2f}"
    return f"has moved{far}{moved}" if about else "is as it was"
