"""Levels of a hierarchy: sums of series that are forecast, scored and shown like the series, and made to add up."""
