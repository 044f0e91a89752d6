"""Finds the stable error codes in the source, with the parts of the sentence each one ends in; nothing of it is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ErrorCode", "error_codes"]

_CODE = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+")
_FINDINGS = {"_found", "_finding", "_of_series", "set_aside", "set_aside_text"}
"""Functions that take a code too, but make a finding or a quarantine entry and no error."""
_EXIT_CODES = {"InternalError": 3, "BrokenArtifact": 3, "Stopped": 130}
"""Of the error classes whose exit code is not 2."""


@dataclass(frozen=True, order=True)
class ErrorCode:
    """A code, the file it comes from, the sentence with ``‹…›`` for what varies, and the exit code it leads to."""

    code: str
    source: str
    said: str
    exit_code: int


def error_codes(package: Path) -> list[ErrorCode]:
    """Every code of a package, by code; one that several places raise stands once for each sentence."""
    found = {one for path in package.rglob("*.py") for one in _in_file(path, path.relative_to(package).as_posix())}
    return sorted(found)


def _in_file(path: Path, source: str) -> Iterator[ErrorCode]:
    module = ast.parse(path.read_text(encoding="utf-8"))
    yield from _in_scope(module, {}, source, "")


def _in_scope(scope: ast.AST, known: dict[str, ast.expr], source: str, owner: str) -> Iterator[ErrorCode]:
    """Codes of one function, class or module; texts put into variables on the way are followed."""
    known = dict(known)
    for node in _own_nodes(scope):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield from _in_scope(node, known, source, node.name if isinstance(node, ast.ClassDef) else owner)
        elif isinstance(node, ast.Assign):
            known.update(_assigned(node))
        elif isinstance(node, ast.Call) and _name(node.func) not in _FINDINGS:
            for place, code in _codes(node):
                parts = [_text(part, known) for part in node.args[place + 1 :]]
                exit_code = _EXIT_CODES.get(_name(node.func), _EXIT_CODES.get(owner, 2))
                yield ErrorCode(code, source, "; ".join(part for part in parts if part), exit_code)


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a scope in the order of the text, without those of scopes inside it, which come as one node."""
    for child in ast.iter_child_nodes(scope):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            yield from _own_nodes(child)


def _assigned(node: ast.Assign) -> Iterator[tuple[str, ast.expr]]:
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        yield from ((name.id, one) for name, one in zip(target.elts, value.elts, strict=False) if isinstance(name, ast.Name))
    elif isinstance(target, ast.Name):
        yield target.id, value


def _codes(call: ast.Call) -> Iterator[tuple[int, str]]:
    """Codes among the arguments of a call, with their place; both where a condition chooses between two."""
    for place, part in enumerate(call.args):
        choices = (part.body, part.orelse) if isinstance(part, ast.IfExp) else (part,)
        for one in choices:
            if isinstance(one, ast.Constant) and isinstance(one.value, str) and _CODE.fullmatch(one.value):
                yield place, one.value


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""


def _text(part: ast.expr, known: dict[str, ast.expr]) -> str:
    """What an argument says; ``‹name›`` for what is known only when it runs."""
    if isinstance(part, ast.Constant):
        return part.value if isinstance(part.value, str) and part.value not in ("key", "value") else ""
    if isinstance(part, ast.JoinedStr):
        return "".join(_text(value, {}) for value in part.values)
    if isinstance(part, ast.FormattedValue):
        return f"‹{_varying(part.value)}›"
    if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add):
        return _text(part.left, known) + _text(part.right, known)
    if isinstance(part, ast.IfExp):
        return f"{_text(part.body, known)} (or: {_text(part.orelse, known)})"
    if isinstance(part, ast.Call) and _name(part.func) == "did_you_mean":
        otherwise = f" (or: {_text(part.args[2], known)})" if len(part.args) > 2 else ""
        return f"did you mean …?{otherwise}"
    if isinstance(part, ast.Name) and part.id in known:
        return _text(known[part.id], {name: value for name, value in known.items() if name != part.id})
    return f"‹{_varying(part)}›" if isinstance(part, (ast.Name, ast.Attribute, ast.Call)) else ""


def _varying(part: ast.expr) -> str:
    """A short name for what varies: the last word of a name or attribute."""
    name = _name(part)
    return name.strip("_").replace("_", " ") if name else "…"
