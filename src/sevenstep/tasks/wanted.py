"""What a person asks of the comparison: which candidates, with which parameters, and what to search.

The same for every task that has a catalogue of candidates; the task says in a `Menu` what there is to ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from sevenstep.errors import InputError
from sevenstep.spec.brief import Brief
from sevenstep.spec.design import Between, Extra, Try, Wanted
from sevenstep.spec.problems import did_you_mean
from sevenstep.tasks.contract import Range

__all__ = ["Entry", "Kind", "Menu", "wanted"]


class Entry(Protocol):
    """One candidate of a task's catalogue, a dataclass with these fields and more of the task's own."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def name(self) -> str:
        """Shown to people."""
        ...

    @property
    def family(self) -> str:
        """Which of the task's families fits it."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Starting values."""
        ...

    @property
    def space(self) -> Mapping[str, Range]:
        """What the search may change."""
        ...

    @property
    def baseline(self) -> bool:
        """A simple rule."""
        ...


E = TypeVar("E", bound=Entry)


Kind = Literal["number", "number or 0", "numbers", "truth"]
"""Values of a parameter: a number above 0, one that may be 0, a list of numbers above 0, or true and false."""

_RULES: Mapping[Kind, str] = {
    "number": "it is a number above 0",
    "number or 0": "it is a number of at least 0",
    "numbers": "it is a number above 0, or a list of such numbers",
    "truth": "it is true or false",
}


@dataclass(frozen=True)
class Menu:
    """What there is to ask for.

    Args:
        noun: the kind of problem in a sentence (``a forecast``).
        code: first word of its error codes.
        names: every candidate of the catalogue.
        parameters: what a person may set or search, by family.
        words: values of the parameters that are words.
        kinds: what the values of other parameters are, by name: see `Kind`; numbers above 0 where nothing is said.
    """

    noun: str
    code: str
    names: Sequence[str]
    parameters: Mapping[str, Sequence[str]]
    words: Mapping[str, Sequence[str]]
    kinds: Mapping[str, Kind] = field(default_factory=dict)


def wanted(menu: Menu, brief: Brief, target: str, catalog: Sequence[E], fits: Callable[[E], bool]) -> list[E]:
    """The candidates of a target: those that fit, or those the spec restricts the comparison to, and those it adds.

    Args:
        menu: what there is to ask for.
        brief: of the design step.
        target: the target.
        catalog: every candidate there is, in the order of its worth.
        fits: whether the data speak for a candidate.

    Raises:
        InputError: ``...-CANDIDATE`` for a name or family there is not, or a name given twice; ``...-PARAMETER`` for a parameter
            the family does not have, or a word it does not know.
    """
    asked = brief.design.candidates
    _check_names(menu, [item if isinstance(item, str) else item.name or item.family for item in asked])
    for item in (*asked, *brief.design.extra):
        if not isinstance(item, str):
            _check_family(menu, item.family, "design.extra" if isinstance(item, Extra) else "design.candidates")
            _check_parameters(menu, item)
    named = {kpi.baseline for kpi in brief.kpis if kpi.baseline and kpi.target in (target, None)}
    able = [entry for entry in catalog if fits(entry) or (entry.baseline and entry.name in named)]
    entries = able
    if asked:
        rules = {entry.name for entry in able if entry.baseline}
        kept = [entry for entry in catalog if entry.name in rules or _is_asked(entry, asked, target)]
        entries = [_with_wish(entry, asked, target) for entry in kept]
    likely = [*able, *(entry for entry in catalog if entry not in able)]
    extra = [_added(item, likely) for item in brief.design.extra if item.target in (None, target)]
    _check_distinct(menu, [entry.name for entry in (*entries, *extra)])
    return entries + extra


def _check_distinct(menu: Menu, names: Sequence[str]) -> None:
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        given = f"design.extra names '{twice}', which is the name of another candidate"
        raise InputError(f"{menu.code}-CANDIDATE", given, "scores are told apart by name", "give it a name of its own")


def _check_names(menu: Menu, names: Sequence[str]) -> None:
    known = list(dict.fromkeys([*menu.names, *menu.parameters]))
    for name in names:
        if name not in known:
            given = f"'{name}' in design.candidates is no candidate of {menu.noun}"
            rule = f"there are {', '.join(menu.names)}"
            fix = did_you_mean(name, known, f"name one of them, or a family: {', '.join(menu.parameters)}")
            raise InputError(f"{menu.code}-CANDIDATE", given, rule, fix)


def _check_family(menu: Menu, family: str, place: str) -> None:
    if family not in menu.parameters:
        rule = f"families of {menu.noun} are {', '.join(menu.parameters)}"
        fix = did_you_mean(family, list(menu.parameters), "name one of them")
        raise InputError(f"{menu.code}-CANDIDATE", f"the family '{family}' in {place}", rule, fix)


def _check_parameters(menu: Menu, item: Wanted | Extra) -> None:
    """Every parameter is one of the family's, and a word one that it knows."""
    known = menu.parameters[item.family]
    for name, value in item.parameters.items():
        if name not in known:
            given = f"parameter '{name}' of {item.name or item.family} in design"
            rule = f"parameters of {item.family} are {', '.join(known)}" if known else f"{item.family} has no parameters"
            raise InputError(f"{menu.code}-PARAMETER", given, rule, did_you_mean(name, known, "name one of them"))
        what = f"{name} of {item.name or item.family} in design"
        if name in menu.words:
            _check_words(menu, what, _tried(value), menu.words[name])
        elif not isinstance(value, Between):
            _check_values(menu, what, _tried(value), menu.kinds.get(name, "number"))


def _check_words(menu: Menu, what: str, words: Sequence[Any], known: Sequence[str]) -> None:
    for word in words:
        if word not in known:
            fix = did_you_mean(str(word), known, "choose one of them")
            raise InputError(f"{menu.code}-PARAMETER", f"{what} is '{word}'", f"it is one of {', '.join(known)}", fix)


def _check_values(menu: Menu, what: str, values: Sequence[Any], kind: Kind) -> None:
    for value in values:
        listed = value if kind == "numbers" and isinstance(value, (list, tuple)) else [value]
        wrong = next((item for item in listed if not _is(item, kind)), None)
        if wrong is not None:
            fix = "write true or false" if kind == "truth" else "write a number"
            raise InputError(f"{menu.code}-PARAMETER", f"{what} is '{wrong}'", _RULES[kind], fix)


def _is(value: Any, kind: Kind) -> bool:
    if kind == "truth" or isinstance(value, bool):
        return kind == "truth" and isinstance(value, bool)
    return isinstance(value, (int, float)) and (value > 0 or (value == 0 and kind == "number or 0"))


def _tried(value: Any) -> Sequence[Any]:
    return value.values if isinstance(value, Try) else (value,)


def _is_asked(entry: Entry, asked: Sequence[str | Wanted], target: str) -> bool:
    return any(item in (entry.name, entry.family) if isinstance(item, str) else _means(item, entry, target) for item in asked)


def _means(item: Wanted, entry: Entry, target: str) -> bool:
    return item.family == entry.family and item.name in (None, entry.name) and item.target in (None, target)


def _with_wish(entry: E, asked: Sequence[str | Wanted], target: str) -> E:
    """The entry with the parameters asked for; only what was asked for counts as such, simple rules are always there."""
    if not _is_asked(entry, asked, target):
        return entry
    wishes = [item for item in asked if not isinstance(item, str) and _means(item, entry, target)]
    return _with_parameters(entry, wishes[0].parameters if wishes else {})


def _added(item: Extra, catalog: Sequence[E]) -> E:
    """A candidate of the person's own, from the entry of its family that is most like it; of those that are alike the first."""
    family = [entry for entry in catalog if entry.family == item.family]
    fixed, _ = _split(item.parameters)
    kind = {name: value for name, value in fixed.items() if isinstance(value, str)}
    base = next((entry for entry in family if entry.parameters.items() >= kind.items()), family[0])
    return _with_parameters(replace(base, name=item.name, reason="asked for in the spec", baseline=False), item.parameters)


def _with_parameters(entry: E, parameters: Mapping[str, Any]) -> E:
    fixed, space = _split(parameters)
    kept = {name: value for name, value in entry.space.items() if name not in fixed}
    return replace(
        entry, parameters={**entry.parameters, **fixed}, space={**kept, **space}, asked=True, searched=bool(space)
    )  # fmt: skip


def _split(parameters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Range]]:
    """Fixed values, and what the person wants searched; a listed value to start from is the first of the list."""
    fixed: dict[str, Any] = {}
    space: dict[str, Range] = {}
    for name, value in parameters.items():
        if isinstance(value, Try):
            space[name] = Range(choices=tuple(value.values))
            fixed[name] = value.values[0]
        elif isinstance(value, Between):
            space[name] = Range(*value.range, log=value.log, integer=value.integer)
        else:
            fixed[name] = list(value) if isinstance(value, tuple) else value
    return fixed, space
