"""DOIs: the works that DataCite knows, with everything that their metadata say (api-notes 4.1, 5.1)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from etl import normalise
from etl.resources.columns import boolean, derived, extra, integer, json, key, text, timestamp
from etl.resources.v2 import _doi_people, _doi_query, _doi_relations, _doi_texts
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
    text("publisher_scheme_uri", "attributes.publisher.schemeUri", "URL of that scheme."),
    text("publisher_lang", "attributes.publisher.lang", "Language of the publisher's name as a BCP 47 tag."),
    integer("publication_year", "attributes.publicationYear", "Year of publication (property 5)."),
    text("published", "attributes.published", "Date of publication as free text; often empty in lists."),
    text("language", "attributes.language", "Main language of the work, usually two letters (property 9)."),
    text("version", "attributes.version", "Version of the work, as its owner counts (property 15)."),
    text("types_ris", "attributes.types.ris", "Type of the work in RIS."),
    text("types_bibtex", "attributes.types.bibtex", "Type of the work in BibTeX."),
    text("types_citeproc", "attributes.types.citeproc", "Type of the work in CSL, the Citation Style Language."),
    text("types_schema_org", "attributes.types.schemaOrg", "Type of the work in schema.org."),
    text("types_resource_type", "attributes.types.resourceType", "Type of the work as free text (property 10)."),
    text(
        "types_resource_type_general",
        "attributes.types.resourceTypeGeneral",
        "General type of the work from DataCite's list, such as Dataset (property 10).",
    ),
    text("container_type", "attributes.container.type", "Type of the container, such as Journal."),
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
        "Identifiers of the container, as a JSON list; only in older records with several.",
    ),
)

_ADMINISTRATION = (
    text("url", "attributes.url", "URL of the landing page."),
    text("state", "attributes.state", "findable; registered or draft for authorised users."),
    boolean("is_active", "attributes.isActive", "Whether the DOI is active, that is, findable."),
    text("reason", "attributes.reason", "Reason why the DOI was hidden, if given."),
    text("source", "attributes.source", "How the DOI was registered: api, mds, fabrica, ez and so on."),
    text("agency", "attributes.agency", "Registration agency; only present if other agencies are requested."),
    text("schema_version", "attributes.schemaVersion", "Namespace of the metadata schema's version."),
    integer("metadata_version", "attributes.metadataVersion", "Number of changes of the metadata."),
    json("landing_page", "attributes.landingPage", "DataCite's check of the landing page; for authorised users."),
    text("client_id", "relationships.client.data.id", "Client (repository) that owns the DOI.", lower=True),
    text(
        "provider_id",
        "relationships.provider.data.id",
        "Provider that the client belongs to; detail view only.",
        lower=True,
    ),
    integer("view_count", "attributes.viewCount", "Number of reported views."),
    integer("download_count", "attributes.downloadCount", "Number of reported downloads."),
    integer("reference_count", "attributes.referenceCount", "Number of works that it cites, as far as known."),
    integer("citation_count", "attributes.citationCount", "Number of works that cite it, as far as known."),
    integer("part_count", "attributes.partCount", "Number of its parts."),
    integer("part_of_count", "attributes.partOfCount", "Number of works that it is part of."),
    integer("version_count", "attributes.versionCount", "Number of its versions."),
    integer("version_of_count", "attributes.versionOfCount", "Number of works that it is a version of."),
    timestamp("created", "attributes.created", "When the DOI was created; never changes."),
    timestamp("registered", "attributes.registered", "When the DOI was registered and became resolvable."),
    timestamp("updated", "attributes.updated", "When DataCite's record of the DOI last changed."),
    text("xml", "attributes.xml", "The metadata as base64-encoded XML; detail view only."),
)


def _read(name: str, kind: Type, function: "Callable[[pl.Expr], pl.Expr]", of: str, description: str) -> Column:
    return derived(name, kind, function, of, description=description)


_READ = (
    _read("prefix", Type.STRING, normalise.doi_prefix, "doi", "The part before the first slash of the DOI."),
    _read("suffix", Type.STRING, normalise.doi_suffix, "doi", "The part after the first slash, lower-case."),
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
        "First day of the date in published; null if that is not a date.",
    ),
    _read(
        "published_end",
        Type.DATE,
        normalise.date_end,
        "published",
        "Last day of the date in published, inclusive; null if that is not a date.",
    ),
    _read("created_year", Type.INT, normalise.year, "created", "Year (UTC) of creation."),
    _read("registered_year", Type.INT, normalise.year, "registered", "Year (UTC) of registration."),
    *_doi_people.ror_columns(
        "publisher_identifier", "publisher_identifier_scheme", prefix="publisher_", whose="publisher"
    ),
)

MAIN = Table(
    name="dois",
    description="One row per DOI with its single-valued fields; repeated fields have their own tables.",
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
    description="Every public DOI registered with DataCite, with its full metadata.",
    parent="doi",
    tables=(MAIN, *_doi_people.TABLES, *_doi_texts.TABLES, *_doi_relations.TABLES, LINKS),
    paging=Paging.CURSOR,
    page_size=1000,
    windows={"created": "created", "updated": "updated", "registered": "registered"},
    slice_on="created",
    filters=_doi_query.FILTERS,
    sorts=_doi_query.SORTS,
    includes=_doi_query.INCLUDES,
    facets=_doi_query.FACETS,
    # The first two become the default in September 2027; the third was not, until March 2026 (api-notes 4.7, 4.10).
    params={"affiliation": "true", "publisher": "true", "disable-facets": "true"},
    detail={"detail": "true"},
    wrap=_WRAP,
    unmapped={
        "type": "always dois",
        "attributes.doi": "the same as id",
        "attributes.prefix": "derived from the DOI, so that lists have it too",
        "attributes.suffix": "derived from the DOI, so that lists have it too",
    },
    partition="created_year",
)
