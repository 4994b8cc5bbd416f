"""The tables of people and organisations in a DOI's metadata, with affiliations and identifiers."""

from etl import normalise
from etl.resources.columns import derived, text
from etl.schema.declarations import Column, Table, Type

PERSON = (
    text("name", "name", "Full name as stated, usually `Family, Given` for people."),
    text("name_type", "nameType", "Personal or Organizational, if stated."),
    text("given_name", "givenName", "Given names of a person."),
    text("family_name", "familyName", "Family name of a person."),
    text("lang", "lang", "Language of the name as a BCP 47 tag."),
)

CONTRIBUTOR_TYPE = text(
    "contributor_type", "contributorType", "Role of the contributor, such as DataCollector, Editor or Sponsor."
)


def ror_columns(identifier: str, scheme: str, *, prefix: str = "", whose: str) -> tuple[Column, Column]:
    """Declare the canonical ROR id in a column of identifiers, and whether it is valid."""
    name = f"{prefix}ror"
    return (
        derived(
            name,
            Type.STRING,
            normalise.ror,
            identifier,
            scheme,
            description=f"ROR id of the {whose} in the form https://ror.org/0xxxxxxxx; null if none is stated.",
        ),
        derived(
            f"{name}_valid",
            Type.BOOL,
            normalise.ror_valid,
            identifier,
            scheme,
            description=f"Whether the ROR id of the {whose} is well formed with a valid checksum; null if none.",
        ),
    )


IDENTIFIER = (
    text("name_identifier", "nameIdentifier", "The identifier as stated, often a URL."),
    text("name_identifier_scheme", "nameIdentifierScheme", "Scheme of the identifier: ORCID, ISNI, ROR and others."),
    text("scheme_uri", "schemeUri", "URL of the scheme."),
    derived(
        "orcid",
        Type.STRING,
        normalise.orcid,
        "name_identifier",
        "name_identifier_scheme",
        description="ORCID iD in the form https://orcid.org/0000-0000-0000-0000; null if none is stated.",
    ),
    derived(
        "orcid_valid",
        Type.BOOL,
        normalise.orcid_valid,
        "name_identifier",
        "name_identifier_scheme",
        description="Whether the stated ORCID iD is well formed and its check digit valid; null if none is stated.",
    ),
    *ror_columns("name_identifier", "name_identifier_scheme", whose="organisation"),
)

AFFILIATION = (
    text("name", "name", "Name of the organisation that the person or group belongs to."),
    text("affiliation_identifier", "affiliationIdentifier", "Identifier of the organisation as stated."),
    text("affiliation_identifier_scheme", "affiliationIdentifierScheme", "Scheme of the identifier: ROR, GRID, ..."),
    text("scheme_uri", "schemeUri", "URL of the scheme."),
    *ror_columns("affiliation_identifier", "affiliation_identifier_scheme", whose="organisation"),
)


def _tables(singular: str, description: str, columns: tuple[Column, ...]) -> tuple[Table, ...]:
    path = f"attributes.{singular}s"
    positions = (f"{singular}_position", "position")
    return (
        Table(name=f"doi_{singular}s", description=description, path=path, columns=columns),
        Table(
            name=f"doi_{singular}_affiliations",
            description=f"Affiliations of {singular}s: one row per affiliation of one {singular}.",
            path=f"{path}[].affiliation",
            positions=positions,
            columns=AFFILIATION,
        ),
        Table(
            name=f"doi_{singular}_identifiers",
            description=f"Identifiers of {singular}s, such as ORCID iDs: one row per identifier of one {singular}.",
            path=f"{path}[].nameIdentifiers",
            positions=positions,
            columns=IDENTIFIER,
        ),
    )


TABLES = (
    *_tables("creator", "Creators (DataCite property 2), in the order of the citation: one row per creator.", PERSON),
    *_tables(
        "contributor",
        "Contributors (property 7): one row per person or organisation, with its role.",
        (CONTRIBUTOR_TYPE, *PERSON),
    ),
)
