"""Metrics, intervals and paired comparison: pure functions of NumPy arrays that know no table, no task and no file."""
