"""Media: files that owners register behind a DOI; listed under one DOI, or included with many (api-notes 6.12)."""

from etl import normalise
from etl.resources.columns import derived, extra, key, moment, text, whole
from etl.schema.declarations import Resource, Table, Type

MAIN = Table(
    name="media",
    description="One row a medium: a file that is registered behind a DOI, with its type and web address.",
    columns=(
        key("id", "id", "Id of the medium."),
        whole("version", "attributes.version", "Version of the entry."),
        text("url", "attributes.url", "Web address of the file."),
        text("media_type", "attributes.mediaType", "Media type of the file, such as application/pdf."),
        moment("created", "attributes.created", "When the entry was made."),
        moment("updated", "attributes.updated", "When the entry last changed."),
        text("datacite_doi_id", "relationships.dataciteDoi.data.id", "DOI of the file, newer spelling.", lower=True),
        text("doi_id", "relationships.doi.data.id", "DOI of the file, older spelling.", lower=True),
        derived(
            "doi",
            Type.STRING,
            normalise.first_of,
            "datacite_doi_id",
            "doi_id",
            description="DOI that the file belongs to, lower-case, from whichever spelling the server used.",
        ),
        extra("medium"),
    ),
)

RESOURCE = Resource(
    name="media",
    dialect="v2",
    type="media",
    path="/media",
    description="Files registered behind DOIs; the API lists them for one DOI at a time.",
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
