"""What a text is made of, for retrieval and for answers: its language, sentences and terms."""
