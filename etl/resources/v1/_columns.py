"""Words that the declarations of API v1 share: dates in filters, authors, replacements."""

from etl import normalise
from etl.resources.columns import derived, text, timestamp
from etl.schema.declarations import Column, Table, Type

"""YYYY, YYYY-MM or YYYY-MM-DD, meaning the whole period."""
_AROUND = {"data.type": "in the name", "meta": "empty; present where include= does not request the relationship"}
LINKED_SOURCE = text(
    "linked_source_id",
    "relationships.source.data.id",
    "Source in the relationship, which requires include=source; servers of October 2016 had it only there.",
)


def linked(name: str) -> str:
    """Return the paths to the id of a linked record: the attribute, and what servers of October 2016 had instead."""
    return f"attributes.{name}-id|relationships.{name}.data.id"


def around(*names: str) -> dict[str, str]:
    """Say why relationships have no columns beside those of the ids."""
    return {f"relationships.{name}.{part}": reason for name in names for part, reason in _AROUND.items()}


def updated(what: str) -> Column:
    """Declare when a record last changed."""
    return timestamp("updated", "attributes.updated", f"When the {what} last changed.")


def title(what: str) -> Column:
    """Declare the name of a vocabulary's entry."""
    return text("title", "attributes.title", f"Name of the {what}.")


def successor(instead: str) -> str:
    """Name the current resource that replaces a list of v1; an empty name means that there is none."""
    if instead:
        return f"use {instead}, which is the current API's equivalent"
    return "the current API has no equivalent; ask an archived mirror with --base-url, or --sandbox"


def authors(name: str, whose: str) -> Table:
    """Declare the authors of what a record is about, in the order of the citation."""
    return Table(
        name=name,
        description=f"Authors of {whose}, in the order of the citation: one row per author.",
        path="attributes.author",
        columns=(
            text("given", "given", "Given names of a person."),
            text("family", "family", "Family name of a person."),
            text("literal", "literal", "Name that is not split into given and family names."),
            text("name", "name", "Name on later servers."),
            *orcid_columns("orcid", "author"),
        ),
    )


def orcid_columns(path: str, whose: str) -> tuple[Column, ...]:
    """Declare an ORCID iD: as stated, in canonical form, and whether its check digit is valid."""
    return (
        text("orcid", path, f"ORCID iD of the {whose} as stated."),
        *orcid_read("orcid", whose),
    )


def orcid_read(name: str, whose: str) -> tuple[Column, Column]:
    """Declare what is derived from a column that may hold an ORCID iD as a URL."""
    return (
        derived(
            "orcid_id",
            Type.STRING,
            normalise.orcid,
            name,
            name,
            description=f"ORCID iD of the {whose} as https://orcid.org/0000-0000-0000-0000; null if none is stated.",
        ),
        derived(
            "orcid_valid",
            Type.BOOL,
            normalise.orcid_valid,
            name,
            name,
            description=f"Whether the ORCID iD of the {whose} is well formed with a valid check digit; null if none.",
        ),
    )
