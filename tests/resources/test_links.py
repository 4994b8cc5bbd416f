"""The graph of persistent identifiers has each edge that the metadata state, once."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import resources
from etl.records import flatten
from etl.records.parser import Parser
from etl.schema.declarations import Json

DOIS = resources.load("dois")
ORCID = "https://orcid.org/0000-0002-1825-0097"
ROR = "https://ror.org/04wxnsj81"


def links(*records: Json) -> pl.DataFrame:
    nested = Parser(DOIS).parse([json.dumps(record).encode() for record in records]).table
    table = DOIS.table("links")
    frames = {name: flatten.flatten(DOIS, DOIS.table(name), nested) for name in table.inputs}
    return flatten.build(DOIS, table, frames)


def edges(attributes: Json, relationships: Json | None = None) -> list[tuple]:
    frame = links({"id": "10.1/A", "attributes": attributes, "relationships": relationships or {}})
    assert set(frame.select("doi", "source_id", "source_type").rows()) <= {("10.1/a", "10.1/a", "doi")}
    return frame.select("relation", "target_id", "target_type").rows()


def related(identifier: str | None, kind: str, relation: str = "Cites") -> Json:
    return {"relatedIdentifier": identifier, "relatedIdentifierType": kind, "relationType": relation}


def person(orcid: str, ror: str) -> Json:
    return {
        "name": "X",
        "nameIdentifiers": [{"nameIdentifier": orcid, "nameIdentifierScheme": "ORCID"}],
        "affiliation": [{"name": "Y", "affiliationIdentifier": ror, "affiliationIdentifierScheme": "ROR"}],
    }


def test_related_dois_are_edges_in_canonical_form() -> None:
    """The same DOI in several spellings is one edge; another relation to it is another edge."""
    stated = [related("https://doi.org/10.2/B", "DOI"), related("10.2/b", "DOI"), related("10.2/B", "DOI", "IsPartOf")]
    assert edges({"relatedIdentifiers": stated}) == [("Cites", "10.2/b", "doi"), ("IsPartOf", "10.2/b", "doi")]


def test_related_things_of_other_kinds_are_edges_as_stated() -> None:
    """An identifier other than a DOI is an edge with its own type in lower case."""
    assert edges({"relatedIdentifiers": [related(" 1234-5678 ", "ISSN")]}) == [("Cites", "1234-5678", "issn")]


def test_an_entry_without_identifier_is_no_edge() -> None:
    """An entry that names nothing leads nowhere."""
    assert edges({"relatedIdentifiers": [related(None, "DOI"), {}], "creators": [{}], "fundingReferences": [{}]}) == []


def test_related_items_are_edges_too() -> None:
    """A related item with an identifier is an edge like a related identifier."""
    identifier = {"relatedItemIdentifier": "10.2/B", "relatedItemIdentifierType": "DOI"}
    item = {"relationType": "IsPublishedIn", "relatedItemIdentifier": identifier}
    assert edges({"relatedItems": [item]}) == [("IsPublishedIn", "10.2/b", "doi")]


def test_people_and_their_organisations_are_edges() -> None:
    """ORCID iDs and ROR ids of creators and contributors are edges that distinguish the two."""
    assert edges({"creators": [person(ORCID, ROR)], "contributors": [person(ORCID, ROR)]}) == [
        ("contributor", ORCID, "orcid"),
        ("contributor-affiliation", ROR, "ror"),
        ("creator", ORCID, "orcid"),
        ("creator-affiliation", ROR, "ror"),
    ]


def test_wrong_check_sums_lead_nowhere() -> None:
    """An invalid ORCID iD or ROR id does not make an edge."""
    assert edges({"creators": [person("0000-0002-1825-0098", "https://ror.org/04wxnsj82")]}) == []


def test_funders_and_the_publisher_are_edges() -> None:
    """Funders lead to their DOI or ROR id, else to what is stated; the publisher to its ROR id."""
    funders = [
        {"funderIdentifier": "100000054", "funderIdentifierType": "Crossref Funder ID"},
        {"funderIdentifier": ROR, "funderIdentifierType": "ROR"},
        {"funderIdentifier": "grid.1", "funderIdentifierType": "GRID"},
    ]
    found = edges({"fundingReferences": funders, "publisher": {"name": "P", "publisherIdentifier": ROR}})
    assert found == [
        ("funder", "10.13039/100000054", "funder"),
        ("funder", "grid.1", "grid"),
        ("funder", ROR, "ror"),
        ("publisher", ROR, "ror"),
    ]


def test_a_funder_is_told_from_other_dois() -> None:
    """Only ids of the Crossref Funder Registry are funders; the same DOI as a related identifier is a DOI."""
    funders = [
        {"funderIdentifier": "https://doi.org/10.13039/501100001659", "funderIdentifierType": "Crossref Funder ID"},
        {"funderIdentifier": "https://doi.org/10.35802/1", "funderIdentifierType": "Other"},
    ]
    assert edges({"fundingReferences": funders, "relatedIdentifiers": [related("10.13039/501100001659", "DOI")]}) == [
        ("Cites", "10.13039/501100001659", "doi"),
        ("funder", "10.13039/501100001659", "funder"),
        ("funder", "10.35802/1", "doi"),
    ]


@pytest.mark.parametrize("kind", ["ROR", "ror", "Other", None])
def test_a_funder_that_cannot_exist_leads_nowhere(kind: str | None) -> None:
    """A ROR id with a wrong checksum does not make an edge, whatever its stated type."""
    stated = {"funderIdentifier": "https://ror.org/021nxhr63", "funderIdentifierType": kind}
    assert edges({"fundingReferences": [stated]}) == []


@pytest.mark.parametrize(
    ("identifier", "kind", "found"),
    [
        ("not-a-doi", "DOI", []),
        (ORCID, "ORCID", [("Cites", ORCID, "orcid")]),
        ("0000-0002-1825-0098", "ORCID", []),
        ("04wxnsj81", "ROR", [("Cites", ROR, "ror")]),
        ("04wxnsj82", "ROR", []),
        ("x", None, [("Cites", "x", None)]),
    ],
)
def test_what_is_called_a_doi_orcid_or_ror_is_an_edge_if_it_can_be_one(identifier: str, kind: str, found: list) -> None:
    """A related identifier of these kinds comes in its canonical form or not at all."""
    assert edges({"relatedIdentifiers": [related(identifier, kind)]}) == found


def test_relationships_of_the_api_are_edges_but_for_media() -> None:
    """Client, provider and linked DOIs are edges; media have no persistent identifier."""
    found = edges(
        {},
        {
            "client": {"data": {"id": "tib.gfz", "type": "clients"}},
            "provider": {"data": {"id": "tib", "type": "providers"}},
            "citations": {"data": [{"id": "10.2/B", "type": "dois"}]},
            "media": {"data": [{"id": "m-1", "type": "media"}]},
        },
    )
    assert found == [
        ("citations", "10.2/b", "doi"),
        ("client", "tib.gfz", "client"),
        ("provider", "tib", "provider"),
    ]


@pytest.mark.slow
@given(
    st.lists(
        st.lists(
            st.builds(related, st.sampled_from(["10.2/B", "10.2/b", "x", None]), st.sampled_from(["DOI", "URL"])),
            max_size=4,
        ),
        max_size=4,
    )
)
def test_edges_are_in_order_and_never_twice(stated: list[list[Json]]) -> None:
    """Edges stand in the order of their records, each once a record, whatever is stated how often."""
    records = [{"id": f"10.1/{row}", "attributes": {"relatedIdentifiers": list_}} for row, list_ in enumerate(stated)]
    found = links(*records)
    order = found.select("_row", "relation", "target_id", "target_type").rows()
    assert order == sorted(order)
    assert len(set(order)) == len(order)
    assert found.get_column("doi").to_list() == [f"10.1/{row}" for row in found.get_column("_row")]
