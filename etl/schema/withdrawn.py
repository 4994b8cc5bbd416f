"""The table `withdrawn`: records that left the query, with when they were seen missing and their last known values."""

from dataclasses import replace

from etl.schema.declarations import Column, Resource, Table, Type

NAME = "withdrawn"
SEEN = Column(
    name="seen_missing",
    type=Type.TIMESTAMP,
    description="When a run found that the record is no longer among what was asked for.",
)


def resource(of: Resource) -> Resource:
    """Return the resource whose only table is `withdrawn`: the main table's columns, and when each went missing."""
    described = f"One row a record that was in {of.main.name} and left it, as it was last known."
    table = Table(name=NAME, description=described, columns=(*of.main.columns, SEEN))
    return replace(of, name=NAME, description=described, tables=(table,), includes=(), partition=None)
