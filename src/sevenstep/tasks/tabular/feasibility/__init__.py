"""Step 1 of the tabular tasks: can each KPI's goal be reached? Told from the data before anything is trained."""

from sevenstep.tasks.tabular.feasibility.probe import probe

__all__ = ["probe"]
