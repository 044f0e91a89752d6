"""The preprocessing recipe: what every fit does inside its own fold, each choice with the figure that speaks for it.

How columns become features is the business of `encode`; here it is told in words, by column, with what the data say for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sevenstep.data.naming import listed
from sevenstep.tasks.tabular.explore.findings import Findings
from sevenstep.tasks.tabular.explore.view import MISSING, OTHER
from sevenstep.wording import percent

__all__ = ["make_recipe"]

INSIDE, NONE = "inside the fold", "no parameters"
_NAMED, _SINGLY = 6, 40  # columns named in one line; inputs up to which each has a line of its own


def make_recipe(found: Findings) -> dict[str, Any]:
    """``columns`` (kind and use of each input), ``left_out`` (with the reason) and ``shown``: the same in words."""
    problem = found.view.problem
    columns = {name: {"kind": kind, "missing": _missing(found, name)} for name, kind in problem.kinds.items()}
    shown = [*_target(found), *_inputs(found), *_codes(found), *_left_out(found), *_common(found)]
    return {"columns": columns, "left_out": dict(found.left_out), "shown": shown}


def _missing(found: Findings, name: str) -> float:
    return next((gap.missing for gap in found.gaps if gap.column == name), 0.0)


def _entry(what: str, how: str, why: str, fitted: str) -> dict[str, str]:
    return {"what": what, "how": how, "why": why, "fitted": fitted}


def _target(found: Findings) -> Iterator[dict[str, str]]:
    problem = found.view.problem
    if problem.classes:
        counts = found.counts()
        name, rows = min(counts.items(), key=lambda item: item[1])
        how = "rows are neither repeated nor left out; probabilities are calibrated, the threshold is set by cost"
        why = f"{name} has {percent(rows / max(sum(counts.values()), 1))} of the rows; resampling would bend the probabilities"
        yield _entry(problem.target, how, why, INSIDE)
    elif problem.log:
        yield _entry(
            problem.target, "logarithms are learnt, and the prediction turned back", "its errors grow with its size", NONE
        )
    else:
        yield _entry(problem.target, "as it is", "its values do not spread over orders of magnitude", NONE)


def _inputs(found: Findings) -> Iterator[dict[str, str]]:
    kinds = found.view.problem.kinds
    if len(kinds) <= _SINGLY:
        for name in kinds:
            yield _entry(name, _how(found, name), _why(found, name), _fitted(kinds[name]))
        return
    for kind in dict.fromkeys(kinds.values()):
        names = [name for name, own in kinds.items() if own == kind]
        first = next(iter(names))
        yield _entry(f"{len(names)} columns: {listed(names, most=_NAMED)}", _how(found, first), f"kind {kind}", _fitted(kind))


def _fitted(kind: str) -> str:
    return NONE if kind in ("time", "picture") else INSIDE


def _how(found: Findings, name: str) -> str:
    match found.view.problem.kinds[name]:
        case "number":
            return "trees: as it is, missing has a branch of its own; others: by rank or in pieces between quantiles"
        case "category":
            return "trees: codes of levels; linear: one column a level; many levels: mean target of other rows with it"
        case "text":
            return "weights of words and pairs of words, condensed to a few directions; length"
        case "time":
            return "year, month, weekday, hour and seconds since the first"
        case _:
            return "features of gradients, texture and frequency, made once for all candidates"


def _why(found: Findings, name: str) -> str:
    one = next((one for one in found.strengths if one.column == name), None)
    parts = (
        [f"explains {percent(one.share)} by itself"]
        if one is not None and one.told
        else ["no more than chance by itself"]
        if one
        else []
    )
    if found.view.problem.kinds[name] == "category":
        levels = sum(label not in (MISSING, OTHER) for label in found.view.inputs[name].labels)
        parts.append(f"{levels} levels" + (" and rarer ones" if OTHER in found.view.inputs[name].labels else ""))
    if name in found.units:
        parts.append(f"numbers in '{found.units[name]}', read without it")
    gap = next((gap for gap in found.gaps if gap.column == name), None)
    if gap is not None:
        parts.append(f"missing in {percent(gap.missing)}" + (", which says something" if gap.told else ""))
    far = next((one for one in found.extremes if one.column == name), None)
    if far is not None and far.share >= 0.001:
        parts.append(f"{percent(far.share)} far out, kept: ranks and trees limit their pull")
    return "; ".join(parts)


def _codes(found: Findings) -> Iterator[dict[str, str]]:
    for name, codes in found.codes.items():
        values = listed(f"{code:g}" for code in codes)
        yield _entry(f"{name} = {values}", "read as missing", "repeated, spelled like a code and far from all other values", NONE)


def _left_out(found: Findings) -> Iterator[dict[str, str]]:
    names = list(found.left_out.items())
    for name, reason in names[:_SINGLY]:
        yield _entry(name, "left out", reason, NONE)
    if len(names) > _SINGLY:
        yield _entry(
            f"{len(names) - _SINGLY} more columns", "left out", "one value in all rows, or one of their own in each", NONE
        )


def _common(found: Findings) -> Iterator[dict[str, str]]:
    yield _entry("new levels, missing columns", "count as missing", "a row to be predicted must never stop the model", NONE)
    if found.groups:
        more = sum(len(group) - 1 for group in found.groups)
        why = f"{more} columns say nearly what others say: trees choose one, the penalty of linear models shares the weight"
        yield _entry("columns that say the same", "kept", why, NONE)
