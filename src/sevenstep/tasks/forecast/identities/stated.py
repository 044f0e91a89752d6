"""The identities of a spec beside the columns of the data: which names are targets, which are known, and which follow."""

from __future__ import annotations

from collections.abc import Sequence

from sevenstep.data.dataset import Dataset
from sevenstep.errors import InputError
from sevenstep.tasks.forecast.identities.identity import Identity, parsed

__all__ = ["derived_names", "identities_of"]


def identities_of(texts: Sequence[str]) -> list[Identity]:
    """The identities of a spec, which has checked their form."""
    return [identity for text in texts if (identity := parsed(text)) is not None]


def derived_names(identities: Sequence[Identity], data: Dataset) -> list[str]:
    """Names that are no column, one at most in each identity.

    Raises InputError where an identity cannot be kept: without a target, with two names that are no column, or with a column that
    is neither a target nor known ahead.
    """
    roles, found = data.roles, []
    for identity in identities:
        absent = [name for name in identity.names if name not in data.items.columns and name not in found]
        unknown = [
            name for name in identity.names if name in data.items.columns and name not in (*roles.targets, *roles.known_ahead)
        ]
        given = f"the identity '{identity}'"
        if len(absent) > 1:
            rule = "one name at most may be no column: it follows from the others"
            raise InputError("FORECAST-IDENTITY", f"{given} has {' and '.join(absent)}", rule, "name columns of the data")
        if unknown or not any(name in roles.targets for name in identity.names):
            rule = "its names are targets, columns known ahead, or one that is no column"
            fix = f"add {', '.join(unknown) or identity.left} to target or to forecast.known_ahead"
            raise InputError("FORECAST-IDENTITY", f"{given} has {', '.join(unknown) or 'no target'}", rule, fix)
        found += absent
    return found
