"""``--set key=value``: the same dotted keys as the file, set on the tree before anything is checked.

Lists whose items have an ``id`` or a ``name`` are addressed by it (``kpis.accuracy.goal``), other lists by position from 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sevenstep.spec.document import Document, Flag, parse_value
from sevenstep.spec.places import Excerpt, Place, dotted
from sevenstep.spec.problems import SpecError, did_you_mean, some
from sevenstep.spec.secrets import masked
from sevenstep.spec.translate import shown

__all__ = ["apply_flags"]


def apply_flags(document: Document, flags: Sequence[str]) -> None:
    """Set each ``key=value`` on the tree of ``document``; what cannot be set is left in its ``errors``."""
    for flag in flags:
        try:
            _apply(document, flag)
        except SpecError as error:
            document.errors.append(error)


def _apply(document: Document, flag: str) -> None:
    key, equals, text = flag.partition("=")
    if not equals or not key.strip():
        raise _error(
            flag, 0, len(flag), "SPEC-FLAG", f"'{masked(flag)}'", "a flag is key=value", "for example --set budget.time=5min"
        )
    try:
        value = parse_value(text)
    except ValueError as error:
        fix = "put the value in quotes"
        raise _error(
            flag, len(key) + 1, len(text), "SPEC-FLAG", f"'{masked(text)}': {error}", "the value of a flag is YAML", fix
        ) from None
    if document.tree is None:
        document.tree = {}
    place = _place(document.tree, key.strip().split("."), flag)
    _set(document.tree, place, value)
    _note(document, place, _flag(flag, 0, len(key)))


def _place(tree: Any, parts: Sequence[str], flag: str) -> Place:
    """The place a dotted key means in this tree, ids turned into positions."""
    place: Place = ()
    for number, part in enumerate(parts):
        step = _step(tree, part, ".".join(parts[:number]), flag)
        place = (*place, step)
        last = number == len(parts) - 1
        tree = tree.get(step, {}) if isinstance(tree, Mapping) else tree[step]
        if not last and not isinstance(tree, (Mapping, list)):
            given, rule = f"'{'.'.join(parts)}'", f"'{dotted(place)}' is {shown(tree)} and has no keys of its own"
            raise _error(flag, 0, len(flag.partition("=")[0]), "SPEC-FLAG", given, rule, f"set '{dotted(place)}' as a whole")
    return place


def _step(tree: Any, part: str, above: str, flag: str) -> str | int:
    """A key as it is; in a list, the position of the item it names."""
    if not isinstance(tree, list):
        return part
    names = {
        str(item.get("id", item.get("name", ""))): position for position, item in enumerate(tree) if isinstance(item, Mapping)
    }
    if part in names:
        return names[part]
    if part.isdecimal() and int(part) < len(tree):
        return int(part)
    known = [name for name in names if name] or [str(position) for position in range(len(tree))]
    start = flag.index(part, len(above))
    given, rule = f"'{part}' in '{above}'", f"there are {some(known)}"
    raise _error(flag, start, len(part), "SPEC-FLAG", given, rule, did_you_mean(part, known, "name one of them"))


def _set(tree: Any, place: Place, value: Any) -> None:
    for part in place[:-1]:
        tree = tree.setdefault(part, {}) if isinstance(tree, dict) else tree[part]
    tree[place[-1]] = value


def _note(document: Document, place: Place, flag: Flag) -> None:
    """Forget where the old value stood: from here down, the flag is the place."""
    for spans in (document.keys, document.values):
        for old in [old for old in spans if old[: len(place)] == place]:
            del spans[old]
    document.refused = {old for old in document.refused if old[: len(place)] != place}
    document.flags[place] = flag


def _flag(flag: str, start: int, width: int) -> Flag:
    prefix = "--set "
    return Flag(prefix + masked(flag), start + len(prefix), width)


def _error(flag: str, start: int, width: int, code: str, given: str, rule: str, fix: str) -> SpecError:
    shown = _flag(flag, start, width)
    return SpecError(
        code, given, rule, fix, where=shown.text, excerpt=Excerpt(shown.text, None, shown.start, max(1, shown.width))
    )
