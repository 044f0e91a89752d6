"""Questions proposed from the documents where there are none, for a person to accept or reject."""

from sevenstep.tasks.rag.golden.propose import propose

__all__ = ["propose"]
