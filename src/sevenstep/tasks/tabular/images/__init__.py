"""Pictures as inputs of a row: hand-made features, a small network trained from scratch, embeddings of a model the person has."""
