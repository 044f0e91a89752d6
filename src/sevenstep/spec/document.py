"""The text of a spec as a plain tree that remembers where everything stands.

The YAML is composed into nodes, not loaded: nodes carry their marks, and no tag is ever turned into an object. Tags, anchors and
merge keys are refused, since a spec has no code, no imports and no interpolation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from sevenstep.errors import CollectedErrors
from sevenstep.spec.places import Excerpt, Origin, Place, Span
from sevenstep.spec.problems import Problem, SpecError
from sevenstep.spec.secrets import masked

__all__ = ["Document", "Flag", "parse_document", "parse_value"]

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq")}
_CONVERTED = {_TAG + name for name in ("int", "float", "bool", "null")}
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # what YAML counts as the end of a line


@dataclass(frozen=True)
class Flag:
    """A value given as ``--set key=value``; ``start`` and ``width`` mark the key within ``text``."""

    text: str
    start: int
    width: int


@dataclass
class Document:
    """The tree of a spec with the places of its keys and values; ``name`` is the file as the person wrote it."""

    name: str
    lines: list[str]
    tree: Any = None
    keys: dict[Place, Span] = field(default_factory=dict)
    values: dict[Place, Span] = field(default_factory=dict)
    flags: dict[Place, Flag] = field(default_factory=dict)
    errors: list[SpecError] = field(default_factory=list)
    refused: set[Place] = field(default_factory=set)

    def error(self, problem: Problem) -> SpecError:
        """The problem as an error that names its file, line and column, or its flag."""
        place = self._nearest(problem.place)
        flag = self._flag_for(problem.place, place)
        if flag is not None:
            return self._flag_error(problem, flag)
        exact = place == problem.place
        spans = self.values if problem.at == "value" and exact else self.keys
        return self.error_at(spans.get(place) or self.values.get(place) or Span(1, 1, 1), problem)

    def error_at(self, span: Span, problem: Problem) -> SpecError:
        """The problem as an error at a stretch of the text."""
        line = self.lines[span.line - 1] if span.line <= len(self.lines) else ""
        text, first = masked(line), span.column - 1
        if problem.code == "SPEC-SECRET" and text == line:  # a secret that looks like any text: the place tells it
            text = line[:first] + "*" * span.width + line[first + span.width :]
        where = f"{self.name}:{span.line}:{span.column}"
        excerpt = Excerpt(text, span.line, first, span.width)
        return SpecError(problem.code, problem.given, problem.rule, problem.fix, where=where, excerpt=excerpt)

    def origins(self) -> dict[Place, Origin]:
        """Where each key that was given came from."""
        found: dict[Place, Origin] = {}
        for place in _places(self.tree):
            flag = next((self.flags[place[:size]] for size in range(len(place), 0, -1) if place[:size] in self.flags), None)
            span = self.keys.get(place) or self.values.get(place)
            note = flag.text if flag else f"{self.name}:{span.line}" if span else self.name
            found[place] = Origin("flag" if flag else "file", note, _is_container(_value_at(self.tree, place)))
        return found

    def _nearest(self, place: Place) -> Place:
        known = (place[:size] for size in range(len(place), -1, -1))
        return next((part for part in known if part in self.flags or part in self.values), ())

    def _flag_for(self, place: Place, nearest: Place) -> Flag | None:
        """The flag that set a place or, where the file does not hold the place at all, something in it."""
        if nearest in self.flags or nearest == place:
            return self.flags.get(nearest)
        return next((flag for given, flag in self.flags.items() if given[: len(place)] == place), None)

    def _flag_error(self, problem: Problem, flag: Flag) -> SpecError:
        excerpt = Excerpt(flag.text, None, flag.start, flag.width)
        return SpecError(problem.code, problem.given, problem.rule, problem.fix, where=flag.text, excerpt=excerpt)


def parse_document(text: str, name: str) -> Document:
    """Read YAML text; raises `CollectedErrors` when it is no YAML, and otherwise leaves its faults in ``errors``."""
    document = Document(name, _LINE_BREAK.split(text))
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except RecursionError:
        nested = Problem((), "SPEC-SYNTAX", "brackets within brackets without end", "a spec is a few levels deep", "close them")
        raise CollectedErrors([document.error_at(Span(1, 1, 1), nested)]) from None
    except YAMLError as error:
        raise CollectedErrors([_syntax_error(document, error)]) from None
    if root is not None:
        document.tree = _Reader(document).read(root, ())
    return document


def parse_value(text: str) -> Any:
    """The value of a flag, read as YAML; raises ValueError when it is none."""
    try:
        document = parse_document(text, "")
    except CollectedErrors as error:
        raise ValueError(error.errors[0].given) from None
    if document.errors:
        raise ValueError(document.errors[0].given)
    return document.tree


class _Reader:
    """Turns nodes into plain values, noting where each stands and what is wrong with it.

    Numbers, true, false and null become values; all else, dates included, stays the text that was written.
    """

    def __init__(self, document: Document) -> None:
        self._document = document
        self._scalars = YAML(typ="safe", pure=True).constructor
        self._anchors: set[str] = set()

    def read(self, node: Node, place: Place) -> Any:
        self._document.values[place] = self._span(node)
        if node.anchor or node.tag not in _PLAIN_TAGS:
            self._refuse_node(node, place)
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, place)
        if isinstance(node, SequenceNode):
            return [self.read(item, (*place, position)) for position, item in enumerate(node.value)]
        return self._scalars.construct_object(node) if node.tag in _CONVERTED else str(node.value)

    def _mapping(self, node: MappingNode, place: Place) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            span = self._span(key_node)
            if not isinstance(key_node, ScalarNode) or key_node.tag == _TAG + "merge" or not key_node.value:
                fix = "write a plain key, and put text that begins with a sign in quotes"
                self._refuse(span, "SPEC-KEY", "a key that is no plain name", "a key is one word or a text", fix)
                self._document.refused.add(place)
                continue
            key = str(key_node.value)
            if key in result:
                first = self._document.keys[(*place, key)].line
                fix = f"keep one of them; the first is on line {first}"
                self._refuse(span, "SPEC-DUPLICATE-KEY", f"the key '{key}' twice", "a key stands once in its mapping", fix)
                continue
            self._document.keys[(*place, key)] = span
            result[key] = self.read(value_node, (*place, key))
        return result

    def _refuse_node(self, node: Node, place: Place) -> None:
        self._document.refused.add(place)
        if node.anchor in self._anchors:  # an alias: its anchor was refused already
            return
        if node.anchor:
            self._anchors.add(node.anchor)
            given, fix = f"the anchor '&{node.anchor}'", "write the value out wherever it is used"
            self._refuse(self._span(node), "SPEC-ANCHOR", given, "a spec has no interpolation", fix)
        else:
            given, rule = f"the tag '{str(node.tag).replace(_TAG, '!!')}'", "a spec holds plain values and no code"
            self._refuse(self._span(node), "SPEC-TAG", given, rule, "remove the tag")

    def _refuse(self, span: Span, code: str, given: str, rule: str, fix: str) -> None:
        self._document.errors.append(self._document.error_at(span, Problem((), code, given, rule, fix)))

    def _span(self, node: Node) -> Span:
        start, end = node.start_mark, node.end_mark
        one_line = end.line == start.line
        line = self._document.lines[start.line] if start.line < len(self._document.lines) else ""
        last = end.column if one_line else len(line.rstrip())
        return Span(start.line + 1, start.column + 1, max(1, last - start.column))


def _syntax_error(document: Document, error: YAMLError) -> SpecError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    span = Span(mark.line + 1, mark.column + 1, 1) if mark is not None else Span(1, 1, 1)
    given = error.problem if isinstance(error, MarkedYAMLError) and error.problem else str(error).splitlines()[0]
    problem = Problem((), "SPEC-SYNTAX", _in_words(str(given)), "a spec is YAML", _syntax_fix(document, span))
    return document.error_at(span, problem)


def _in_words(problem: str) -> str:
    return problem.replace("'\\t'", "tab").replace("found character tab that", "a tab, which")


def _syntax_fix(document: Document, span: Span) -> str:
    line = document.lines[span.line - 1] if span.line <= len(document.lines) else ""
    rest, before = line[span.column - 1 :], line[: span.column - 1].rstrip()
    if rest.startswith("\t") or line.startswith("\t"):
        return "indent with spaces"
    if rest[:1] in (">", "@", "%", "`", "=") or before.endswith((">", "|")):
        return 'put text that begins with a sign in quotes, such as ">= 0.9"'
    return "check the brackets, quotes and indentation here and on the line above"


def _places(tree: Any, place: Place = ()) -> list[Place]:
    pairs = tree.items() if isinstance(tree, Mapping) else enumerate(tree) if isinstance(tree, list) else ()
    found: list[Place] = [place] if place else []
    for key, value in pairs:
        found += _places(value, (*place, key))
    return found


def _value_at(tree: Any, place: Place) -> Any:
    for part in place:
        tree = tree[part]
    return tree


def _is_container(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and any(isinstance(item, Mapping) for item in value))
