"""What happened after release: one database with observations, forecasts made, scores, alarms and decisions."""
