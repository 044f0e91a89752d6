"""Replaying history through everything that happens after release, on a simulated clock."""
