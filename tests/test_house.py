"""The house keeps its own rules: who may know whom, what is never imported, how long things may get.

The rules are those of ``docs/architecture.md`` and ``CONTRIBUTING.md``; the source is read with `ast`, so that an import inside a
function, or for the type checker alone, counts like any other.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import sevenstep
from sevenstep.tasks.registry import task_names

ROOT = Path(sevenstep.__file__).parent

LEVELS: tuple[tuple[str, ...], ...] = (
    ("cli",),
    ("web",),
    ("project",),
    ("live", "report"),
    ("engine",),
    ("steps",),
    ("search",),
    ("tasks",),
    ("data", "stats", "endpoints"),
    ("spec", "templates"),
    ("work",),
    ("chapter", "errors", "wording"),
)
"""Rooms from top to bottom: each may know those of lower levels, none of its own level or above."""

LEVEL = {room: place for place, rooms in enumerate(LEVELS) for room in rooms}

KNOWN_UPWARD: Mapping[tuple[str, str], str] = {
    ("__init__", "project"): "the Python face of the package, loaded when it is first asked for",
}
"""Imports against the direction, each with its reason."""

TASK_NAMED: Mapping[str, str] = {
    "spec/model.py": "an example of the key `task`, shown in the reference",
}
"""Files outside of ``tasks/`` whose texts may hold the name of a task, each with the reason."""

BROAD: Mapping[tuple[str, str], str] = {
    ("engine/worker.py", "run_ticket"): "the job boundary: one fit must not end the run",
    ("cli/main.py", "main"): "the process boundary: what nobody foresaw ends with exit code 3",
}
"""Functions that may catch every exception, each with the reason."""

CODE_ON_READING = {"pickle", "cloudpickle", "dill", "shelve", "marshal", "imp"}
LONGEST_FILE, LONGEST_FUNCTION = 450, 70

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources() -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


@cache
def tree(source: str) -> ast.Module:
    return ast.parse((ROOT / source).read_text(encoding="utf-8"))


def room_of(source: str) -> str:
    return source.partition("/")[0].removesuffix(".py")


def module_of(source: str) -> str:
    return ".".join(("sevenstep", *Path(source).with_suffix("").parts)).removesuffix(".__init__")


def imported(source: str) -> Iterator[str]:
    """Full names of all that a file imports, wherever in the file it does."""
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}:{node.lineno} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(source: str) -> set[str]:
    names = (name.split(".") for name in imported(source))
    return {parts[1] for parts in names if parts[0] == "sevenstep" and parts[1] != "__version__"}


def functions(source: str) -> Iterator[Function]:
    return (node for node in ast.walk(tree(source)) if isinstance(node, Function))


def texts(source: str) -> Iterator[ast.Constant]:
    """Texts of a file that are no docstrings."""
    documented = [node for node in ast.walk(tree(source)) if isinstance(node, (ast.Module, ast.ClassDef, *Function.__args__))]
    docstrings = {id(node.body[0].value) for node in documented if node.body and isinstance(node.body[0], ast.Expr)}
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node


# Who may know whom ------------------------------------------------------------------------------------------------------------


def test_every_room_has_its_level() -> None:
    assert {room_of(source) for source in sources()} - {"__init__"} == set(LEVEL)


@pytest.mark.parametrize("source", sources())
def test_a_file_knows_only_rooms_below_its_own(source: str) -> None:
    room = room_of(source)
    others = {other for other in rooms_imported(source) - {room} if (room, other) not in KNOWN_UPWARD}
    upward = {other for other in others if LEVEL[other] <= LEVEL[room]}
    assert not upward, f"{source} imports {sorted(upward)}"


def test_every_exception_to_the_direction_is_used() -> None:
    used = {(room_of(source), other) for source in sources() for other in rooms_imported(source)}
    assert set(KNOWN_UPWARD) <= used


def test_no_module_imports_itself_around_a_corner() -> None:
    modules = {module_of(source): source for source in sources()}
    graph = {name: {_module_in(found, modules) for found in imported(source)} - {None} for name, source in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(f"imports in a circle: {' -> '.join(circle.args[1])}")


def _module_in(name: str, modules: Mapping[str, str]) -> str | None:
    """The module that ``from a.b import c`` loads: ``a.b.c`` where that is one, else ``a.b``."""
    return name if name in modules else parent if (parent := name.rpartition(".")[0]) in modules else None


def test_only_a_tasks_own_folder_imports_from_it() -> None:
    for source in sources():
        for task in task_names():
            if not source.startswith(f"tasks/{task}/"):
                assert not any(name.startswith(f"sevenstep.tasks.{task}.") for name in imported(source)), source


def test_no_room_outside_tasks_names_a_task() -> None:
    names = re.compile(rf"\b({'|'.join(task_names())})(s|ed|ing)?\b", re.IGNORECASE)
    checked = [source for source in sources() if room_of(source) in ("steps", "engine", "search", "report", "spec", "cli")]
    said = [(source, node.lineno, node.value) for source in checked for node in texts(source) if names.search(str(node.value))]
    assert [one for one in said if one[0] not in TASK_NAMED] == []
    assert set(TASK_NAMED) == {source for source, _, _ in said if source in TASK_NAMED}


# What never happens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", sources())
def test_nothing_is_read_or_written_in_a_format_that_holds_code(source: str) -> None:
    assert not {name.split(".")[0] for name in imported(source)} & CODE_ON_READING
    assert not {"joblib.dump", "joblib.load"} & set(imported(source))
    for node in ast.walk(tree(source)):
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in ("eval", "exec", "joblib.dump", "joblib.load"), f"{source}:{node.lineno}"
            assert not any(keyword.arg == "allow_pickle" and _not_false(keyword.value) for keyword in node.keywords), source


def _not_false(value: ast.expr) -> bool:
    return not (isinstance(value, ast.Constant) and value.value is False)


def test_only_the_two_boundaries_catch_every_exception() -> None:
    assert {found for source in sources() for found in _catching_all(source)} == set(BROAD)


def _catching_all(source: str) -> set[tuple[str, str]]:
    """Functions of a file that catch every exception; an empty name where the file does so outside of any."""
    inside = [(function.name, id(node)) for function in functions(source) for node in ast.walk(function) if _is_broad(node)]
    everywhere = {id(node) for node in ast.walk(tree(source)) if _is_broad(node)}
    outside = everywhere - {node for _, node in inside}
    return {(source, name) for name, _ in inside} | ({(source, "")} if outside else set())


def _is_broad(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        return node.type is None or _names_all(node.type)
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress") and any(map(_names_all, node.args))


def _names_all(kind: ast.expr) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(isinstance(one, ast.Name) and one.id in ("Exception", "BaseException") for one in kinds)


# How it is written ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", sources())
def test_every_module_and_public_name_says_what_it_is_for(source: str) -> None:
    assert ast.get_docstring(tree(source)), f"{source} has no docstring"
    silent = [name for name, node in _public(tree(source)) if not ast.get_docstring(node)]
    assert not silent, f"{source}: {', '.join(silent)}"


def _public(parent: ast.Module | ast.ClassDef) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    for node in parent.body:
        if isinstance(node, (ast.ClassDef, *Function.__args__)) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                yield from ((f"{node.name}.{name}", inner) for name, inner in _public(node))


@pytest.mark.parametrize("source", sources())
def test_files_and_functions_stay_short(source: str) -> None:
    lines = len((ROOT / source).read_text(encoding="utf-8").splitlines())
    assert lines < LONGEST_FILE, f"{source} has {lines} lines"
    for function in functions(source):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        assert length < LONGEST_FUNCTION, f"{source}:{function.lineno} {function.name} has {length} lines"


# What importing does ----------------------------------------------------------------------------------------------------------


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)


NO_SOCKETS = """
import sys
def refuse(event, args):
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        raise PermissionError(event)
sys.addaudithook(refuse)
"""


def test_importing_any_module_opens_no_socket() -> None:
    modules = [module_of(source) for source in sources()]
    ended = python(f"{NO_SOCKETS}\nimport importlib\nfor name in {modules!r}: importlib.import_module(name)")
    assert ended.returncode == 0, ended.stderr


def test_the_guard_against_sockets_works() -> None:
    ended = python(f"{NO_SOCKETS}\nimport socket\nsocket.create_connection(('127.0.0.1', 9))")
    assert "PermissionError" in ended.stderr


@pytest.mark.parametrize(
    "code", ["import sevenstep", "import sys; sys.argv = ['sevenstep', '--help']\nfrom sevenstep.cli.main import main\nmain()"]
)
def test_importing_the_package_and_asking_for_help_load_nothing_heavy(code: str) -> None:
    heavy = ("polars", "numpy", "pydantic", "scipy", "lightgbm", "rich", "ruamel")
    last = f"atexit.register(lambda: print('loaded', [name for name in {heavy} if name in sys.modules]))"
    ended = python(f"import atexit, sys\n{last}\n{code}")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.rstrip().endswith("loaded []")
