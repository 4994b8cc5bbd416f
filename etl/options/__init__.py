"""Options as users give them, in groups: each becomes a `Query`, a `Delivery` or `Settings`, checked.

Read by the command line, the flows and the notebook. It neither prints nor runs anything.
"""
