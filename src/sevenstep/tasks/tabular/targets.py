"""What the values of the target say: classes in order, what each wrong decision costs, whether logarithms are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from sevenstep.data.naming import did_you_mean, listed
from sevenstep.errors import InputError
from sevenstep.tasks.tabular.problem import class_texts
from sevenstep.tasks.tabular.section import Costs

__all__ = ["class_facts", "number_facts"]

_MOST_CLASSES = 100
_SKEWED = 2.0
_FOLD = 50.0  # how many times the smallest usual value the largest is, before errors are taken to grow with the value

Fact = dict[str, Any]


def class_facts(known: pl.Series, flags: Sequence[str], positive: str | None, costs: Costs | None) -> dict[str, Fact]:
    """The facts ``classes``, ``miss`` and ``priced``.

    Args:
        known: the target of the rows that have one.
        flags: flag columns the target is composed of, in their order.
        positive: the class that alarms, of two, as the spec says it.
        costs: costs of wrong decisions, as the spec says them.

    Raises:
        InputError: one class alone, a number taken for a class, or a class named in the spec that no row has.
    """
    classes, reason = _classes(known, flags)
    if positive is not None and len(classes) > 2:
        given = f"classification.positive is given and '{known.name}' has {len(classes)} classes"
        raise InputError("TABULAR-POSITIVE", given, "only of two classes is one the positive one", "leave it out")
    if len(classes) == 2:
        classes, reason = _two(known, classes, positive)
    return {"classes": {"value": classes, "reason": reason}, **_costs(classes, costs)}


def _classes(known: pl.Series, flags: Sequence[str]) -> tuple[list[str], str]:
    count = known.n_unique()
    if count < 2:
        given = f"the target '{known.name}' is {_shown(known)} in all {len(known):,} rows"
        raise InputError("TABULAR-ONE-CLASS", given, "a class is learnt from rows of two classes at least", "add other rows")
    if count > _MOST_CLASSES:
        fix = "for a number write task: regression" if known.dtype.is_numeric() else "merge rare classes in the source"
        given = f"the target '{known.name}' has {count:,} different values"
        raise InputError("TABULAR-CLASSES", given, f"a classification has {_MOST_CLASSES} classes at most", fix)
    if flags:
        texts = set(class_texts(known).to_list())
        return [flag for flag in flags if flag in texts], "the flags, in their order"
    return class_texts(known.unique().sort()).to_list(), "in their order"


def _shown(known: pl.Series) -> str:
    return f"'{class_texts(known)[0]}'" if len(known) else "missing"


def _two(known: pl.Series, classes: list[str], positive: str | None) -> tuple[list[str], str]:
    """Two classes, the negative first."""
    if positive is not None:
        alarm, reason = _named(positive, classes, "classification.positive"), "spec"
    else:
        counts = class_texts(known).value_counts(sort=True)["count"].to_list()
        rows = dict(zip(*class_texts(known).value_counts(sort=True), strict=True))
        alarm = min(reversed(classes), key=lambda name: rows[name])
        reason = f"'{alarm}' is the rarer: {min(counts):,} of {len(known):,} rows"
    return [name for name in classes if name != alarm] + [alarm], reason


def _named(name: str, classes: Sequence[str], key: str) -> str:
    """The class a person means: a number or a truth value may be written differently from the data."""
    same = {_plain(known): known for known in classes}
    if name in classes or _plain(name) in same:
        return name if name in classes else same[_plain(name)]
    rule = f"it names a class: {listed(classes)}"
    raise InputError("TABULAR-NO-CLASS", f"'{name}' in {key} is no class of the target", rule, did_you_mean(name, classes))


def _plain(name: str) -> str:
    try:
        return f"{float(name):g}"
    except ValueError:
        return name.casefold() if name.casefold() in ("true", "false") else name


def _costs(classes: Sequence[str], costs: Costs | None) -> dict[str, Fact]:
    if costs is None:
        reason = "no costs are given: each error costs the same"
        return {"miss": {"value": [1.0] * len(classes), "reason": reason}, "priced": {"value": False, "reason": reason}}
    value = _two_costs(classes, costs) if len(classes) == 2 else _many_costs(classes, costs)
    return {"miss": {"value": value, "reason": "spec"}, "priced": {"value": True, "reason": "spec"}}


def _two_costs(classes: Sequence[str], costs: Costs) -> list[float]:
    """Of a false alarm (the negative class not found), then of a miss."""
    if not isinstance(costs.miss, dict):
        return [float(costs.false_alarm), float(costs.miss)]
    named = _by_class(classes, costs.miss)
    return [named.get(classes[0], float(costs.false_alarm)), named.get(classes[1], 1.0)]


def _many_costs(classes: Sequence[str], costs: Costs) -> list[float]:
    if "false_alarm" in costs.model_fields_set:
        given = f"classification.costs.false_alarm is given and there are {len(classes)} classes"
        rule = "with more than two classes errors cost by the true class"
        raise InputError("TABULAR-COSTS", given, rule, "write miss: {CLASS: COST}")
    if not isinstance(costs.miss, dict):
        return [float(costs.miss)] * len(classes)
    named = _by_class(classes, costs.miss)
    return [named.get(name, 1.0) for name in classes]


def _by_class(classes: Sequence[str], miss: dict[str, float]) -> dict[str, float]:
    return {_named(name, classes, "classification.costs.miss"): float(cost) for name, cost in miss.items()}


def number_facts(known: pl.Series, log: bool | None) -> dict[str, Fact]:
    """The fact ``log`` of a target that is a number.

    Raises:
        InputError: the target is no number, never changes, or has values without a logarithm where logarithms are asked for.
    """
    if not known.dtype.is_numeric():
        kind = "texts" if known.dtype == pl.String else str(known.dtype)
        given = f"the target '{known.name}' holds {kind}, such as {str(known[0])!r}" if len(known) else f"'{known.name}' is empty"
        fix = f"mend the column, or set data.types.{known.name}: number; for classes write task: classification"
        raise InputError("TABULAR-NO-NUMBER", given, "a regression predicts numbers", fix)
    values = known.cast(pl.Float64).to_numpy()
    if float(values.min()) == float(values.max()):
        given = f"the target '{known.name}' is {values[0]:g} in all {len(values):,} rows"
        raise InputError("TABULAR-CONSTANT", given, "a target must vary to be learnt", "take more rows, or another target")
    return {"log": _given_log(known.name, values, log) if log is not None else _told_log(values)}


def _given_log(name: str, values: np.ndarray[Any, np.dtype[np.float64]], log: bool) -> Fact:
    if log and values.min() < 0:
        given = f"regression.log is true and '{name}' goes down to {values.min():g}"
        raise InputError("TABULAR-LOG", given, "numbers below 0 have no logarithm", "leave log out")
    return {"value": log, "reason": "spec"}


def _told_log(values: np.ndarray[Any, np.dtype[np.float64]]) -> Fact:
    """Logarithms where positive values spread over orders of magnitude and their logarithms are less skewed."""
    if values.min() <= 0:
        return {"value": False, "reason": "some values are 0 or below"}
    low, high = np.quantile(values, [0.05, 0.95])
    skew, after = float(stats.skew(values)), float(stats.skew(np.log(values)))
    if skew >= _SKEWED and high / low >= _FOLD and abs(after) < skew / 2:
        reason = f"skewness {skew:.1f}, of logarithms {after:.1f}; the 95 % point is {high / low:.0f} times the 5 % point"
        return {"value": True, "reason": reason}
    return {"value": False, "reason": f"values do not spread over orders of magnitude (skewness {skew:.1f})"}
