"""Embeddings: a model the person has, in a folder of theirs, that turns a picture into numbers."""
