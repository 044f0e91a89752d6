"""Forecasting: demand and other series over time, with inputs that are known ahead."""
