"""How many cores this process may use."""

from __future__ import annotations

import os

from sevenstep.errors import InputError

__all__ = ["usable_cores"]

VARIABLE = "SEVENSTEP_CORES"


def usable_cores() -> int:
    """Cores this process may use: ``SEVENSTEP_CORES`` where it is set, else what the system and its container allow.

    With one core everything runs in this process.

    Raises:
        InputError: the variable is not a positive whole number.
    """
    given = os.environ.get(VARIABLE)
    if given is None:
        return _allowed()
    if not given.isdecimal() or int(given) < 1:
        found = f"{VARIABLE} is '{given}'"
        raise InputError("ENGINE-CORES", found, "it must be a whole number from 1", f"unset it, or set {VARIABLE}=1")
    return int(given)


def _allowed() -> int:
    import joblib  # late: loads NumPy; it knows the limits of containers

    return max(1, int(joblib.cpu_count()))
