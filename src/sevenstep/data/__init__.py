"""Sources, joins, types, contract, quality, quarantine, calendars and snapshots: from files to a `Dataset`."""
