"""Identities among targets (``revenue = quantity * price``): stated by the person, kept by every forecast."""
