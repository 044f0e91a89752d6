"""Answers written by a model that the spec names, held to what the documents say."""
