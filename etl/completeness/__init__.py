"""Counts in, decisions out: where to cut a query into slices, and what verdict the tallies deserve.

Pure except for the `count` function that planning is given. It knows nothing of HTTP, files or tables.
"""
