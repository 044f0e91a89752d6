"""Documents, questions and judgements: read from whatever holds them into the tables of a data set."""
