"""Step 1 of answering from documents: can each KPI's goal be reached? Told from BM25 and the best sentence, before training."""

from sevenstep.tasks.rag.feasibility.probe import probe

__all__ = ["probe"]
