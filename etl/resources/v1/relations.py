"""Relations: links between works, as far as API v1 knew."""

from etl.resources.columns import extra, integer, key, text, timestamp
from etl.resources.v1._columns import LINKED_SOURCE, around, authors, linked, successor, updated
from etl.schema.declarations import Facet, Filter, Include, Paging, Resource, Table

MAIN = Table(
    name="v1_relations",
    description="One row per link between two works, by source and kind.",
    columns=(
        key("id", "id", "Both works, source and kind, because the server's id changes with every response."),
        text("subj_id", "attributes.subj-id", "The work at the start of the link: its DOI as a URL."),
        text("obj_id", "attributes.obj-id", "The work at the end of the link: its DOI as a URL."),
        text("doi", "attributes.doi", "DOI of the first work, lower-case.", lower=True),
        text("title", "attributes.title", "Title of the first work."),
        text("container_title", "attributes.container-title", "Publisher of the first work."),
        text("source_id", linked("source"), "Source that reported it, such as datacite-related."),
        text("relation_type_id", linked("relation-type"), "Kind of the link, such as is-supplement-to."),
        text("publisher_id", linked("publisher"), "Data center of the first work.", lower=True),
        text("registration_agency_id", "attributes.registration-agency-id", "Registration agency of the first work."),
        text("work_type_id", "attributes.work-type-id", "Type of the first work in CSL."),
        text("work_type", "attributes.work-type", "Type of the first work on servers of October 2016."),
        text("type", "attributes.type", "Type of the first work on servers before October 2016."),
        integer("total", "attributes.total", "How many times the link was reported."),
        text("published", "attributes.published", "Date of publication, often only the year."),
        timestamp("issued", "attributes.issued", "When the first work was issued."),
        updated("relation"),
        LINKED_SOURCE,
        text(
            "linked_relation_type_id",
            "relationships.relation-type.data.id",
            "Kind in the relationship, which requires include=relation-type.",
        ),
        text(
            "linked_publisher_id",
            "relationships.publisher.data.id",
            "Data center in the relationship, which requires include=publisher.",
            lower=True,
        ),
        extra("relation"),
    ),
)

RESOURCE = Resource(
    name="v1/relations",
    dialect="v1",
    type="relations",
    path="/relations",
    description="Links between works, as reported by DataCite, Crossref and others.",
    parent="relation_id",
    tables=(MAIN, authors("v1_relation_authors", "the work at the start of the link")),
    paging=Paging.OFFSET,
    page_size=25,
    filters=(
        Filter(name="relation-type-id", description="Links of a kind, such as is-supplement-to."),
        Filter(name="work-id", description="Links of one work, by its DOI."),
        Filter(name="work-ids", description="Links of several works, by their DOIs.", any_of=True),
        Filter(name="source-id", description="Links from a source, such as datacite-related."),
    ),
    includes=(
        Include(name="publisher", resource="v1/publishers", path=linked("publisher")),
        Include(name="source", resource="v1/sources", path=linked("source")),
        Include(name="relation-type", resource="v1/relation-types", path=linked("relation-type")),
    ),
    facets=(
        Facet(name="sources", size=1000, table="v1_relations", column="source_id"),
        Facet(name="publishers", size=1000, table="v1_relations", column="publisher_id"),
        Facet(name="relation-types", size=1000, table="v1_relations", column="relation_type_id"),
    ),
    identity=(
        "attributes.subj-id",
        "attributes.obj-id",
        linked("source"),
        linked("relation-type"),
    ),
    unmapped={
        "type": "always relations",
        **around("publisher", "source", "relation-type"),
    },
    successor=successor("events"),
)
