"""The words of declarations (resource, table, column, filter) and the Arrow types they stand for.

It holds no declaration of its own; those are in `etl.resources`.
"""
