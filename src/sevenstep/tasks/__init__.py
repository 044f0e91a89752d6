"""What differs by kind of problem, behind one contract."""
