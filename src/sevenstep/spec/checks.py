"""Combinations no single key is to blame for: KPIs against the task, columns with two roles, sources that contradict.

The checks read the plain tree and step over whatever has the wrong shape (that is reported by its model), so that one reading
finds every fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sevenstep.spec.grammar import Grammar
from sevenstep.spec.metrics import metric_sense
from sevenstep.spec.places import Place
from sevenstep.spec.problems import Problem, did_you_mean, some
from sevenstep.spec.units import Goal

__all__ = ["check_budget", "check_columns", "check_kpis", "check_targets", "measured_on"]

_FLIPPED = {"<=": ">=", "<": ">", ">=": "<=", ">": "<"}
Tree = Mapping[str, Any]


def names_in(value: Any) -> list[str]:
    """A name or a list of names as a list; anything else holds none."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def check_targets(tree: Tree, grammar: Grammar) -> Iterator[Problem]:
    """As many targets as the task takes."""
    targets = tree.get("target")
    task = f"task '{grammar.task}'"
    if isinstance(targets, Mapping) and "one_of" in targets and not grammar.takes_flags:
        rule, fix = f"{task} predicts columns, not one class of several", "name the column to be predicted"
        yield Problem(("target",), "SPEC-TARGETS", "a target 'one_of' flag columns", rule, fix)
    if grammar.targets == "none" and targets is not None:
        yield Problem(("target",), "SPEC-TARGETS", "a 'target'", f"{task} takes none", "remove 'target'", "key")
    elif grammar.targets != "none" and targets in (None, []):
        rule = "'target' is required (the column to be predicted)"
        yield Problem((), "SPEC-MISSING-KEY", "no 'target'", rule, "for example target: sales", "key")
    elif grammar.targets == "one" and len(names_in(targets)) > 1:
        yield Problem(("target",), "SPEC-TARGETS", f"{len(names_in(targets))} targets", f"{task} takes one", "keep one of them")


def check_kpis(tree: Tree, grammar: Grammar) -> Iterator[Problem]:
    """Ids, metrics, goals, targets, weights and baselines of the KPIs."""
    kpis, targets = tree.get("kpis"), list(dict.fromkeys(names_in(tree.get("target"))))
    seen: set[str] = set()
    for position, kpi in enumerate(kpis if isinstance(kpis, list) else ()):
        if not isinstance(kpi, Mapping):
            continue
        place: Place = ("kpis", position)
        yield from _check_id(kpi, place, seen)
        yield from _check_metric(kpi, place, grammar)
        yield from _check_goal(kpi, place)
        yield from _check_measured(kpi, place, grammar) if grammar.measures else _check_target(kpi, place, targets)
        yield from _check_weights(kpi, place)
        yield from _check_baseline(kpi, place, grammar)


def _check_id(kpi: Tree, place: Place, seen: set[str]) -> Iterator[Problem]:
    name = kpi.get("id")
    if not isinstance(name, str):
        return
    if name in seen:
        fix = f"give one of them another id, such as '{name}_2'"
        yield Problem((*place, "id"), "SPEC-KPI-ID", f"two KPIs with the id '{name}'", "an id names one KPI", fix)
    seen.add(name)


def _check_metric(kpi: Tree, place: Place, grammar: Grammar) -> Iterator[Problem]:
    metric = kpi.get("metric")
    if not isinstance(metric, str) or _takes(grammar, metric):
        return
    fix = did_you_mean(metric, grammar.metrics, "choose one of them")
    rule = f"metrics of task '{grammar.task}': {some(grammar.metrics)}"
    yield Problem((*place, "metric"), "SPEC-KPI-METRIC", f"unknown metric '{metric}'", rule, fix)


def _takes(grammar: Grammar, metric: str) -> bool:
    name, _, number = metric.partition("@")
    if number.isdecimal() and int(number) > 0:
        return f"{name}@k" in grammar.metrics
    return metric in grammar.metrics and not metric.endswith("@k")


def _check_goal(kpi: Tree, place: Place) -> Iterator[Problem]:
    sense = metric_sense(str(kpi.get("metric")))
    try:
        goal = Goal.parse(str(kpi.get("goal")))
    except ValueError:
        return
    if sense is None:
        return
    if sense.share and abs(goal.value) > 1.5:
        rule = f"{kpi['metric']} is a share: 1 means 100 %"
        fix = f'did you mean "{Goal(goal.operator, goal.value / 100)}"?'
        yield Problem((*place, "goal"), "SPEC-GOAL-SHARE", f'goal "{goal}"', rule, fix)
    if sense.direction in ("target", goal.direction):
        return
    better = f"for {kpi['metric']} {sense.direction} is better"
    fix = f'did you mean "{Goal(_FLIPPED[goal.operator], goal.value)}"?'  # type: ignore[arg-type]
    yield Problem((*place, "goal"), "SPEC-GOAL-DIRECTION", f'goal "{goal}"', better, fix)


def _check_target(kpi: Tree, place: Place, targets: list[str]) -> Iterator[Problem]:
    target = kpi.get("target")
    if target is None and len(targets) > 1:
        rule = f"with several targets a KPI says which one it is measured on: {some(targets)}"
        yield Problem(place, "SPEC-KPI-TARGET", f"no 'target' in KPI '{kpi.get('id')}'", rule, f"add target: {targets[0]}")
    elif isinstance(target, str) and targets and target not in targets:
        rule = f"a KPI is measured on a target of the spec: {some(targets)}"
        fix = did_you_mean(target, targets, f"choose one, or add '{target}' to target")
        yield Problem((*place, "target"), "SPEC-KPI-TARGET", f"target '{target}'", rule, fix)


def measured_on(metric: str, target: str | None, grammar: Grammar) -> str:
    """The target of a metric where the task takes none of the person's: its own, else the one named, else nothing."""
    name, at, _ = metric.partition("@")
    return grammar.measures.get(f"{name}@k" if at else name, "") or (target or "")


def _check_measured(kpi: Tree, place: Place, grammar: Grammar) -> Iterator[Problem]:
    """A target that is named is the one the metric is measured on."""
    target, metric = kpi.get("target"), kpi.get("metric")
    if not isinstance(target, str) or not isinstance(metric, str) or not _takes(grammar, metric):
        return
    own = measured_on(metric, None, grammar)
    known = [own] if own else list(dict.fromkeys(name for name in grammar.measures.values() if name))
    if target not in known:
        rule = f"{metric} is measured on {' or '.join(known)}"
        fix = "leave it out" if own else did_you_mean(target, known, "choose one of them")
        yield Problem((*place, "target"), "SPEC-KPI-TARGET", f"target '{target}'", rule, fix)


def check_budget(tree: Tree, grammar: Grammar) -> Iterator[Problem]:
    """Money and tokens are bounded only where some may be spent."""
    budget = tree.get("budget")
    for key in ("usd", "tokens"):
        if isinstance(budget, Mapping) and budget.get(key) is not None and not grammar.spends:
            rule = f"task '{grammar.task}' calls nothing that is billed"
            yield Problem(("budget", key), "SPEC-BUDGET", f"a budget in {key}", rule, "remove it", "key")


def _check_weights(kpi: Tree, place: Place) -> Iterator[Problem]:
    sense = metric_sense(str(kpi.get("metric")))
    if kpi.get("weights") and sense is not None and not sense.takes_weights:
        given, fix = f"weights with {kpi['metric']}", "remove them, or choose wmae"
        yield Problem((*place, "weights"), "SPEC-KPI-WEIGHTS", given, f"{kpi['metric']} takes no weights", fix, "key")


def _check_baseline(kpi: Tree, place: Place, grammar: Grammar) -> Iterator[Problem]:
    baseline = kpi.get("baseline")
    if isinstance(baseline, str) and baseline not in grammar.baselines:
        rule = f"baselines of task '{grammar.task}': {some(grammar.baselines)}"
        fix = did_you_mean(baseline, grammar.baselines, "choose one of them")
        yield Problem((*place, "baseline"), "SPEC-KPI-BASELINE", f"unknown baseline '{baseline}'", rule, fix)


def check_columns(tree: Tree) -> Iterator[Problem]:
    """No column is both left out and used, and no target is also the time or names the series."""
    data = tree.get("data")
    if not isinstance(data, Mapping):
        return
    dropped, targets = names_in(data.get("drop")), names_in(tree.get("target"))
    time = data.get("time")
    times = names_in(list(time.values())) if isinstance(time, Mapping) else names_in(time)
    roles = {"target": targets, "time": times, "series": names_in(data.get("series")), "segments": names_in(data.get("segments"))}
    for role, columns in roles.items():
        for column in dict.fromkeys(columns):
            if column in dropped:
                yield _two_roles(("data", "drop"), column, f"it is also used as {role}", "keep the column, or do not use it")
            if role in ("time", "series") and column in targets:
                yield _two_roles(("data", role), column, "it is the target", "choose another column")


def _two_roles(place: Place, column: str, rule: str, fix: str) -> Problem:
    return Problem(place, "SPEC-COLUMN-ROLES", f"column '{column}' in '{place[-1]}'", rule, fix)
