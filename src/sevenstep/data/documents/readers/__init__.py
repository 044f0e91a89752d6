"""One module for each kind of file a document may be; each gives a `Parsed` or raises `Refused`."""
