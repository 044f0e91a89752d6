"""Answers from documents: passages found, quoted and cited, or an honest refusal."""
