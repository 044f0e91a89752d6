"""Jobs of a calendar: when they are due, what is to be done now, how they run and what the ledger is told of them."""
