"""Step 1 of a forecast: can each KPI's goal be reached? Told from the data before anything is trained."""

from sevenstep.tasks.forecast.feasibility.probe import probe

__all__ = ["probe"]
