"""Words that the declarations of API v1 share: dates in filters, authors, what replaced what."""

from etl import normalise
from etl.resources.columns import derived, moment, text
from etl.schema.declarations import Column, Table, Type

"""YYYY, YYYY-MM or YYYY-MM-DD; the server means the whole period by it."""
_AROUND = {"data.type": "told by the name", "meta": "empty; stands where include= does not ask for the relationship"}
LINKED_SOURCE = text(
    "linked_source_id",
    "relationships.source.data.id",
    "Source as the relationship has it, which only include=source brings; servers of October 2016 had it only there.",
)


def linked(name: str) -> str:
    """Return the paths to the id of a linked record: the attribute, and what servers of October 2016 had instead."""
    return f"attributes.{name}-id|relationships.{name}.data.id"


def around(*names: str) -> dict[str, str]:
    """Say why relationships have no columns beside those of the ids."""
    return {f"relationships.{name}.{part}": reason for name in names for part, reason in _AROUND.items()}


def updated(what: str) -> Column:
    """Declare when a record last changed."""
    return moment("updated", "attributes.updated", f"When the {what} last changed.")


def title(what: str) -> Column:
    """Declare the name of an entry of a vocabulary."""
    return text("title", "attributes.title", f"Name of the {what}.")


def gone(instead: str) -> str:
    """Say what to export today instead of a list of v1; an empty name means that nothing replaced it."""
    if instead:
        return f"use {instead}, which is the current API's equivalent"
    return "the current API has no equivalent; ask an archived mirror with --base-url, or --sandbox"


def authors(name: str, whose: str) -> Table:
    """Declare the authors of what a record is about, in the order of the citation."""
    return Table(
        name=name,
        description=f"Authors of {whose}, in the order of the citation: one row an author.",
        path="attributes.author",
        columns=(
            text("given", "given", "Given names of a person."),
            text("family", "family", "Family name of a person."),
            text("literal", "literal", "Name that was not cut into given and family names."),
            text("name", "name", "Name as later servers had it."),
            *orcid_columns("orcid", "author"),
        ),
    )


def orcid_columns(path: str, whose: str) -> tuple[Column, ...]:
    """Declare an ORCID iD as stated, in canonical form, and whether its check digit is right."""
    return (
        text("orcid", path, f"ORCID iD of the {whose} as stated."),
        *orcid_read("orcid", whose),
    )


def orcid_read(name: str, whose: str) -> tuple[Column, Column]:
    """Declare what is read from a column that may hold an ORCID iD as a web address."""
    return (
        derived(
            "orcid_id",
            Type.STRING,
            normalise.orcid,
            name,
            name,
            description=f"ORCID iD of the {whose} in the form https://orcid.org/0000-0000-0000-0000; null if none.",
        ),
        derived(
            "orcid_valid",
            Type.BOOL,
            normalise.orcid_valid,
            name,
            name,
            description=f"Whether the ORCID iD of the {whose} is well formed with a right check digit; null if none.",
        ),
    )
