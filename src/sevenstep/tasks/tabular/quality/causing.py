"""Ranked causes as blocks of a chapter: one sentence to begin with, and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sevenstep.chapter import Block, Column, Table
from sevenstep.stats.causes import Cause, Ranking, Shift
from sevenstep.tasks.tabular.quality.ordered import Ordered
from sevenstep.wording import percent

__all__ = ["cause_note", "cause_table"]

_NOT_PROOF = "p and intervals hold for all looks together. What goes with {what} need not cause it: it is where to look first."


def cause_note(ranking: Ranking, ordered: Ordered, units: Mapping[str, str]) -> dict[str, str]:
    """The first cause in a sentence, or that there is none."""
    target, looked = ordered.problem.target, f"{ranking.looks:,} possible causes looked at"
    if ranking.defects is None:
        evidence, none = f"n = {ranking.items:,}, {looked}", f"No cause stands out that moves {target}"
    else:
        evidence = f"n = {ranking.items:,}, {ranking.defects:,} of them so, {looked}"
        none = f"No cause stands out where {ordered.defect_text}"
    if not ranking.causes:
        return {"text": none, "evidence": evidence, "tone": "info"}
    cause = ranking.causes[0]
    text = f"Look first at {cause.text}: there {_there(cause, ordered, units.get(target, ''))}"
    return {"text": text, "evidence": f"{evidence}, p = {cause.p:.2g}", "tone": "warn"}


def _there(cause: Cause, ordered: Ordered, unit: str) -> str:
    """What is different where the cause is at work."""
    effect = cause.effect
    if not isinstance(effect, Shift):
        return f"{ordered.defect_text} in {percent(effect.rate)} of rows, else in {percent(effect.rate_without)}"
    side, of = "higher" if effect.difference > 0 else "lower", f" {unit}" if unit else ""
    low, high = sorted(abs(end) for end in (effect.difference_low, effect.difference_high))
    size = f"{abs(effect.difference):.3g}{of} {side}"
    sure = f" ({low:.3g} to {high:.3g})" if effect.difference_low * effect.difference_high > 0 else ""
    return f"{ordered.problem.target} is {size}{sure} than in rows alike otherwise"


def cause_table(ranking: Ranking, ordered: Ordered, units: Mapping[str, str]) -> Iterator[Block]:
    """All ranked causes; nothing where there is none."""
    if not ranking.causes:
        return
    looked = (
        f"Among {ranking.looks:,} levels, stretches of numbers and pairs; {ranking.items:,} rows in {ranking.clusters:,} "
        f"independent groups."
    )
    if ranking.defects is None:
        title, columns = f"What moves {ordered.problem.target}", _number_columns(units.get(ordered.problem.target, ""))
        how = "Each further cause is judged with those above it held equal"
    else:
        title, columns = f"Where to look first when {ordered.defect_text}", _DEFECT_COLUMNS
        how = "Each further cause is judged among rows of equal risk by the causes above it"
    what = "a shift" if ranking.defects is None else "defects"
    yield Table(title, columns, [_row(cause) for cause in ranking.causes], f"{looked} {how}; {_NOT_PROOF.format(what=what)}")


_DEFECT_COLUMNS = (
    Column("rank", "Rank", "integer"),
    Column("cause", "Where"),
    Column("n", "Rows", "integer"),
    Column("defects", "Cases", "integer"),
    Column("rate", "Share of rows", "percent"),
    Column("without", "Of rows alike otherwise", "percent"),
    Column("difference", "Difference", "interval"),
    Column("ratio", "Times as often", "interval"),
    Column("share", "Part of all cases", "interval"),
    Column("p", "p", "number"),
    Column("same", "Cannot be told from"),
)


def _number_columns(unit: str) -> tuple[Column, ...]:
    return (
        Column("rank", "Rank", "integer"),
        Column("cause", "Where"),
        Column("n", "Rows", "integer"),
        Column("mean", "Mean there", "number", unit),
        Column("without", "Of rows alike otherwise", "number", unit),
        Column("difference", "Difference", "interval", unit),
        Column("p", "p", "number"),
        Column("same", "Cannot be told from"),
    )


def _row(cause: Cause) -> dict[str, Any]:
    effect = cause.effect
    row = {"rank": cause.rank, "cause": cause.text, "n": cause.items, "p": cause.p, "same": ", ".join(cause.same)}
    row |= {"difference": [effect.difference, effect.difference_low, effect.difference_high]}
    if isinstance(effect, Shift):
        return row | {"mean": effect.mean, "without": effect.mean_without}
    return row | {
        "defects": cause.defects, "rate": effect.rate, "without": effect.rate_without,
        "ratio": [effect.ratio, effect.ratio_low, effect.ratio_high],
        "share": [effect.share, effect.share_low, effect.share_high],
    }  # fmt: skip
