"""Which step, tool, lot, shift or input makes items defective, or moves a number: causes ranked, corrected for all looked at."""

from sevenstep.stats.causes.ranking import Cause, Ranking, rank_causes, rank_number_causes
from sevenstep.stats.causes.shifts import Shift

__all__ = ["Cause", "Ranking", "Shift", "rank_causes", "rank_number_causes"]
