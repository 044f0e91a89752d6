"""Classes and numbers predicted from the columns of a row, pictures among them: `classification` and `regression`."""
