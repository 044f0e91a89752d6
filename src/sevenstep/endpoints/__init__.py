"""Models behind an address: called with patience, within a budget, every call kept as it was."""
