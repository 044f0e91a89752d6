"""Kinds of models a candidate may be, each fitted on the rows of a fold and kept as plain files."""
