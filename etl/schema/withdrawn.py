"""The table `withdrawn`: records that left the query, with the time they were first missing and their last values."""

from dataclasses import replace

from etl.schema.declarations import Column, Resource, Table, Type

NAME = "withdrawn"
SEEN = Column(
    name="seen_missing",
    type=Type.TIMESTAMP,
    description="When a run first noticed that the record had left the query.",
)


def resource(of: Resource) -> Resource:
    """Return the resource with the only table `withdrawn`: the main table's columns and `seen_missing`."""
    description = f"One row per record that has left {of.main.name}, with its last known values."
    table = Table(name=NAME, description=description, columns=(*of.main.columns, SEEN))
    return replace(of, name=NAME, description=description, tables=(table,), includes=(), partition=None)
