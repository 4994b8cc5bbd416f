"""Works: what DOIs were called in API v1 (api-notes 7.5)."""

from etl import normalise
from etl.resources import forms
from etl.resources.columns import derived, extra, integer, key, text, timestamp
from etl.resources.v1._columns import around, authors, linked, successor, updated
from etl.schema.declarations import Facet, Filter, Include, Paging, Resource, Table, Type

MAIN = Table(
    name="v1_works",
    description="One row per work, that is, per DOI. Authors, related works and files have their own tables.",
    columns=(
        key("id", "id", "The DOI as a URL, lower-case; http or https, depending on the server."),
        text("doi", "attributes.doi", "The DOI, lower-case; servers wrote it in capitals.", lower=True),
        text("identifier", "attributes.identifier", "The DOI as a URL as stated; servers from 2017 on."),
        text("url", "attributes.url", "URL of the landing page."),
        text("title", "attributes.title", "The first title (DataCite property 3)."),
        text("container_title", "attributes.container-title", "Name of the publisher (property 4)."),
        text("description", "attributes.description", "The first description (property 17)."),
        text("resource_type_subtype", "attributes.resource-type-subtype", "Type as free text (property 10)."),
        text("publisher_id", linked("publisher"), "Data center that owns the DOI.", lower=True),
        text("data_center_id", linked("data-center"), "The same on servers from February 2017 on.", lower=True),
        text("member_id", linked("member"), "Member that the data center belongs to.", lower=True),
        text("registration_agency_id", linked("registration-agency"), "Registration agency of the DOI."),
        text("resource_type_id", linked("resource-type"), "General type, such as dataset (property 10)."),
        text(
            "resource_type_general", "attributes.resource-type-general", "General type on servers before October 2016."
        ),
        text("resource_type", "attributes.resource-type", "Type as free text on servers before October 2016."),
        text("type", "attributes.type", "Type in CSL on servers before October 2016."),
        text("work_type_id", linked("work-type"), "Type in CSL, the Citation Style Language."),
        text("version", "attributes.version", "Version of the work, as its owner counts (property 15)."),
        text("license", "attributes.license", "URL of the licence (property 16)."),
        text("schema_version", "attributes.schema-version", "Version of the metadata schema: 4, 3, 2.2 and so on."),
        text("published", "attributes.published", "Year of publication (property 5)."),
        timestamp("deposited", "attributes.deposited", "When the DOI was registered; servers until 2017."),
        timestamp("registered", "attributes.registered", "When the DOI was registered; servers from December 2017 on."),
        timestamp("checked", "attributes.checked", "When the landing page was last checked; later servers only."),
        updated("work"),
        text("xml", "attributes.xml", "The metadata as base64-encoded XML."),
        derived(
            "license_spdx",
            Type.STRING,
            normalise.spdx,
            *["license"] * 4,
            description="The licence as an SPDX id; null if the URL is not that of a known licence.",
        ),
        extra("work"),
    ),
)

RESULTS = Table(
    name="v1_work_results",
    description="Counts of references to a work: one row per kind of reference.",
    path="attributes.results",
    columns=(
        text("id", "id", "Kind of reference, such as References or IsPartOf."),
        text("title", "title", "Name of the kind of reference."),
        integer("count", "count", "Number of references."),
    ),
)

MEDIA = Table(
    name="v1_work_media",
    description="Files registered for the DOI: one row per file.",
    path="attributes.media",
    columns=(
        text("url", "url", "URL of the file."),
        text("media_type_stated", "media-type", "Media type of the file, in the usual attribute."),
        text("media_type_older", "media_type", "Media type of the file, in the older attribute."),
        derived(
            "media_type",
            Type.STRING,
            normalise.first_of,
            "media_type_stated",
            "media_type_older",
            description="Media type of the file, from either attribute.",
        ),
    ),
)

RELATED = Table(
    name="v1_work_related_identifiers",
    description="Works that a work names as related: one row per related identifier; servers from 2017 on.",
    path="attributes.related-identifiers",
    columns=(
        text("relation_type_id", "relation-type-id", "How it is related, such as IsPartOf."),
        text("related_identifier", "related-identifier", "Identifier of the related work, a URL."),
    ),
)

RESOURCE = Resource(
    name="v1/works",
    dialect="v1",
    type="works",
    path="/works",
    description="DOIs in API v1, from its search index.",
    parent="work_id",
    tables=(MAIN, authors("v1_work_authors", "works"), RESULTS, MEDIA, RELATED),
    paging=Paging.OFFSET,
    page_size=1000,
    filters=(
        Filter(
            name="resource-type-id",
            description="General resource type, such as dataset; old documents call it resource-id.",
            aliases=("resource-id",),
        ),
        Filter(name="publisher-id", description="Works of a data center."),
        Filter(name="member-id", description="Works of all data centers of a member."),
        Filter(name="source-id", description="Works with links from a source, such as datacite-related."),
        Filter(name="relation-type-id", description="Works with links of a kind, such as is-supplement-to."),
        Filter(name="year", description="Year of publication.", form=forms.YEAR),
        Filter(name="schema-version", description="Version of the metadata schema: 4, 3, 2.2 and so on."),
        Filter(
            name="from-created-date", description="Registered in that year, month or day or later.", form=forms.PERIOD
        ),
        Filter(name="until-created-date", description="Registered in that period or earlier.", form=forms.PERIOD),
        Filter(name="from-update-date", description="Changed in that year, month or day or later.", form=forms.PERIOD),
        Filter(name="until-update-date", description="Changed in that period or earlier.", form=forms.PERIOD),
    ),
    sorts=("score", "deposited", "published", "updated"),
    # The default order is newest first, in which every new DOI would shift the remaining pages.
    params={"sort": "deposited", "order": "asc"},
    parents={"member": "members", "publisher": "publishers", "source": "sources"},
    includes=(
        Include(name="publisher", resource="v1/publishers", path=f"{linked('publisher')}|{linked('data-center')}"),
        Include(name="member", resource="v1/members", path=linked("member")),
        Include(
            name="registration-agency",
            resource="v1/registration-agencies",
            path=linked("registration-agency"),
        ),
        Include(name="resource-type", resource="v1/resource-types", path=linked("resource-type")),
        Include(name="work-type", resource="v1/work-types", path=linked("work-type")),
    ),
    facets=(
        Facet(name="resource-types", size=15, table="v1_works", column="resource_type_id"),
        Facet(name="years", size=15, table="v1_works", column="published"),
        Facet(name="publishers", size=15, table="v1_works", column="publisher_id"),
        Facet(name="schema-versions", size=15, table="v1_works", column="schema_version"),
        # Another service counts the last two, over links instead of works.
        Facet(name="sources", size=1000),
        Facet(name="relation-types", size=1000),
    ),
    unmapped={
        "type": "always works",
        **around("publisher", "data-center", "member", "registration-agency", "resource-type", "work-type"),
    },
    successor=successor("dois"),
)
