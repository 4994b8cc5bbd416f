"""Media: files that owners register for a DOI; listed under one DOI, or included with many (api-notes 6.12)."""

from etl import normalise
from etl.resources.columns import derived, extra, integer, key, text, timestamp
from etl.schema.declarations import Resource, Table, Type

MAIN = Table(
    name="media",
    description="One row per medium: a file that is registered for a DOI, with its type and URL.",
    columns=(
        key("id", "id", "Id of the medium."),
        integer("version", "attributes.version", "Version of the entry."),
        text("url", "attributes.url", "URL of the file."),
        text("media_type", "attributes.mediaType", "Media type of the file, such as application/pdf."),
        timestamp("created", "attributes.created", "When the entry was created."),
        timestamp("updated", "attributes.updated", "When the entry last changed."),
        text(
            "datacite_doi_id",
            "relationships.dataciteDoi.data.id",
            "DOI of the file, in the newer spelling.",
            lower=True,
        ),
        text("doi_id", "relationships.doi.data.id", "DOI of the file, in the older spelling.", lower=True),
        derived(
            "doi",
            Type.STRING,
            normalise.first_of,
            "datacite_doi_id",
            "doi_id",
            description="DOI that the file belongs to, lower-case, from either spelling.",
        ),
        extra("medium"),
    ),
)

RESOURCE = Resource(
    name="media",
    dialect="v2",
    type="media",
    path="/media",
    description="Files registered for DOIs; the API lists them for one DOI at a time.",
    parent="media_id",
    tables=(MAIN,),
    searched=False,
    parents={"doi": "dois"},
    listed=False,
    unmapped={
        "type": "always media",
        "relationships.doi.data.type": "always dois",
        "relationships.dataciteDoi.data.type": "always dois",
    },
)
