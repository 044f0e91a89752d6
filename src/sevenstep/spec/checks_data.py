"""What the keys of the ``data`` section must not say together: which source is the main table, how it is read, what is secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sevenstep.spec.grammar import Grammar
from sevenstep.spec.places import Place
from sevenstep.spec.problems import Problem, some
from sevenstep.spec.secrets import holds_secret
from sevenstep.spec.sources import READING_KEYS

__all__ = ["check_data"]

Tree = Mapping[str, Any]


def check_data(tree: Tree, grammar: Grammar) -> Iterator[Problem]:
    """Every contradiction within ``data``."""
    data = tree.get("data")
    if not isinstance(data, Mapping):
        return
    if "documents" in grammar.data_keys:
        yield from _check_corpus(data)
    else:
        yield from _check_form(data)
        if data.get("format") == "squad":
            given, rule = "format 'squad'", f"documents with questions are no rows of task '{grammar.task}'"
            fix = "give rows, or choose a task that answers from documents"
            yield Problem(("data", "format"), "SPEC-NO-CHOICE", given, rule, fix)
    yield from _check_secrets(data.get("source"), ("data", "source"))
    yield from _check_time(data.get("time"))
    yield from _check_limits(data.get("limits"))
    yield from _check_tolerances(data.get("tolerances"))
    sources = data.get("sources")
    if isinstance(sources, Mapping):
        for name, source in sources.items():
            if isinstance(source, Mapping):
                yield from _check_source(source, name)
        yield from _check_main(sources)


def _check_form(data: Tree) -> Iterator[Problem]:
    """One source or several, and the reading keys where they belong."""
    if "source" in data and "sources" in data:
        fix = "keep one of them"
        yield Problem(
            ("data", "sources"), "SPEC-SOURCES", "both 'source' and 'sources'", "data come from one or the other", fix, "key"
        )
    if "source" not in data and "sources" not in data:
        yield Problem(
            ("data",), "SPEC-MISSING-KEY", "no 'source' in 'data'", "'source' or 'sources' is required", "add one of them", "key"
        )
    if "sources" in data and "source" not in data:
        for key in (key for key in READING_KEYS if key in data):
            rule, fix = f"with 'sources', '{key}' belongs to each source", "move it into the source it is meant for"
            yield Problem(("data", key), "SPEC-SOURCES", f"'{key}' in 'data'", rule, fix, "key")
    if isinstance(data.get("source"), Mapping) and "query" not in data:
        rule = "a secret source is a database URL and goes with a query"
        yield Problem(
            ("data", "source"), "SPEC-SOURCES", "a secret 'source' without 'query'", rule, "add query: SELECT ...", "key"
        )
    if isinstance(data.get("source"), list) and "query" in data:
        yield Problem(
            ("data", "query"), "SPEC-SOURCES", "a 'query' with several sources", "a query runs at one URL", "name one URL", "key"
        )


def _check_corpus(data: Tree) -> Iterator[Problem]:
    """Documents with questions beside them, or the one form that holds both."""
    place: Place = ("data",)
    if "sources" in data:
        rule = "documents come from 'documents', or with their questions from 'source' in the form of SQuAD"
        yield Problem((*place, "sources"), "SPEC-SOURCES", "'sources'", rule, "name them as documents: {path: ...}", "key")
    elif "documents" in data and "source" in data:
        rule = "documents come from one or the other"
        yield Problem((*place, "source"), "SPEC-SOURCES", "both 'source' and 'documents'", rule, "keep one of them", "key")
    elif "documents" not in data and "source" not in data:
        rule = "'documents' is required, or 'source' with format: squad"
        yield Problem(place, "SPEC-MISSING-KEY", "no 'documents' in 'data'", rule, "add documents: {path: FOLDER}", "key")
    elif "source" in data and data.get("format") != "squad":
        rule = "a source of documents with their questions has the form of SQuAD"
        fix = "add format: squad, or name the files as documents: {path: ...}"
        yield Problem((*place, "source"), "SPEC-SOURCES", "a 'source' without format: squad", rule, fix, "key")
    elif "documents" in data and "format" in data:
        rule = "with 'documents', a format belongs to them, to the questions or to the judgements"
        yield Problem(
            (*place, "format"), "SPEC-SOURCES", "'format' in 'data'", rule, "move it to the part it is meant for", "key"
        )
    for key in ("questions", "judgements"):
        if "source" in data and key in data:
            rule = "a source in the form of SQuAD holds them"
            yield Problem((*place, key), "SPEC-SOURCES", f"both 'source' and '{key}'", rule, "remove one of them", "key")
    if "judgements" in data and "questions" not in data and "documents" in data:
        rule = "judgements are of questions"
        yield Problem((*place, "judgements"), "SPEC-SOURCES", "'judgements' without 'questions'", rule, "add questions", "key")


def _check_source(source: Tree, name: str) -> Iterator[Problem]:
    place: Place = ("data", "sources", name)
    if ("path" in source) == ("url" in source):
        given = f"both 'path' and 'url' in source '{name}'" if "path" in source else f"no 'path' in source '{name}'"
        rule = "a source is a path, or a url with a query"
        yield Problem(place, "SPEC-SOURCES", given, rule, "keep one" if "path" in source else "add path: FILE", "key")
    for one, other in (("url", "query"), ("query", "url")):
        if one in source and other not in source:
            fix = f"add '{other}'"
            yield Problem(
                (*place, one), "SPEC-SOURCES", f"'{one}' without '{other}'", "a url and a query go together", fix, "key"
            )
    if "published" in source and "on" not in source:
        rule = "rows join as they were published only where a source has 'on'"
        yield Problem((*place, "published"), "SPEC-SOURCES", f"'published' in the main table '{name}'", rule, "add 'on'", "key")
    yield from _check_secrets(source.get("path"), (*place, "path"))
    yield from _check_secrets(source.get("url"), (*place, "url"))


def _check_main(sources: Tree) -> Iterator[Problem]:
    """Exactly one source has no ``on``: the main table, to which the others join."""
    main = [name for name, source in sources.items() if isinstance(source, Mapping) and "on" not in source]
    place: Place = ("data", "sources")
    rule = "one source, the main table, has no 'on'; the others say which columns they join on"
    if not sources:
        yield Problem(
            place, "SPEC-SOURCES", "'sources' without a source", "data come from somewhere", "add name: {path: FILE}", "key"
        )
    elif not main:
        yield Problem(place, "SPEC-SOURCES", "no main table", rule, f"remove 'on' from one of {some(sources)}", "key")
    for name in main[1:]:
        given = f"source '{name}' without 'on'"
        yield Problem((*place, name), "SPEC-SOURCES", given, f"'{main[0]}' is the main table; {rule}", "add on: [COLUMN]", "key")


def _check_secrets(value: Any, place: Place) -> Iterator[Problem]:
    for position, text in enumerate(value if isinstance(value, list) else [value]):
        if isinstance(text, str) and holds_secret(text):
            given = f"a password in '{place[-1]}'"
            fix = f"keep the URL in an environment variable and write {place[-1]}: {{env: NAME}}"
            if place[-1] == "path":
                fix = "leave it out: object stores take their password from the environment"
            here = (*place, position) if isinstance(value, list) else place
            yield Problem(here, "SPEC-SECRET", given, "a spec holds no secret", fix, "key")


def _check_time(time: Any) -> Iterator[Problem]:
    if isinstance(time, Mapping) and "date" not in time and "year" not in time:
        rule = "the parts of a time begin with a date or a year"
        yield Problem(("data", "time"), "SPEC-TIME", f"a time of {some(time)}", rule, "add date: COLUMN or year: COLUMN", "key")


def _check_limits(limits: Any) -> Iterator[Problem]:
    for column, bound in limits.items() if isinstance(limits, Mapping) else ():
        low, high = (bound.get("min"), bound.get("max")) if isinstance(bound, Mapping) else (None, None)
        if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low > high:
            given = f"limits of '{column}' from {low} to {high}"
            yield Problem(("data", "limits", column), "SPEC-LIMITS", given, "min is not above max", "swap them")


def _check_tolerances(tolerances: Any) -> Iterator[Problem]:
    """Limits in their order, one of them at least, and a target between them."""
    for column, given in tolerances.items() if isinstance(tolerances, Mapping) else ():
        if isinstance(given, Mapping):
            yield from _check_tolerance(("data", "tolerances", column), column, given)


def _check_tolerance(place: Place, column: str, given: Tree) -> Iterator[Problem]:
    lower, upper, target = (_number(given.get(key)) for key in ("lower", "upper", "target"))
    if given.get("lower") is None and given.get("upper") is None:
        told, rule = f"a tolerance of '{column}' without a limit", "it has a lower limit, an upper one, or both"
        yield Problem(place, "SPEC-TOLERANCE", told, rule, "add lower: NUMBER or upper: NUMBER", "key")
    if lower is not None and upper is not None and lower >= upper:
        told = f"a tolerance of '{column}' from {lower:g} to {upper:g}"
        fix = "swap them" if lower > upper else "widen it"
        yield Problem(place, "SPEC-TOLERANCE", told, "lower is below upper", fix)
    elif target is not None and ((lower is not None and target < lower) or (upper is not None and target > upper)):
        told = f"a target of {target:g} outside the tolerance of '{column}'"
        yield Problem((*place, "target"), "SPEC-TOLERANCE", told, "the value aimed at keeps the tolerance", "mend one of them")


def _number(value: Any) -> float | None:
    """A number; None for anything else, which the types of the spec tell."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
