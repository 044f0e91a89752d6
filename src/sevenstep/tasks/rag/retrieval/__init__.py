"""Finding passages: chunks, the sparse index over them, latent and dense vectors, fusion, feedback and the learned ranker."""
