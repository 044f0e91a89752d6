"""The model families a forecast may try."""
