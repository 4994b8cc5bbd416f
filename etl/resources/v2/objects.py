"""Objects: what stands on both sides of events; they come along with events and have no list (api-notes 6.8)."""

from etl.resources.columns import extra, json, key, text
from etl.schema.declarations import Resource, Table

MAIN = Table(
    name="objects",
    description="One row a thing that an event is about: a DOI, a person, an article, a usage report.",
    columns=(
        key("id", "id", "Web address of the object."),
        text("subtype", "attributes.subtype", "What it is in the words of schema.org, such as Dataset or Person."),
        text("name", "attributes.name", "Title or name."),
        json("author", "attributes.author", "Authors, as a JSON list."),
        json("publisher", "attributes.publisher", "Publisher, as a JSON object."),
        json("periodical", "attributes.periodical", "Journal that it appeared in, as a JSON object."),
        json("included_in_data_catalog", "attributes.includedInDataCatalog", "Catalogue it is in, as a JSON object."),
        text("version", "attributes.version", "Version."),
        text("date_published", "attributes.datePublished", "When it was published, as the API writes it."),
        text("date_modified", "attributes.dateModified", "When it last changed, as the API writes it."),
        json("funder", "attributes.funder", "Funders, as a JSON list."),
        json(
            "proxy_identifiers", "attributes.proxyIdentifiers", "Other identifiers of the same thing, as a JSON list."
        ),
        text("registrant_id", "attributes.registrantId", "Account under which it was registered."),
        extra("object"),
    ),
)

RESOURCE = Resource(
    name="objects",
    dialect="v2",
    type="objects",
    path="/objects",
    description="Subjects and objects of events; they come along with events only.",
    parent="object_id",
    tables=(MAIN,),
    searched=False,
    listed=False,
    unmapped={"type": "always objects"},
)
