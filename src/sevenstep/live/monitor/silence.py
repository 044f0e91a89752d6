"""Series that used to report and have stopped, each by its own rhythm; and the feed as a whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import sqlalchemy as sa

from sevenstep.engine.durable import make_folder, replace_file
from sevenstep.live.check import Check
from sevenstep.live.items import KEY, from_texts, key_texts
from sevenstep.live.ledger.tables import arrivals, observations
from sevenstep.live.monitor.references import FOLDER
from sevenstep.live.monitor.released import Released
from sevenstep.stats.compare import holm
from sevenstep.stats.scored import FloatArray
from sevenstep.wording import counted

__all__ = ["feed_checks", "rhythms", "series_checks", "silence_p"]

FEWEST = 5  # gaps between reports that make a rhythm
_NAMED = 5  # series with an alarm of their own; more are told together


def silence_p(gap: FloatArray, longest: FloatArray, gaps: FloatArray, rate: FloatArray) -> FloatArray:
    """Chance that a series that goes on as before has not reported for as long, one value a series.

    That the next gap is longer than all ``gaps`` before has probability ``1 / (gaps + 1)``, whatever the rhythm; beyond it the
    silence goes on as if each step brought a report with probability ``rate``, the share of steps that did.

    Args:
        gap: steps since the last report.
        longest: longest gap before.
        gaps: how many there were; below `FEWEST` nothing can be said (1).
        rate: reports a step, at most 0.95.
    """
    beyond = np.minimum(rate, 0.95)
    p = np.maximum((1 - beyond) ** np.maximum(gap - longest, 0) / (gaps + 1), 1e-12)
    return np.asarray(np.where((gap > longest) & (gaps >= FEWEST), p, 1.0))


def rhythms(store: Path, released: Released) -> pl.DataFrame:
    """The rhythm of each series until the release, kept: `items.KEY`, ``last`` report, ``longest`` gap, ``gaps`` and ``rate``.

    Gaps are counted in steps, the usual distance of two reports of all series.
    """
    path = store / FOLDER / f"{released.release.number:04d}-rhythm.parquet"
    if path.is_file():
        return pl.read_parquet(path)
    found = _rhythms(released)
    content = BytesIO()
    found.write_parquet(content)
    make_folder(path.parent)
    replace_file(path, content.getvalue())
    return found


def _rhythms(released: Released) -> pl.DataFrame:
    roles = released.collected.roles
    known = pl.any_horizontal(pl.col(target).is_not_null() for target in roles.targets)
    rows = pl.scan_parquet(released.collected.items_file).filter(known).select(*roles.keys, str(roles.time)).collect()
    told = pl.DataFrame({KEY: key_texts(rows, roles.keys), "at": rows[str(roles.time)]}).unique().sort(KEY, "at")
    spaced = told.with_columns(pl.col("at").to_physical().diff().over(KEY).alias("gap"))
    step = spaced["gap"].drop_nulls().median() or 1
    steps = pl.col("gap") / step
    return spaced.group_by(KEY, maintain_order=True).agg(
        pl.col("at").max().alias("last"),
        steps.max().fill_null(0.0).alias("longest"),
        steps.count().cast(pl.Float64).alias("gaps"),
        (steps.count() / steps.sum()).fill_nan(1.0).alias("rate"),
        pl.lit(float(step)).alias("step"),  # type: ignore[arg-type]  # a median of numbers
    )


def series_checks(
    rhythm: pl.DataFrame, connection: sa.Connection, released: Released, kpi: str, now: datetime, alpha: float
) -> list[Check]:
    """Series that are silent for longer than their rhythm explains, beside the newest report of any."""
    table, kind = observations.c, released.collected.schema[str(released.collected.roles.time)]
    query = sa.select(table.key, sa.func.max(table.time)).where(table.published <= now).group_by(table.key)
    rows = connection.execute(query).all()
    reported = pl.DataFrame({KEY: [row[0] for row in rows]}, schema={KEY: pl.String}).with_columns(
        from_texts(pl.Series("reported", [row[1] for row in rows], dtype=pl.String), kind)
    )
    newest = reported["reported"].max()
    if newest is None or len(rhythm) < 2:
        return []
    joined = rhythm.join(reported, on=KEY, how="left").with_columns(pl.max_horizontal("last", "reported").alias("heard"))
    until, at_release = pl.lit(newest).cast(kind).to_physical(), pl.col("last").max().to_physical()
    gaps = joined.select(
        ((until - pl.col("heard").to_physical()) / pl.col("step")).alias("now"),
        ((at_release - pl.col("last").to_physical()) / pl.col("step")).alias("then"),
    )
    silent_before = ((gaps["then"] > joined["longest"]) & joined["reported"].is_null()).to_numpy()
    figures = (joined[name].to_numpy() for name in ("longest", "gaps", "rate"))
    p = np.where(silent_before, 1.0, silence_p(gaps["now"].to_numpy(), *figures))
    found = joined.with_columns(pl.Series("p", holm(p)), gaps["now"].alias("gap")).filter(pl.col("p") <= alpha).sort("p", KEY)
    return _told(list(found.iter_rows(named=True)), kpi, len(joined))


def _told(silent: Sequence[dict[str, Any]], kpi: str, of: int) -> list[Check]:
    if len(silent) > _NAMED:
        names = [_name(row[KEY]) for row in silent]
        text = f"{counted(len(silent), 'series')} of {of:,} have stopped reporting, among them {', '.join(names[:_NAMED])}"
        evidence = {"series": names}
        return [
            Check(
                "silent",
                kpi,
                "many series",
                text,
                True,
                len(silent) / of,
                None,
                None,
                of,
                _METHOD,
                silent[0]["p"],
                evidence=evidence,
            )
        ]
    return [_one(row, kpi) for row in silent]


_METHOD = "each series' own gaps between reports, corrected over all series"


def _one(row: dict[str, Any], kpi: str) -> Check:
    name = _name(row[KEY])
    text = f"{name} has not reported for {row['gap']:.0f} steps; its longest gap before was {row['longest']:.0f}"
    evidence = {"last": str(row["heard"]), "longest": row["longest"]}
    return Check("silent", kpi, name, text, True, row["gap"], None, None, int(row["gaps"]), _METHOD, row["p"], name, evidence)


def _name(key: str) -> str:
    return ", ".join(f"{column} {value}" for column, value in json.loads(key).items()) if key else "the series"


def feed_checks(connection: sa.Connection, kpi: str, now: datetime, alpha: float) -> list[Check]:
    """Nothing at all has arrived for longer than the rhythm of arrivals explains."""
    query = sa.select(arrivals.c.made).where(arrivals.c.made <= now).order_by(arrivals.c.made)
    moments = np.array([moment.timestamp() for moment in connection.execute(query).scalars()])
    gaps = np.diff(moments)
    gaps = gaps[gaps > 60]  # what came within a minute came together
    if len(gaps) < FEWEST:
        return []
    step = float(np.median(gaps))
    gap = (now.timestamp() - moments[-1]) / step
    figures = np.array([gap]), np.array([gaps.max() / step]), np.array([float(len(gaps))]), np.array([step / gaps.mean()])
    p = float(silence_p(*figures)[0])
    text = f"nothing has arrived for {gap * step / 3600:.0f} hours; arrivals usually come every {step / 3600:.0f}"
    evidence = {"longest_hours": float(gaps.max()) / 3600}
    return [
        Check(
            "silent",
            kpi,
            "arrivals",
            text,
            p <= alpha,
            gap * step / 3600,
            None,
            None,
            len(gaps),
            "gaps between arrivals",
            p,
            "the feed",
            evidence,
        )
    ]
