"""Which name of an identity follows from the others: one without a column, or the target whose own KPI loses least by it.

Every target has a forecast of its own. Where all names of an identity have one, the last word is taken from one of them: it is
computed from the others, so that the identity holds to the last digit. Out-of-fold forecasts say which: the target whose own
KPI loses least.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.chapter import Block, Column, Table
from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.stats.wording import figure
from sevenstep.tasks.contract import Model
from sevenstep.tasks.forecast.calibrate import calibrate
from sevenstep.tasks.forecast.hierarchy.evidence import BOTTOM_UP
from sevenstep.tasks.forecast.identities.identity import Identity
from sevenstep.tasks.forecast.identities.stated import derived_names, identities_of
from sevenstep.tasks.forecast.model import ForecastModel
from sevenstep.tasks.forecast.panel import Panel
from sevenstep.tasks.leading import leading_kpi, leading_metric
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable

__all__ = ["Bound", "bind"]

Floats = NDArray[np.float64]
_KEYS = ["fold", "item"]


@dataclass(frozen=True)
class Bound:
    """What was found out, see `sevenstep.tasks.abilities.Bound`."""

    scores: Mapping[str, ScoreTable]
    blocks: Sequence[Block]
    solved: Mapping[str, Identity]
    calibration: Mapping[str, Mapping[str, Any]]

    def taken_in(self, model: Model) -> Model:
        """The model whose forecasts keep the identities."""
        own = cast(ForecastModel, model)
        upper = own.upper
        if upper is not None:  # sums of what follows are added up: any other way would break the identity
            plain = {name: replace(way, name=BOTTOM_UP, errors=None) for name, way in upper.ways.items() if name in self.solved}
            upper = replace(upper, ways={**upper.ways, **plain})
        return replace(own, upper=upper, solved=dict(self.solved), calibration={**own.calibration, **self.calibration})


def bind(own: Mapping[str, ScoreTable], data: Dataset, panel: Panel, brief: Brief) -> Bound | None:
    """Choose for each identity what follows from the rest; None where none is stated.

    Args:
        own: judged scores of every target.
        data: the data set.
        panel: the same on its grid; ``item`` of the scores counts its rows.
        brief: of step 6.
    """
    identities = identities_of(brief.section.identities)
    if not identities:
        return None
    derived = derived_names(identities, data)
    scores, solved, rows = dict(own), dict[str, Identity](), list[dict[str, Any]]()
    calibration: dict[str, Mapping[str, Any]] = {}
    for identity in identities:
        side = _Side.of(scores, identity, panel)
        name = next((one for one in identity.names if one in derived and one not in solved), None)
        if name is None:
            name, losses = side.least(brief, [one for one in identity.names if one in own and one not in solved])
            scores[name] = side.replaced(scores[name], name)
            rows += [{"identity": str(identity), "follows": name, **told} for told in losses]
        else:
            calibration[name] = _calibrated(side, name, brief)
            rows.append({"identity": str(identity), "follows": name, "option": name, "own": DASHED, "solved": DASHED})
        solved[name] = identity
    return Bound(scores, [_table(rows)], solved, calibration)


DASHED = "no column: nothing of its own"


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        Column("identity", "Identity"), Column("follows", "Follows from the others"), Column("option", "Could follow"),
        Column("own", "Its KPI, forecast by itself"), Column("solved", "Its KPI, computed from the others"),
    ]  # fmt: skip
    caption = "What follows is computed from the other names of the identity, so that it holds for every row to the last digit."
    return Table("Identities", columns, rows, caption)


@dataclass(frozen=True)
class _Side:
    """Out-of-fold forecasts and truths of all names of an identity on the rows that all of them have."""

    identity: Identity
    frame: pl.DataFrame
    made: Mapping[str, Floats]
    truth: Mapping[str, Floats]
    tables: Mapping[str, ScoreTable]

    @classmethod
    def of(cls, scores: Mapping[str, ScoreTable], identity: Identity, panel: Panel) -> _Side:
        named = {name: scores[name] for name in identity.names if name in scores}
        common = next(iter(named.values())).frame.select(_KEYS)
        for table in named.values():
            common = common.join(table.frame.select(_KEYS), on=_KEYS, how="semi")
        common = common.unique().sort(_KEYS)
        frames = {name: common.join(table.frame, on=_KEYS, how="left", maintain_order="left") for name, table in named.items()}
        made = {name: frame["prediction"].to_numpy() for name, frame in frames.items()}
        truth = {name: frame["truth"].to_numpy() for name, frame in frames.items()}
        given = [name for name in identity.names if name not in scores and name in panel.rows.columns]
        for name in given:
            made[name] = truth[name] = panel.rows[name].cast(pl.Float64).to_numpy()[common["item"].to_numpy()]
        return cls(identity, next(iter(frames.values())), made, truth, named)

    def solved(self, name: str, *, of: Mapping[str, Floats] | None = None) -> Floats:
        """What a name comes to by the others."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.asarray(self.identity.solved(name, self.made if of is None else of), dtype=np.float64)
        return np.where(np.isfinite(found), found, np.nan)

    def least(self, brief: Brief, options: Sequence[str]) -> tuple[str, list[dict[str, Any]]]:
        """The target that loses least by following from the others, and what each would lose."""
        ratios: dict[str, float] = {}
        told = []
        for name in options:
            kpi = leading_kpi(brief.kpis, name, brief.targets)
            metric = METRICS["wape" if kpi is None else leading_metric(kpi)]
            solved = self.solved(name)
            values = [metric.value(self._scored(name, made, metric.needs)) for made in (self.made[name], solved)]
            losses = metric.loss(np.array(values))
            able = np.isfinite(solved).all() and losses[0] > 0
            ratios[name] = float(losses[1] / losses[0]) if able else float("inf")
            shown = [figure(value if np.isfinite(value) else None, metric.name) for value in values]
            told.append({"option": name, "own": shown[0], "solved": shown[1]})
        return min(ratios, key=lambda name: ratios[name]), told

    def _scored(self, name: str, made: Floats, needs: Sequence[str]) -> Scored:
        frame = self.tables[name].frame.join(self.frame.select(_KEYS), on=_KEYS, how="semi").sort(_KEYS)
        columns = {one: frame[one].cast(pl.Float64).fill_null(np.nan).to_numpy() for one in needs}
        return Scored.of(truth=self.truth[name], prediction=made, **columns)

    def replaced(self, table: ScoreTable, name: str) -> ScoreTable:
        """The scores of a name with what follows from the others; bounds move along."""
        value = pl.Series("__solved__", self.solved(name)).fill_nan(None)
        frame = table.frame.join(self.frame.select(_KEYS).with_columns(value), on=_KEYS, how="left", maintain_order="left")
        shift = (pl.col("__solved__") - pl.col("prediction")).fill_null(0.0)
        return ScoreTable(frame.with_columns(pl.col(one) + shift for one in ("prediction", *BOUNDS)).drop("__solved__"))


def _calibrated(side: _Side, name: str, brief: Brief) -> Mapping[str, Any]:
    """Bounds of a name without a column, from what it came to out of fold beside what it was."""
    prediction, truth = side.solved(name), side.solved(name, of=side.truth)
    frame = side.frame.with_columns(
        pl.lit(name).alias("target"), pl.Series("prediction", prediction).fill_nan(None), pl.Series("truth", truth).fill_nan(None)
    )
    known = frame.filter(pl.col("truth").is_not_null() & pl.col("prediction").is_not_null())
    found = dict(calibrate(ScoreTable(known), brief)) | {"shift": 1.0}
    return found
