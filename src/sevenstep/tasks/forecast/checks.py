"""Step 2 for a forecast: what is wrong or odd about the series, beyond what holds for any table.

Every check is a pass of Polars over the rows; a gate decides what follows from the findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from sevenstep.data.dataset import Dataset, Finding, Roles
from sevenstep.spec.brief import Brief
from sevenstep.tasks.forecast.clock import Clock
from sevenstep.tasks.forecast.lacking import emptier_than_before
from sevenstep.tasks.forecast.panel import Settings, build_panel
from sevenstep.tasks.forecast.soldout import lost_sales, stock_of
from sevenstep.wording import percent

__all__ = ["check"]

LOW, BUSY_ZEROS, FEW_LOW, CHANCE, BUSY_SIZE = 0.05, 0.2, 0.2, 0.01, 5.0
JUMP, JUMP_SIZE = 10.0, 0.5
LONG_SEASON = 31  # a series may pause for a season, but not for a whole year
MANY_GAPS = 0.01
MOST_ROWS = 2_000_000  # rows searched for stockouts and jumps
NAMED = 3  # examples in a sentence


@dataclass(frozen=True)
class _Rows:
    """The items with ``_series`` and ``_step``, in their order, and what the checks need to know about them."""

    frame: pl.DataFrame
    roles: Roles
    settings: Settings
    clock: Clock

    @property
    def time(self) -> str:
        return str(self.roles.time)

    def known(self) -> pl.Expr:
        return pl.any_horizontal(pl.col(target).is_not_null() for target in self.roles.targets)

    def names(self, series: pl.Series) -> str:
        """Some series in words."""
        keys = list(self.roles.keys)
        if not keys:
            return "the series"
        first = self.frame.filter(pl.col("_series").is_in(series.unique().sort().head(NAMED).implode())).unique(
            "_series", keep="first"
        )
        rows = first.sort("_series").select(keys).iter_rows(named=True)
        texts = [" ".join(f"{name} {value}" for name, value in row.items()) for row in rows]
        more = series.n_unique() - len(texts)
        return ", ".join(texts) + (f" and {more:,} more" if more > 0 else "")


def check(data: Dataset, brief: Brief) -> Sequence[Finding]:
    """All findings, errors first, then by the share of rows they touch.

    Looks for repeated and irregular times, gaps, late starts and early ends, short and empty series, suspected stockouts,
    jumps, and open rows that cannot be forecast properly: without an input that is said to be known ahead, with levels never
    seen, or not directly after the last observation.
    """
    rows = _rows(data)
    findings = [*_times(rows), *_gaps(rows), *_spans(rows), *_open_rows(rows), *_unseen_inputs(rows)]
    for target in data.roles.targets:
        frame, every = _phased(rows, target)
        among = f" (looked at every {every:,}th series)" if every > 1 else ""
        findings += [*_empty(rows, target), *_stockouts(rows, target, frame, among), *_jumps(rows, target, frame, among)]
    findings += _sold_out(data, rows.settings)
    if data.parts is not None:
        among = f"{rows.frame['_series'].n_unique():,} of {len(data.parts.keys):,} series were looked at"
        findings = [replace(finding, text=f"{finding.text} ({among})") for finding in findings]
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(findings, key=lambda finding: (order[finding.severity], -finding.share))


def _rows(data: Dataset) -> _Rows:
    settings, roles = Settings.of(data), data.roles
    time = str(roles.time)
    clock = Clock.of(data.items[time], settings.frequency)
    keys = list(roles.keys)
    row = pl.struct(keys) if len(keys) > 1 else pl.col(keys[0]) if keys else pl.lit(0)
    series = row.rank("dense").cast(pl.Int64)
    frame = data.items.with_columns(series.fill_null(-1).alias("_series"), clock.steps(pl.col(time)).alias("_step"))
    return _Rows(frame.sort("_series", "_step"), roles, settings, clock)


def _finding(code: str, severity: str, part: str, column: str, rows: int, share: float, text: str, fix: str = "") -> Finding:
    return Finding(f"FORECAST-{code}", severity, part, column, rows, share, text, fix)


def _times(rows: _Rows) -> Iterator[Finding]:
    """Two rows of a series at one time, two times within one step, and times between two steps."""
    n = len(rows.frame)
    same = (pl.col("_series") == pl.col("_series").shift(1)) & (pl.col("_step") == pl.col("_step").shift(1))
    equal = rows.frame.select(
        "_series", doubled=same.fill_null(False), exact=same & (pl.col(rows.time) == pl.col(rows.time).shift(1))
    )
    doubled = equal.filter("doubled")
    if len(doubled):
        exact = int(doubled["exact"].sum())
        who = rows.names(doubled["_series"])
        text = f"{len(doubled):,} rows share their series and step with another row ({exact:,} the exact time): {who}"
        fix = "add the missing key to data: {series: [...]}, or keep one row for each time"
        yield _finding("DUPLICATES", "error", "unique", rows.time, len(doubled), len(doubled) / n, text, fix)
    off = rows.frame.filter(rows.clock.off_grid(pl.col(rows.time)))
    if len(off):
        text = f"{len(off):,} times lie between two steps of {rows.settings.frequency}, for example {off[rows.time][0]}"
        fix = "state a finer forecast: {frequency: ...}, or round the times"
        yield _finding("OFF-GRID", "warning", "consistent", rows.time, len(off), len(off) / n, text, fix)


def _gaps(rows: _Rows) -> Iterator[Finding]:
    """Steps without a row between the first and last row of a series, and rows without a value between known ones."""
    known = rows.frame.filter(rows.known())
    span = known.group_by("_series").agg(
        (pl.col("_step").max() - pl.col("_step").min() + 1).alias("span"), pl.col("_step").n_unique().alias("n")
    )
    lacking, total = int((span["span"] - span["n"]).sum()), int(span["span"].sum())
    touched = span.filter(pl.col("span") > pl.col("n"))
    if lacking:
        share = lacking / total
        meaning = {"closed": "planned closures", "zero": "steps without demand", "missing": "values that were not recorded"}
        severity = "warning" if rows.settings.gaps == "missing" and share >= MANY_GAPS else "info"
        text = (
            f"{lacking:,} steps ({percent(share)}) inside {len(touched):,} of {len(span):,} series have no value; "
            f"they count as {meaning[rows.settings.gaps]}"
        )
        fix = "say what a gap means with forecast: {gaps: closed | zero | missing}" if rows.settings.gaps == "missing" else ""
        yield _finding("GAPS", severity, "complete", rows.time, lacking, share, text, fix)


def _spans(rows: _Rows) -> Iterator[Finding]:
    """Series that start late, ended early, or are shorter than two seasons."""
    known = rows.frame.filter(rows.known())
    span = known.group_by("_series").agg(
        pl.col("_step").min().alias("first"), pl.col("_step").max().alias("last"), pl.len().alias("n")
    )
    season = max(rows.settings.season, 1)
    low, high = int(span["first"].min() or 0), int(span["last"].max() or 0)  # type: ignore[arg-type]
    patience = max(season if season <= LONG_SEASON else 1, (high - low + 1) // 20, 2)
    if rows.settings.shared:
        late, early = span.filter(pl.col("first") > low + patience), span.filter(pl.col("last") < high - patience)
        who = rows.names(late["_series"])
        text = f"{len(late):,} of {len(span):,} series start over {patience:,} steps after the first one: {who}"
        yield from _of_series("LATE-START", "info", rows, late, text, "their early history is borrowed from like series")
        who = rows.names(early["_series"])
        text = f"{len(early):,} of {len(span):,} series ended over {patience:,} steps before the newest time: {who}"
        yield from _of_series("ENDED", "warning", rows, early, text, "take out series that will not come back")
    short = span.filter((pl.col("last") - pl.col("first") + 1) < 2 * season) if season > 1 else span.filter(pl.col("n") < 4)
    least = 2 * season if season > 1 else 4
    text = f"{len(short):,} of {len(span):,} series are shorter than {least} steps: {rows.names(short['_series'])}"
    yield from _of_series("SHORT", "warning", rows, short, text, "expect wider bounds for them, or pool them with like series")


def _of_series(code: str, severity: str, rows: _Rows, touched: pl.DataFrame, text: str, fix: str) -> Iterator[Finding]:
    """A finding about whole series, when there are any; its share is that of their rows."""
    n = int(touched["n"].sum())
    if len(touched):
        yield _finding(code, severity, "timely", rows.time, n, n / max(len(rows.frame), 1), text, fix)


def _open_rows(rows: _Rows) -> Iterator[Finding]:
    """Open rows before the last observation, and open rows that do not follow directly on it."""
    state = rows.frame.select("_series", "_step", known=rows.known())
    last = state.filter("known").group_by("_series").agg(pl.col("_step").max().alias("last"))
    open_ = state.filter(~pl.col("known")).join(last, on="_series", how="left")
    n = len(rows.frame)
    inner = open_.filter(pl.col("_step") <= pl.col("last"))
    if len(inner):
        text = f"{len(inner):,} rows before the last observation of their series have no target: {rows.names(inner['_series'])}"
        yield _finding(
            "INNER-OPEN", "warning", "complete", rows.roles.targets[0], len(inner), len(inner) / n, text, "fill them or drop them"
        )
    unborn = open_.filter(pl.col("last").is_null())
    if len(unborn):
        text = f"{len(unborn):,} open rows belong to series never observed: {rows.names(unborn['_series'])}"
        yield _finding(
            "NEW-SERIES", "warning", "complete", rows.time, len(unborn), len(unborn) / n, text, "check the keys of the open rows"
        )
    reference = int(last["last"].max() or 0)  # type: ignore[arg-type]
    start = pl.lit(reference) if rows.settings.shared else pl.col("last")
    patience = max(rows.settings.season, 1) if rows.settings.gaps == "closed" else 1
    ahead = (
        open_.filter(pl.col("_step") > pl.col("last"))
        .group_by("_series")
        .agg(pl.col("_step").min().alias("first"), pl.col("last").max())
    )
    apart = ahead.filter(pl.col("first") > start + patience)
    if len(apart):
        touched = open_.filter(pl.col("_series").is_in(apart["_series"].implode()))
        who = rows.names(apart["_series"])
        text = f"the open rows of {len(apart):,} series do not follow directly on the last observation: {who}"
        yield _finding(
            "OPEN-APART", "warning", "timely", rows.time, len(touched), len(touched) / n, text, "add the steps in between"
        )


def _unseen_inputs(rows: _Rows) -> Iterator[Finding]:
    """Open rows that lack an input said to be known ahead as no stretch of the past does, or with a level of it never seen."""
    last = pl.col("_step").filter(rows.known()).max()
    counted = rows.frame.with_columns(_after=pl.col("_step") - (last if rows.settings.shared else last.over("_series")))
    past, ahead = counted.filter(rows.known()), counted.filter(~rows.known() & (pl.col("_after") > 0))
    for column in rows.roles.known_ahead if len(ahead) else ():
        if emptier_than_before(past, ahead, "_after", column):
            lacking, n, before = ahead[column].null_count(), len(ahead), past[column].null_count() / len(past)
            missing = f"{lacking:,} of {n:,} open rows have no value ({percent(before)} in the past)"
            text = f"{column} should be known ahead, but {missing}"
            fix = f"fill {column} for the open rows, or take it out of forecast: {{known_ahead}}"
            yield _finding("FUTURE-INPUT", "warning", "complete", column, lacking, lacking / len(rows.frame), text, fix)
        if past[column].dtype in (pl.String, pl.Categorical, pl.Enum):
            new = ahead.filter(~pl.col(column).is_in(past[column].unique().drop_nulls().implode()))[column].drop_nulls()
            if len(new):
                levels = ", ".join(map(str, new.unique().sort().head(NAMED)))
                text = f"{column} has levels in {len(new):,} open rows that never occurred before: {levels}"
                yield _finding(
                    "NEW-LEVEL", "warning", "valid", column, len(new), len(new) / len(rows.frame), text, "check their spelling"
                )


def _empty(rows: _Rows, target: str) -> Iterator[Finding]:
    """Series that are 0 throughout, and series that never change."""
    value = pl.col(target).cast(pl.Float64)
    known = rows.frame.filter(pl.col(target).is_not_null())
    facts = known.group_by("_series").agg(value.min().alias("low"), value.max().alias("high"), pl.len().alias("n"))
    zero = facts.filter((pl.col("low") == 0) & (pl.col("high") == 0))
    flat = facts.filter(
        (pl.col("low") == pl.col("high")) & (pl.col("low") != 0) & (pl.col("n") > max(2 * rows.settings.season, 3))
    )
    for code, touched, words in (("ALL-ZERO", zero, "are 0 throughout"), ("CONSTANT", flat, "never change")):
        if len(touched):
            n = int(touched["n"].sum())
            text = f"{len(touched):,} series of {target} {words}: {rows.names(touched['_series'])}"
            yield _finding(code, "warning", "valid", target, n, n / len(rows.frame), text, "take them out, or check their source")


def _phased(rows: _Rows, target: str) -> tuple[pl.DataFrame, int]:
    """Known values with the median of their series and season phase; of very many rows only those of every so many-th series."""
    every = max(1, -(-len(rows.frame) // MOST_ROWS))
    season = rows.settings.season if 1 < rows.settings.season <= 366 else 1
    known = rows.frame.lazy().filter(pl.col(target).is_not_null() & (pl.col("_series") % every == 0))
    frame = known.select(
        "_series", "_step", pl.col(target).cast(pl.Float64).alias("value"), (pl.col("_step") % season).alias("phase")
    )
    usual = frame.group_by("_series", "phase").agg(pl.col("value").median().alias("usual"), pl.len().alias("seen"))
    whole = frame.group_by("_series").agg(
        pl.col("value").abs().mean().alias("size"), (pl.col("value") == 0).mean().alias("zeros")
    )
    joined = frame.join(usual, on=["_series", "phase"], how="left").join(whole, on="_series", how="left")
    return joined.sort("_series", "_step").collect(), every


def _stockouts(rows: _Rows, target: str, frame: pl.DataFrame, among: str) -> Iterator[Finding]:
    """Runs of near nothing where the series usually sells, longer than its own rare low values make by chance.

    A value is low at or under a twentieth of the median of its series and phase. A run of k low values is suspect when a series
    whose values were low independently, as often as they are, would show less than 0.01 such runs.
    """
    frame = frame.filter((pl.col("zeros") < BUSY_ZEROS) & (pl.col("seen") >= 3))
    frame = frame.with_columns(low=(pl.col("value") <= LOW * pl.col("usual")) & (pl.col("usual") >= BUSY_SIZE))
    often = frame.group_by("_series").agg(pl.col("low").mean().alias("often"), pl.len().alias("n"))
    often = often.filter(pl.col("often").is_between(0, FEW_LOW, closed="right"))
    suspect = frame.join(often, on="_series", how="inner", maintain_order="left")
    runs = suspect.with_columns(run=pl.struct("_series", "low").rle_id()).filter("low")
    runs = runs.group_by("run").agg(pl.col("_series").first(), pl.len().alias("length"), pl.col("often", "n").first())
    runs = runs.filter((pl.col("length") >= 3) & (pl.col("n") * pl.col("often") ** pl.col("length") < CHANCE))
    if len(runs):
        n = int(runs["length"].sum())
        longest, who = int(runs["length"].to_numpy().max()), rows.names(runs["_series"])
        text = f"{target} drops to nearly nothing in {len(runs):,} runs of up to {longest} steps: {who}{among}"
        fix = "were the shelves empty or the doors closed? Leave such rows out: they show supply, not demand"
        yield _finding("STOCKOUT", "warning", "valid", target, n, n / len(rows.frame), text, fix)


def _sold_out(data: Dataset, settings: Settings) -> Iterator[Finding]:
    """Rows whose stock was sold out, and about how much more was wanted there."""
    for target in (name for name in data.roles.targets if name in stock_of(data.facts)):
        panel = build_panel(data, settings)
        names = [*data.roles.keys, str(data.roles.time)]
        placed = data.items.select(names).join(
            panel.rows.select(*names, "series", "step"), on=names, how="left", nulls_equal=True, maintain_order="left"
        )
        lost = lost_sales(data, target, panel.exact_grid(target), settings.season, placed.select("series", "step").to_numpy())
        if lost is not None:
            share = lost.rows / max(lost.known, 1)
            more = f"like days tell that about {lost.wanted - lost.sold:,.0f} more were wanted than the {lost.sold:,.0f} sold"
            text = f"{target} was sold out in {lost.rows:,} rows ({percent(share)}): {more}"
            fix = "nothing to do: these rows are neither learnt from nor judged by, so that demand is forecast and not sales"
            yield _finding("SOLD-OUT", "info", "valid", target, lost.rows, share, text, fix)


def _jumps(rows: _Rows, target: str, frame: pl.DataFrame, among: str) -> Iterator[Finding]:
    """Single values ten times above their neighbours at the same phase on both sides, and of a size that matters."""
    frame = frame.sort("_series", "phase", "_step")
    mine = ["_series", "phase"]
    before, after = pl.col("value").shift(1).over(mine), pl.col("value").shift(-1).over(mine)
    higher = (
        (pl.col("value") > JUMP * before.abs())
        & (pl.col("value") > JUMP * after.abs())
        & (pl.col("value") > JUMP * pl.col("usual").abs())
    )
    spikes = frame.filter(
        higher
        & (pl.col("value") > JUMP_SIZE * pl.col("size"))
        & (pl.col("zeros") < BUSY_ZEROS)
        & (pl.col("usual").abs() >= BUSY_SIZE)
    )
    if len(spikes):
        worst = spikes.sort(pl.col("value") / pl.col("usual"), descending=True).row(0, named=True)
        moment = pl.select(rows.clock.times(pl.lit(worst["_step"], dtype=pl.Int64))).item()
        who = rows.names(spikes["_series"])
        text = (
            f"{len(spikes):,} values of {target} are over ten times their neighbours on both sides, "
            f"for example {worst['value']:,.6g} at {moment} where {worst['usual']:,.6g} is usual: {who}{among}"
        )
        yield _finding(
            "JUMPS", "warning", "valid", target, len(spikes), len(spikes) / len(rows.frame), text, "check their unit and source"
        )
