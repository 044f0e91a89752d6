"""Runs steps and jobs: fingerprints, store, journal, resume, progress, fan-out."""
