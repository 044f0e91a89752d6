"""Which templates there are, and how one becomes a folder on disk: whole or not at all.

Nothing numerical is imported before a template is really written, so that ``sevenstep init --help`` stays quick.
"""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, get_args

from sevenstep.errors import InputError

__all__ = ["Size", "template_names", "write_template"]

Size = Literal["small", "medium", "large"]


def template_names() -> tuple[str, ...]:
    """Names that ``sevenstep init`` takes, in the order to offer them."""
    return tuple(_TEMPLATES)


def write_template(name: str, folder: Path | str, *, seed: int = 0, size: Size = "small") -> list[Path]:
    """Write the template ``name`` as a new project into ``folder`` and return its files, the spec first.

    The folder is made where it is missing and may exist when it is empty. All is written into a folder beside it and moved in
    place by one rename: a crash leaves no half project. Equal arguments give equal bytes.

    Args:
        name: one of `template_names`.
        folder: where the project goes.
        seed: of everything random in the generated data, 0 or more.
        size: ``small`` runs through all steps in minutes on a laptop; ``medium`` and ``large`` are for measuring.

    Raises:
        InputError: ``TEMPLATE-UNKNOWN``, ``TEMPLATE-SIZE``, ``TEMPLATE-SEED``, ``TEMPLATE-FOLDER`` (a file, or not empty),
            ``TEMPLATE-HERE`` (the working directory itself) or ``TEMPLATE-WRITE`` (the system refuses).
    """
    _check_choices(name, seed, size)
    target = Path(folder).resolve()
    _check_folder(target, Path(folder))
    try:
        return _write_whole(_TEMPLATES[name], target, seed, size)
    except OSError as error:
        given = f"'{folder}' cannot be written ({error.strerror or error})"
        fix = "choose another folder, or mend its permissions"
        raise InputError("TEMPLATE-WRITE", given, "a project needs a folder you may write to", fix) from error


def _check_choices(name: str, seed: int, size: str) -> None:
    if name not in _TEMPLATES:
        raise _unknown("TEMPLATE-UNKNOWN", f"template '{name}' does not exist", name, template_names())
    if size not in get_args(Size):
        raise _unknown("TEMPLATE-SIZE", f"size '{size}' does not exist", size, get_args(Size))
    if seed < 0:
        raise InputError(
            "TEMPLATE-SEED", f"seed {seed} is below 0", "a seed is a whole number from 0 on", "leave it out for seed 0"
        )


def _unknown(code: str, given: str, value: str, known: tuple[str, ...]) -> InputError:
    near = difflib.get_close_matches(value, known, n=1)
    return InputError(
        code, given, f"it must be one of {', '.join(known)}", f"did you mean '{near[0]}'?" if near else "choose one of them"
    )


def _check_folder(target: Path, given: Path) -> None:
    if target == Path.cwd():
        rule = "the project's folder is put in place as a whole, which would pull the ground from under your shell"
        raise InputError(
            "TEMPLATE-HERE", f"'{given}' is the folder you are in", rule, "give the name of a folder inside it, such as 'orders'"
        )
    if target.is_dir() and not any(target.iterdir()):
        return
    if target.exists():
        what = "holds files already" if target.is_dir() else "is a file"
        raise InputError(
            "TEMPLATE-FOLDER", f"'{given}' {what}", "a project starts in a new or empty folder", "choose another name"
        )


def _write_whole(write: Writer, target: Path, seed: int, size: Size) -> list[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
        unfinished = Path(beside) / target.name
        unfinished.mkdir()
        names = [path.relative_to(unfinished) for path in write(unfinished, seed, size)]
        if target.exists():
            target.rmdir()  # refuses, as it must, when someone has put a file there meanwhile
        unfinished.rename(target)
    return [target / name for name in names]


def _write_retail(folder: Path, seed: int, size: Size) -> list[Path]:
    from sevenstep.templates.retail.writer import write_project

    return write_project(folder, seed=seed, size=size)


def _write_quality(folder: Path, seed: int, size: Size) -> list[Path]:
    from sevenstep.templates.quality.writer import write_project

    return write_project(folder, seed=seed, size=size)


def _write_manuals(folder: Path, seed: int, size: Size) -> list[Path]:
    from sevenstep.templates.manuals.writer import write_project

    return write_project(folder, seed=seed, size=size)


Writer = Callable[[Path, int, Size], list[Path]]
_TEMPLATES: Mapping[str, Writer] = {"retail": _write_retail, "quality": _write_quality, "manuals": _write_manuals}
