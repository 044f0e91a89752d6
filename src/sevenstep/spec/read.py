"""From a project file to a `Spec`: every fault at once, each with its line and column.

Nothing here loads a numerical library or a task: the grammars of the tasks come in from outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from sevenstep.errors import CollectedErrors, InputError
from sevenstep.spec.checks import check_budget, check_columns, check_kpis, check_targets, measured_on
from sevenstep.spec.checks_data import check_data
from sevenstep.spec.document import Document, parse_document
from sevenstep.spec.flags import apply_flags
from sevenstep.spec.grammar import Grammar, Grammars
from sevenstep.spec.model import Data, Spec
from sevenstep.spec.places import Place
from sevenstep.spec.problems import Problem, SpecError, closest, some
from sevenstep.spec.sources import TASK_KEYS
from sevenstep.spec.translate import keys_of, shown, translate

__all__ = ["SPEC_FILE", "find_spec", "read_spec"]

SPEC_FILE = "sevenstep.yaml"
"""Name of the project file in a project folder."""


def read_spec(path: str | Path, grammars: Grammars, overrides: Sequence[str] = ()) -> Spec:
    """Read the project file at ``path`` (the file, or the folder that holds ``sevenstep.yaml``).

    Args:
        path: file or folder; messages name it as given.
        grammars: the tasks there are, by name (`sevenstep.tasks.registry.grammars`).
        overrides: ``key=value`` as after ``--set``: dotted keys, values in YAML; they win over the file.

    Raises:
        InputError: there is no such file.
        CollectedErrors: the spec is wrong; ``errors`` holds one `SpecError` for each fault, in the order of the file.
    """
    file = find_spec(path)
    document = parse_document(_text(file), str(file))
    apply_flags(document, overrides)
    tree = document.tree
    if not isinstance(tree, Mapping):
        raise _collected(document, [_no_mapping(document)])
    name, problems = _task(tree, grammars)
    if name is None:
        raise _collected(document, problems)
    grammar = grammars[name]
    spec, found = _shared(tree, grammar, grammars)
    section, more = _section(tree, grammar, file.parent)
    problems += [*found, *more, *_combinations(tree, grammar)]
    if spec is None or problems or document.errors:
        raise _collected(document, problems)
    return _with_targets(spec, grammar).located(file, section, document.origins())


def find_spec(path: str | Path) -> Path:
    """The project file a path means; raises `InputError` when there is none."""
    file = Path(path)
    if file.is_dir():
        file = file / SPEC_FILE
    if file.is_file():
        return file
    given = f"there is no file '{file}'"
    fix = _other_file(file, guess=file == Path(path))
    raise InputError("SPEC-NO-FILE", given, f"a project is a folder with {SPEC_FILE}", fix)


def _other_file(file: Path, *, guess: bool) -> str:
    folder = file.parent
    names = sorted(one.name for one in folder.glob("*.y*ml")) if folder.is_dir() else []
    near = closest(file.name, names) if guess else None
    if near:
        return f"did you mean '{folder / near}'?"
    return f"name one of the specs there: {some(names[:5])}" if names else "make one with: sevenstep init"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        given = f"'{file}' holds a byte that is no UTF-8, at position {error.start}"
        raise InputError("SPEC-ENCODING", given, "a spec is a text file in UTF-8", "save it as UTF-8") from None
    except OSError as error:
        given = f"'{file}' cannot be read: {error.strerror}"
        raise InputError("SPEC-NO-FILE", given, "the spec must be readable", "check its permissions") from None


def _no_mapping(document: Document) -> Problem:
    given = "an empty file" if document.tree is None else f"{shown(document.tree)} at the top of the file"
    rule = "a spec has keys: task, data, target and kpis are required"
    return Problem((), "SPEC-EMPTY", given, rule, "see: sevenstep init --help")


def _task(tree: Mapping[str, Any], grammars: Grammars) -> tuple[str | None, list[Problem]]:
    """The task, or the one most likely meant so that reading can go on, or None."""
    task = tree.get("task")
    if isinstance(task, str) and task in grammars:
        return task, []
    rule = f"tasks there are: {some(grammars)}"
    if "task" not in tree:
        meant = next((name for name in grammars if name in tree), None)
        fix = f"add task: {meant or next(iter(grammars))}"
        return meant, [Problem((), "SPEC-MISSING-KEY", "no 'task'", f"'task' is required; {rule}", fix, "key")]
    near = closest(task, grammars) if isinstance(task, str) else None
    fix = f"did you mean '{near}'?" if near else "choose one of them, or install the package that brings it"
    return near, [Problem(("task",), "SPEC-NO-TASK", f"task {shown(task)} is not built", rule, fix)]


def _shared(tree: Mapping[str, Any], grammar: Grammar, grammars: Grammars) -> tuple[Spec | None, list[Problem]]:
    """The keys every task shares."""
    problems = [_other_section(name, grammar) for name in grammars if name in tree and name != grammar.task]
    problems += [_foreign_key(key, grammar) for key in _foreign_keys(tree, grammar)]
    shared = {key: value for key, value in tree.items() if key not in grammars} | {"task": grammar.task}
    try:
        return Spec.model_validate(shared), problems
    except ValidationError as error:
        hidden = [key for key in TASK_KEYS if key not in grammar.data_keys]
        found = translate(error, Spec, shared, hidden=hidden, more=[grammar.task])
        return None, problems + [_with_home(problem, grammar) for problem in found]


def _other_section(name: str, grammar: Grammar) -> Problem:
    rule = f"the task is '{grammar.task}', and a spec has the section of its own task alone"
    return Problem((name,), "SPEC-OTHER-SECTION", f"section '{name}'", rule, f"remove it, or set task: {name}", "key")


def _foreign_keys(tree: Mapping[str, Any], grammar: Grammar) -> list[str]:
    data = tree.get("data")
    return [key for key in TASK_KEYS if isinstance(data, Mapping) and key in data and key not in grammar.data_keys]


def _foreign_key(key: str, grammar: Grammar) -> Problem:
    hidden = [name for name in TASK_KEYS if name not in grammar.data_keys]
    allowed = [name for name in keys_of(Data) if name not in hidden]
    given = f"unknown key '{key}' in 'data' of task '{grammar.task}'"
    return Problem(("data", key), "SPEC-UNKNOWN-KEY", given, f"allowed here: {some(allowed)}", "remove it", "key")


def _with_home(problem: Problem, grammar: Grammar) -> Problem:
    """An unknown key that another section knows is told where it belongs."""
    key = problem.place[-1] if problem.place else ""
    if problem.code != "SPEC-UNKNOWN-KEY" or problem.fix != "remove it":
        return problem
    homes: dict[str, type[BaseModel]] = {name: field.annotation for name, field in _sections()} | {grammar.task: grammar.section}
    home = next((name for name, model in homes.items() if key in keys_of(model)), None)
    if home is None:
        return problem
    return Problem(problem.place, problem.code, problem.given, problem.rule, f"'{key}' belongs in '{home}'", problem.at)


def _sections() -> Iterator[tuple[str, Any]]:
    for name, field in Spec.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield name, field


def _section(tree: Mapping[str, Any], grammar: Grammar, base: Path) -> tuple[Any, list[Problem]]:
    """The task's own section; one that is left out is an empty one. Its relative paths start from ``base``, the file's folder."""
    raw = tree.get(grammar.task)
    raw = {} if raw is None else raw
    try:
        return grammar.section.model_validate(raw, context={"base": base}), []
    except ValidationError as error:
        return None, translate(error, grammar.section, raw, (grammar.task,))


def _combinations(tree: Mapping[str, Any], grammar: Grammar) -> list[Problem]:
    checks = (check_targets(tree, grammar), check_kpis(tree, grammar), check_budget(tree, grammar))
    return [*(problem for check in checks for problem in check), *check_data(tree, grammar), *check_columns(tree)]


def _with_targets(spec: Spec, grammar: Grammar) -> Spec:
    """A KPI that names no target is measured on the only one; where a task takes none, the metrics of the KPIs say which."""
    if grammar.measures:
        named = [measured_on(kpi.metric, kpi.target, grammar) for kpi in spec.kpis]
        targets = tuple(dict.fromkeys(name for name in named if name)) or (next(iter(grammar.measures.values())),)
        pairs = zip(spec.kpis, named, strict=True)
        kpis = tuple(kpi.model_copy(update={"target": name or targets[0]}) for kpi, name in pairs)
        return spec.model_copy(update={"kpis": kpis, "target": targets})
    if len(spec.targets) != 1:
        return spec
    kpis = tuple(kpi if kpi.target else kpi.model_copy(update={"target": spec.targets[0]}) for kpi in spec.kpis)
    return spec.model_copy(update={"kpis": kpis})


def _collected(document: Document, problems: Sequence[Problem]) -> CollectedErrors:
    """What was found in the order of the file: each place once, but for keys it lacks, and nothing below what YAML refused."""
    errors: dict[tuple[Place, str], SpecError] = {}
    for problem in problems:
        if not any(problem.place[: len(place)] == place for place in document.refused):
            lacks = problem.given if problem.code == "SPEC-MISSING-KEY" else ""
            errors.setdefault((problem.place, lacks), document.error(problem))
    found: list[SpecError] = [*document.errors, *errors.values()]
    found.sort(key=_position)
    return CollectedErrors(found)


def _position(error: SpecError) -> tuple[int, int]:
    """File order; flags come after the file."""
    if error.excerpt is None or error.excerpt.line is None:
        return (2**31, 0)
    return (error.excerpt.line, error.excerpt.start)
