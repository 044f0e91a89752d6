"""Step 3 of answering from documents: what the corpus and the questions are like, and how they will be prepared."""

from sevenstep.tasks.rag.explore.profile import explore

__all__ = ["explore"]
