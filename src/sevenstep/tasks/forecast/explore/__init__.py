"""Step 3 of a forecast: what is in the data, in figures with intervals, and the preprocessing that follows from them."""

from sevenstep.tasks.forecast.explore.profile import explore

__all__ = ["explore"]
