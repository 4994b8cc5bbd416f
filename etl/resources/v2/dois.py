"""DOIs: the works that DataCite knows, with everything their metadata say (api-notes 4.1, 5.1)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from etl import normalise
from etl.resources.columns import derived, extra, flag, json, key, moment, text, whole
from etl.resources.v2 import _doi_asking, _doi_people, _doi_relations, _doi_texts
from etl.resources.v2._doi_links import LINKS
from etl.schema.declarations import Column, Paging, Resource, Table, Type

if TYPE_CHECKING:
    import polars as pl

_METADATA = (
    text("publisher", "attributes.publisher.name", "Name of the publisher (DataCite property 4)."),
    text("publisher_identifier", "attributes.publisher.publisherIdentifier", "Identifier of the publisher as stated."),
    text(
        "publisher_identifier_scheme",
        "attributes.publisher.publisherIdentifierScheme",
        "Scheme of the publisher's identifier, such as ROR.",
    ),
    text("publisher_scheme_uri", "attributes.publisher.schemeUri", "Web address of that scheme."),
    text("publisher_lang", "attributes.publisher.lang", "Language of the publisher's name as a BCP 47 tag."),
    whole("publication_year", "attributes.publicationYear", "Year of publication (property 5)."),
    text("published", "attributes.published", "Date of publication as free text; in lists often empty."),
    text("language", "attributes.language", "Main language of the thing, usually two letters (property 9)."),
    text("version", "attributes.version", "Version of the thing, as its owner counts (property 15)."),
    text("types_ris", "attributes.types.ris", "Type of the thing in RIS."),
    text("types_bibtex", "attributes.types.bibtex", "Type of the thing in BibTeX."),
    text("types_citeproc", "attributes.types.citeproc", "Type of the thing in CSL, the Citation Style Language."),
    text("types_schema_org", "attributes.types.schemaOrg", "Type of the thing in schema.org."),
    text("types_resource_type", "attributes.types.resourceType", "Type of the thing as free text (property 10)."),
    text(
        "types_resource_type_general",
        "attributes.types.resourceTypeGeneral",
        "General type of the thing from DataCite's list, such as Dataset (property 10).",
    ),
    text("container_type", "attributes.container.type", "Type of what contains the thing, such as Journal."),
    text("container_identifier", "attributes.container.identifier", "Identifier of the container, such as an ISSN."),
    text("container_identifier_type", "attributes.container.identifierType", "Kind of the container's identifier."),
    text("container_title", "attributes.container.title", "Title of the container."),
    text("container_volume", "attributes.container.volume", "Volume of the container."),
    text("container_issue", "attributes.container.issue", "Issue of the container."),
    text("container_first_page", "attributes.container.firstPage", "First page within the container."),
    text("container_last_page", "attributes.container.lastPage", "Last page within the container."),
    json(
        "container_identifiers",
        "attributes.container.identifiers",
        "Identifiers of the container where there are several, as a JSON list; older records only.",
    ),
)

_ADMINISTRATION = (
    text("url", "attributes.url", "Web address of the landing page."),
    text("state", "attributes.state", "findable; registered or draft for authorised users."),
    flag("is_active", "attributes.isActive", "Whether the DOI is active, which is to say findable."),
    text("reason", "attributes.reason", "Reason why a DOI was hidden, if one was given."),
    text("source", "attributes.source", "Way by which the DOI was registered: api, mds, fabrica, ez and so on."),
    text("agency", "attributes.agency", "Registration agency; told only where other agencies are asked for."),
    text("schema_version", "attributes.schemaVersion", "Namespace of the metadata schema's version."),
    whole("metadata_version", "attributes.metadataVersion", "How many times the metadata changed."),
    json("landing_page", "attributes.landingPage", "Result of DataCite's check of the landing page; needs rights."),
    text("client_id", "relationships.client.data.id", "Client (repository) that owns the DOI.", lower=True),
    text(
        "provider_id",
        "relationships.provider.data.id",
        "Provider that the client belongs to; detail view only.",
        lower=True,
    ),
    whole("view_count", "attributes.viewCount", "How many views were reported."),
    whole("download_count", "attributes.downloadCount", "How many downloads were reported."),
    whole("reference_count", "attributes.referenceCount", "How many works it cites, as far as known."),
    whole("citation_count", "attributes.citationCount", "How many works cite it, as far as known."),
    whole("part_count", "attributes.partCount", "How many parts it has."),
    whole("part_of_count", "attributes.partOfCount", "How many works it is part of."),
    whole("version_count", "attributes.versionCount", "How many versions it has."),
    whole("version_of_count", "attributes.versionOfCount", "How many works it is a version of."),
    moment("created", "attributes.created", "When the DOI was created; never changes."),
    moment("registered", "attributes.registered", "When the DOI was registered and so became resolvable."),
    moment("updated", "attributes.updated", "When DataCite's record of the DOI last changed."),
    text("xml", "attributes.xml", "The metadata as XML in base64; detail view only."),
)


def _read(name: str, kind: Type, function: "Callable[[pl.Expr], pl.Expr]", of: str, description: str) -> Column:
    return derived(name, kind, function, of, description=description)


_READ = (
    _read("prefix", Type.STRING, normalise.doi_prefix, "doi", "What stands before the first slash of the DOI."),
    _read("suffix", Type.STRING, normalise.doi_suffix, "doi", "What stands after the first slash, lower-case."),
    _read(
        "resource_type_id",
        Type.STRING,
        normalise.kebab,
        "types_resource_type_general",
        "General type as the API's filters and facets spell it, such as journal-article.",
    ),
    _read(
        "schema_version_id",
        Type.STRING,
        normalise.schema_version,
        "schema_version",
        "Version of the metadata schema as the API's filters and facets spell it, such as 4.",
    ),
    _read(
        "published_start",
        Type.DATE,
        normalise.date_start,
        "published",
        "First day that the text in published means; null if it is no date.",
    ),
    _read(
        "published_end",
        Type.DATE,
        normalise.date_end,
        "published",
        "Last day that the text in published means, inclusive; null if it is no date.",
    ),
    _read("created_year", Type.INT, normalise.year, "created", "Year (UTC) of creation; the partition of all tables."),
    _read("registered_year", Type.INT, normalise.year, "registered", "Year (UTC) of registration."),
    *_doi_people.ror_columns(
        "publisher_identifier", "publisher_identifier_scheme", prefix="publisher_", whose="publisher"
    ),
)

MAIN = Table(
    name="dois",
    description="One row a DOI: what the API tells of it once. Whatever can be there several times has its own table.",
    columns=(
        key("doi", "id", "The DOI, lower-case, without any prefix such as https://doi.org/."),
        *_METADATA,
        *_ADMINISTRATION,
        *_READ,
        extra("DOI"),
    ),
)

_PEOPLE = tuple(f"attributes.{where}" for where in ("creators[]", "contributors[]"))
_ITEM = "attributes.relatedItems[]"
_WRAP = {
    "attributes.publisher": "name",
    "attributes.titles[]": "title",
    "attributes.subjects[]": "subject",
    "attributes.dates[]": "date",
    "attributes.descriptions[]": "description",
    "attributes.rightsList[]": "rights",
    "attributes.geoLocations[]": "geoLocationPlace",
    "attributes.identifiers[]": "identifier",
    "attributes.alternateIdentifiers[]": "alternateIdentifier",
    "attributes.relatedIdentifiers[]": "relatedIdentifier",
    "attributes.fundingReferences[]": "funderName",
    f"{_ITEM}.titles[]": "title",
    **dict.fromkeys([*_PEOPLE, f"{_ITEM}.creators[]", f"{_ITEM}.contributors[]"], "name"),
    **{f"{person}.affiliation[]": "name" for person in _PEOPLE},
    **{f"{person}.nameIdentifiers[]": "nameIdentifier" for person in _PEOPLE},
}

RESOURCE = Resource(
    name="dois",
    dialect="v2",
    type="dois",
    path="/dois",
    description="Every DOI registered with DataCite that anybody may see, with its full metadata.",
    parent="doi",
    tables=(MAIN, *_doi_people.TABLES, *_doi_texts.TABLES, *_doi_relations.TABLES, LINKS),
    paging=Paging.CURSOR,
    page_size=1000,
    windows={"created": "created", "updated": "updated", "registered": "registered"},
    slice_on="created",
    filters=_doi_asking.FILTERS,
    sorts=_doi_asking.SORTS,
    includes=_doi_asking.INCLUDES,
    facets=_doi_asking.FACETS,
    # The first two become the default in September 2027, the third was until March 2026 (api-notes 4.7, 4.10).
    params={"affiliation": "true", "publisher": "true", "disable-facets": "true"},
    detail={"detail": "true"},
    wrap=_WRAP,
    unmapped={
        "type": "always dois",
        "attributes.doi": "the same as id",
        "attributes.prefix": "read from the DOI, so that lists have it too",
        "attributes.suffix": "read from the DOI, so that lists have it too",
    },
    partition="created_year",
)
