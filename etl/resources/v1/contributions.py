"""Contributions: who contributed to which work, as reported by ORCID and others."""

from etl.resources.columns import extra, key, text, timestamp
from etl.resources.v1._columns import LINKED_SOURCE, around, authors, linked, orcid_read, successor, updated
from etl.schema.declarations import Facet, Filter, Include, Paging, Resource, Table

MAIN = Table(
    name="v1_contributions",
    description="One row per contribution of a person to a work, by source and role.",
    columns=(
        key("id", "id", "Contributor, work, source and role, because the server's id changes with every response."),
        text("subj_id", "attributes.subj-id", "The contributor, a URL such as http://orcid.org/..."),
        text("obj_id", "attributes.obj-id", "The work: its DOI as a URL."),
        text("given", "attributes.given", "Given names of the contributor."),
        text("family", "attributes.family", "Family name of the contributor."),
        text("credit_name", "attributes.credit-name", "Name that the contributor prefers."),
        text("orcid", "attributes.orcid", "ORCID iD of the contributor, digits only."),
        text("github", "attributes.github", "GitHub name of the contributor."),
        text("doi", "attributes.doi", "DOI of the work, lower-case.", lower=True),
        text("url", "attributes.url", "URL of the work."),
        text("title", "attributes.title", "Title of the work."),
        text("container_title", "attributes.container-title", "Publisher of the work."),
        text("contributor_role_id", "attributes.contributor-role-id", "Role, such as contribution."),
        text("source_id", linked("source"), "Source that reported it, such as datacite-orcid."),
        text("publisher_id", linked("publisher"), "Data center of the work.", lower=True),
        text("work_type_id", "attributes.work-type-id", "Type of the work in CSL."),
        text("work_type", "attributes.work-type", "Type of the work on servers of October 2016."),
        text("type", "attributes.type", "Type of the work on servers before October 2016."),
        text("published", "attributes.published", "Date of publication, often only the year."),
        timestamp("issued", "attributes.issued", "When the work was issued."),
        updated("contribution"),
        LINKED_SOURCE,
        text(
            "linked_publisher_id",
            "relationships.publisher.data.id",
            "Data center in the relationship, which requires include=publisher.",
            lower=True,
        ),
        *orcid_read("subj_id", "contributor"),
        extra("contribution"),
    ),
)

RESOURCE = Resource(
    name="v1/contributions",
    dialect="v1",
    type="contributions",
    path="/contributions",
    description="Links between contributors and works, as reported by ORCID and others.",
    parent="contribution_id",
    tables=(MAIN, authors("v1_contribution_authors", "the work that was contributed to")),
    searched=False,
    paging=Paging.OFFSET,
    page_size=25,
    filters=(
        Filter(
            name="contributor-id", description="Contributions of one person, such as orcid.org/0000-0003-1419-2405."
        ),
        Filter(name="work-id", description="Contributions to one work, by its DOI."),
        Filter(name="publisher-id", description="Contributions to works of a data center."),
        Filter(name="source-id", description="Contributions from a source, such as datacite-orcid."),
    ),
    parents={"contributor": "contributors"},
    includes=(
        Include(name="publisher", resource="v1/publishers", path=linked("publisher")),
        Include(name="source", resource="v1/sources", path=linked("source")),
    ),
    facets=(
        Facet(name="sources", size=1000, table="v1_contributions", column="source_id"),
        Facet(name="publishers", size=1000, table="v1_contributions", column="publisher_id"),
    ),
    identity=(
        "attributes.subj-id",
        "attributes.obj-id",
        linked("source"),
        "attributes.contributor-role-id",
    ),
    unmapped={
        "type": "always contributions",
        **around("publisher", "source"),
    },
    successor=successor(""),
)
