"""Searching an index: the query language, the filter parameters, and the rows that match in the order asked for."""
