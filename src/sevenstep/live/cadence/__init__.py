"""How often a refresh is worth it: from the loss of forecasts by their age to a calendar."""
