"""References as plain values: a dictionary of arrays for `numpy.savez`, whose lists are as good for JSON; no pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sevenstep.stats.drift.blocks import Blocks
from sevenstep.stats.drift.reference import CategoryReference, NumberReference, Reference

__all__ = ["reference_from_plain", "reference_to_plain"]

_NUMBER: Mapping[str, type] = {
    "points": float,
    "below": float,
    "up_to": float,
    "cuts": float,
    "strict": bool,
    "cut_counts": float,
}
_CATEGORY: Mapping[str, type] = {"counts": float, "cells": np.intp}
_BLOCKS = ("rows", "missing", "counts")


def reference_to_plain(reference: Reference) -> dict[str, npt.NDArray[Any]]:
    """The reference as arrays of numbers and text by name; single figures have no dimension.

    For ``numpy.savez(file, **plain)``, or for JSON by ``{name: array.tolist()}``.
    """
    plain: dict[str, Any] = {"rows": reference.rows, "missing": reference.missing}
    if isinstance(reference, NumberReference):
        plain |= {name: getattr(reference, name) for name in (*_NUMBER, "mean", "deviation", "single")}
    else:
        plain |= {name: getattr(reference, name) for name in (*_CATEGORY, "rest")}
        plain["names"] = np.array(reference.names, np.str_)
    if reference.blocks is not None:
        plain |= {f"block_{name}": getattr(reference.blocks, name) for name in (*_BLOCKS, "span")}
    return {name: np.asarray(value) for name, value in plain.items()}


def reference_from_plain(plain: Mapping[str, Any]) -> Reference:
    """The reference back from `reference_to_plain`, from arrays or lists.

    Raises:
        KeyError: when a part is missing.
    """
    parts: dict[str, Any] = {"rows": int(plain["rows"]), "missing": int(plain["missing"]), "blocks": _blocks(plain)}
    kinds = _NUMBER if "points" in plain else _CATEGORY
    parts |= {name: np.asarray(plain[name], kind) for name, kind in kinds.items()}
    if "points" in plain:
        mean, deviation = float(plain["mean"]), float(plain["deviation"])
        return NumberReference(**parts, mean=mean, deviation=deviation, single=bool(plain["single"]))
    return CategoryReference(**parts, names=tuple(np.asarray(plain["names"], np.str_).tolist()), rest=int(plain["rest"]))


def _blocks(plain: Mapping[str, Any]) -> Blocks | None:
    if "block_rows" not in plain:
        return None
    rows, missing, counts = (np.asarray(plain[f"block_{name}"], np.float64) for name in _BLOCKS)
    return Blocks(rows, missing, counts, int(plain["block_span"]))
