"""A candidate fitted once, or several times with different seeds whose mean predicts: what steps 5 and 6 keep of a fit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.tasks.tabular.families.members import TabularMember

__all__ = ["Bag"]


@dataclass(frozen=True)
class Bag:
    """Members of one candidate, of equal weight.

    Args:
        name: of the candidate.
        members: fitted with one seed each.
        stage: kind of the stage they read, ``pictures`` (measured features) or ``embedding``; empty where they read none.
    """

    name: str
    members: Sequence[TabularMember]
    stage: str = ""

    def predict(self, rows: pl.DataFrame, prepared: Any = None) -> NDArray[np.float64]:
        """Probabilities ``[n, classes]`` or numbers ``[n, 1]``: the mean over members."""
        each = [member.predict(rows, prepared) for member in self.members]
        return np.asarray(np.mean(each, axis=0)) if len(each) > 1 else each[0]

    def save(self, folder: Path) -> None:
        """Write each member into a folder of its own, and ``bag.json``."""
        for number, member in enumerate(self.members):
            (folder / str(number)).mkdir()
            member.save(folder / str(number))
        about = {"name": self.name, "members": len(self.members), "stage": self.stage}
        (folder / "bag.json").write_text(json.dumps(about), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Bag:
        """Read back what `save` wrote."""
        about = json.loads((folder / "bag.json").read_text(encoding="utf-8"))
        members = [TabularMember.load(folder / str(number)) for number in range(about["members"])]
        return cls(about["name"], members, about["stage"])
