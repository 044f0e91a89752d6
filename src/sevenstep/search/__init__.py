"""Comparison, search and ensemble selection: the same for every task."""
