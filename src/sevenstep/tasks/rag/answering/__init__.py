"""Answers quoted from documents: stretches of the passages found, graded by what was learnt from answered questions."""
