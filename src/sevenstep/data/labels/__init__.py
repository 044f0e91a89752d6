"""Labels: which rows to label next, which labels look wrong, rules that label, and labels in and out as files."""
