"""Which step, tool, lot, shift or measured input makes items defective: causes ranked, corrected for how many were looked at."""

from sevenstep.stats.causes.ranking import Cause, Ranking, rank_causes

__all__ = ["Cause", "Ranking", "rank_causes"]
