"""Step 3 of the tabular tasks: what is in the data, and how it will be prepared."""

from sevenstep.tasks.tabular.explore.profile import explore

__all__ = ["explore"]
