"""Objects: subjects and objects of events, included with them; they have no list (api-notes 6.8)."""

from etl.resources.columns import extra, json, key, text
from etl.schema.declarations import Resource, Table

MAIN = Table(
    name="objects",
    description="One row per subject or object of an event: a DOI, a person, an article, a usage report.",
    columns=(
        key("id", "id", "URL of the object."),
        text("subtype", "attributes.subtype", "Type in the words of schema.org, such as Dataset or Person."),
        text("name", "attributes.name", "Title or name."),
        json("author", "attributes.author", "Authors, as a JSON list."),
        json("publisher", "attributes.publisher", "Publisher, as a JSON object."),
        json("periodical", "attributes.periodical", "Journal in which it appeared, as a JSON object."),
        json(
            "included_in_data_catalog", "attributes.includedInDataCatalog", "Catalogue that lists it, as a JSON object."
        ),
        text("version", "attributes.version", "Version."),
        text("date_published", "attributes.datePublished", "When it was published, as the API writes it."),
        text("date_modified", "attributes.dateModified", "When it last changed, as the API writes it."),
        json("funder", "attributes.funder", "Funders, as a JSON list."),
        json("proxy_identifiers", "attributes.proxyIdentifiers", "Other identifiers, as a JSON list."),
        text("registrant_id", "attributes.registrantId", "Account under which it was registered."),
        extra("object"),
    ),
)

RESOURCE = Resource(
    name="objects",
    dialect="v2",
    type="objects",
    path="/objects",
    description="Subjects and objects of events, only available as included records.",
    parent="object_id",
    tables=(MAIN,),
    searched=False,
    listed=False,
    unmapped={"type": "always objects"},
)
