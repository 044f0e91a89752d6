"""Features of a forecast: what was known at the origin, and what is known ahead about the target time."""
