"""Statistical process control: charts, run rules, capability and run lengths, as pure functions of NumPy arrays."""
