"""Project templates: a spec and a generator of example data for each industry, written by ``sevenstep init NAME``."""
