"""On which scale a number is learnt, and the way back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sevenstep.tasks.tabular.families.learning import Floats

__all__ = ["Scale"]

_BEYOND = 10.0  # times the largest training value a prediction may be, where a line in logarithms would run away
_LARGEST = 700.0  # the exponential of more is no number


@dataclass(frozen=True)
class Scale:
    """How numbers are learnt: as they are, or as logarithms of themselves plus ``shift``, predictions at most ``most``."""

    log: bool = False
    shift: float = 0.0
    most: float = 0.0

    def learnt(self, values: Floats) -> Floats:
        """What is learnt for values of the target."""
        return np.log(values + self.shift) if self.log else values

    def told(self, made: Floats) -> Floats:
        """Values of the target for what was predicted."""
        return np.clip(np.exp(np.minimum(made, _LARGEST)) - self.shift, 0.0, self.most) if self.log else made

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return asdict(self)

    @classmethod
    def of(cls, values: Floats, log: bool) -> Scale:
        """For training values; zeros are shifted by the smallest value above them before logarithms are taken."""
        if not log:
            return cls()
        positive = values[values > 0]
        shift = 0.0 if values.min() > 0 else float(positive.min()) if len(positive) else 1.0
        return cls(True, shift, float(values.max()) * _BEYOND)
