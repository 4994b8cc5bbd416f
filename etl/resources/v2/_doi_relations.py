"""The tables of what a DOI points to: related identifiers and items, funding, relationships, and use over time."""

from etl import normalise
from etl.resources.columns import LINKED, derived, integer, label, text
from etl.resources.v2._doi_people import CONTRIBUTOR_TYPE, PERSON, ror_columns
from etl.schema.declarations import Table, Type

RELATED_IDENTIFIERS = Table(
    name="doi_related_identifiers",
    description="Related identifiers (DataCite property 12): one row per related identifier.",
    path="attributes.relatedIdentifiers",
    columns=(
        text("related_identifier", "relatedIdentifier", "Identifier of the related work as stated."),
        text("related_identifier_type", "relatedIdentifierType", "Kind of the identifier: DOI, URL, ISSN, arXiv, ..."),
        text(
            "relation_type", "relationType", "Relation of this work to the other: Cites, IsPartOf, IsDerivedFrom, ..."
        ),
        text("resource_type_general", "resourceTypeGeneral", "General type of the related work, if stated."),
        text("related_metadata_scheme", "relatedMetadataScheme", "Name of the scheme of related metadata."),
        text("scheme_uri", "schemeUri", "URL of that scheme."),
        text("scheme_type", "schemeType", "Type of that scheme, such as XSD."),
        text("relation_type_information", "relationTypeInformation", "Free text about the relation."),
        derived(
            "related_doi",
            Type.STRING,
            normalise.doi,
            "related_identifier",
            "related_identifier_type",
            description="DOI of the related work, bare and lower-case; null if the identifier is not a DOI.",
        ),
    ),
)

RELATED_ITEMS = Table(
    name="doi_related_items",
    description="Related items (property 20), described within the record: one row per item.",
    path="attributes.relatedItems",
    columns=(
        text("related_item_type", "relatedItemType", "General type of the item, such as Journal or Book."),
        text("relation_type", "relationType", "Relation of this work to the item, such as IsPublishedIn."),
        text("relation_type_information", "relationTypeInformation", "Free text about the relation."),
        text("related_item_identifier", "relatedItemIdentifier.relatedItemIdentifier", "Identifier of the item."),
        text(
            "related_item_identifier_type",
            "relatedItemIdentifier.relatedItemIdentifierType",
            "Kind of the identifier: DOI, ISSN, ISBN, ...",
        ),
        text(
            "related_metadata_scheme",
            "relatedItemIdentifier.relatedMetadataScheme",
            "Name of the scheme of related metadata.",
        ),
        # The one place where the API writes URI in capitals (api-notes 5.2).
        text("scheme_uri", "relatedItemIdentifier.schemeURI", "URL of that scheme."),
        text("scheme_type", "relatedItemIdentifier.schemeType", "Type of that scheme, such as XSD."),
        text("publication_year", "publicationYear", "Publication year of the item as stated."),
        text("volume", "volume", "Volume of the item."),
        text("issue", "issue", "Issue of the item."),
        text("number", "number", "Number of the item, for example within a series."),
        text("number_type", "numberType", "What the number counts: Article, Chapter, Report or Other."),
        text("first_page", "firstPage", "First page within the item."),
        text("last_page", "lastPage", "Last page within the item."),
        text("publisher", "publisher", "Publisher of the item."),
        text("edition", "edition", "Edition of the item."),
        derived(
            "related_doi",
            Type.STRING,
            normalise.doi,
            "related_item_identifier",
            "related_item_identifier_type",
            description="DOI of the item, bare and lower-case; null if the identifier is not a DOI.",
        ),
    ),
)

_ITEM_POSITIONS = ("item_position", "position")

RELATED_ITEM_TITLES = Table(
    name="doi_related_item_titles",
    description="Titles of related items: one row per title of one item.",
    path="attributes.relatedItems[].titles",
    positions=_ITEM_POSITIONS,
    columns=(
        text("title", "title", "The title."),
        text("title_type", "titleType", "AlternativeTitle, Subtitle, TranslatedTitle or Other; null for a main title."),
        text("lang", "lang", "Language of the title as a BCP 47 tag."),
    ),
)

RELATED_ITEM_CREATORS = Table(
    name="doi_related_item_creators",
    description="Creators of related items: one row per creator of one item.",
    path="attributes.relatedItems[].creators",
    positions=_ITEM_POSITIONS,
    columns=PERSON,
)

RELATED_ITEM_CONTRIBUTORS = Table(
    name="doi_related_item_contributors",
    description="Contributors of related items: one row per contributor of one item, with its role.",
    path="attributes.relatedItems[].contributors",
    positions=_ITEM_POSITIONS,
    columns=(CONTRIBUTOR_TYPE, *PERSON),
)

FUNDING_REFERENCES = Table(
    name="doi_funding_references",
    description="Funding (property 19): one row per funder or award.",
    path="attributes.fundingReferences",
    columns=(
        text("funder_name", "funderName", "Name of the funder."),
        text("funder_identifier", "funderIdentifier", "Identifier of the funder as stated."),
        text("funder_identifier_type", "funderIdentifierType", "Crossref Funder ID, ROR, GRID, ISNI or Other."),
        text("scheme_uri", "schemeUri", "URL of the identifier's scheme."),
        text("award_number", "awardNumber", "Number of the award or grant."),
        text("award_uri", "awardUri", "URL of the award."),
        text("award_title", "awardTitle", "Title of the award."),
        derived(
            "funder_doi",
            Type.STRING,
            normalise.funder_doi,
            "funder_identifier",
            "funder_identifier_type",
            description="Crossref Funder ID as a DOI, 10.13039/..., bare and lower-case; null if none is stated.",
        ),
        *ror_columns("funder_identifier", "funder_identifier_type", prefix="funder_", whose="funder"),
    ),
)

RELATIONSHIPS = Table(
    name="doi_relationships",
    description="Links to other records of the API: one row per linked record. The list view has only the client; the "
    "detail view adds the provider, media, and the DOIs that cite, are cited, contain and so on. Records of 2018 also "
    "have the general type.",
    relations={
        "client": "relationships.client.data",
        "provider": "relationships.provider.data",
        "media": "relationships.media.data[]",
        "references": "relationships.references.data[]",
        "citations": "relationships.citations.data[]",
        "parts": "relationships.parts.data[]",
        "partOf": "relationships.partOf.data[]",
        "versions": "relationships.versions.data[]",
        "versionOf": "relationships.versionOf.data[]",
        "resourceType": "relationships.resourceType.data",
    },
    columns=(label("relation", "Name of the relationship in the API's spelling."), *LINKED),
)

METRICS_OVER_TIME = Table(
    name="doi_metrics_over_time",
    description="Views and downloads by month and citations by year: one row per metric and period, by metric and "
    "position. Detail view only.",
    relations={
        "views": "attributes.viewsOverTime[]",
        "downloads": "attributes.downloadsOverTime[]",
        "citations": "attributes.citationsOverTime[]",
    },
    columns=(
        label("metric", "What is counted: views, downloads or citations."),
        text("year_month", "yearMonth", "Month of views or downloads, YYYY-MM."),
        text("year", "year", "Year of citations, YYYY."),
        integer("total", "total", "Number in that period."),
        derived(
            "period",
            Type.STRING,
            normalise.first_of,
            "year_month",
            "year",
            description="The month or the year, depending on the metric.",
        ),
    ),
    detail_only=True,
)

TABLES = (
    RELATED_IDENTIFIERS,
    RELATED_ITEMS,
    RELATED_ITEM_TITLES,
    RELATED_ITEM_CREATORS,
    RELATED_ITEM_CONTRIBUTORS,
    FUNDING_REFERENCES,
    RELATIONSHIPS,
    METRICS_OVER_TIME,
)
