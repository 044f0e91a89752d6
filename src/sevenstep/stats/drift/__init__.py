"""Have inputs or predictions moved away from what a model learnt from? With a stated chance of a false alarm over all columns.

Statistics of the training values are stored once (`reference_of`); a window of live values is checked against them (`check_all`).
An alarm needs both: a difference that chance does not explain, and one of a size that matters. Rows that are alike in time or by
origin are no independent evidence: where the reference is told its blocks (days, lots), the window must also be farther away than
those blocks are from each other.
"""

from sevenstep.stats.drift.check import ALPHA, check, check_all, read_together
from sevenstep.stats.drift.columns import Categories, Values
from sevenstep.stats.drift.found import Drifted, Evidence, Limits
from sevenstep.stats.drift.reference import CategoryReference, NumberReference, Reference, reference_of
from sevenstep.stats.drift.stored import reference_from_plain, reference_to_plain

__all__ = [
    "ALPHA", "Categories", "CategoryReference", "Drifted", "Evidence", "Limits", "NumberReference", "Reference", "Values",
    "check", "check_all", "read_together", "reference_from_plain", "reference_of", "reference_to_plain",
]  # fmt: skip
