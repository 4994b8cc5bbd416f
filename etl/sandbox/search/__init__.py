"""Search an index: the query language, the filter parameters, and the matching rows in the requested order."""
