"""Reference repositories: repositories of DataCite and re3data joined into one list (api-notes 6.10).

The attributes are those of the server's serializer; no recorded body is known.
"""

from etl import normalise
from etl.resources import forms
from etl.resources.columns import derived, extra, integer, json, key, text, timestamp
from etl.schema.declarations import Facet, Filter, Paging, Resource, Table, Type

MAIN = Table(
    name="reference_repositories",
    description="One row per repository that DataCite or re3data knows.",
    columns=(
        key("id", "id", "Id of the entry."),
        text("name", "attributes.name", "Name of the repository."),
        text("description", "attributes.description", "Description of what it collects."),
        text("url", "attributes.url", "URL of the repository."),
        text("client_id", "attributes.clientId", "Client of the repository, if it is one of DataCite's.", lower=True),
        text("provider_id", "attributes.providerId", "Provider of that client.", lower=True),
        text("provider_id_and_name", "attributes.providerIdAndName", "Id and name of that provider in one text."),
        text("re3doi", "attributes.re3doi", "DOI of the repository in re3data.", lower=True),
        text("re3data_url", "attributes.re3dataUrl", "URL of its entry in re3data."),
        integer("year", "attributes.year", "Year in which the client was created."),
        json("alternate_name", "attributes.alternateName", "Other names, as a JSON list."),
        json("pid_system", "attributes.pidSystem", "Systems of persistent identifiers in use, as a JSON list."),
        json("contact", "attributes.contact", "Contact addresses, as a JSON list."),
        json("language", "attributes.language", "Languages, as a JSON list."),
        json("provider_type", "attributes.providerType", "Whether it provides data or services, as a JSON list."),
        json("data_access", "attributes.dataAccess", "Who may read, as a JSON list of types and restrictions."),
        json("data_upload", "attributes.dataUpload", "Who may deposit, as a JSON list of types and restrictions."),
        timestamp("re3_created_at", "attributes.re3CreatedAt", "When its entry in re3data was created."),
        timestamp("re3_updated_at", "attributes.re3UpdatedAt", "When its entry in re3data last changed."),
        timestamp("client_created_at", "attributes.clientCreatedAt", "When its client was created."),
        timestamp("client_updated_at", "attributes.clientUpdatedAt", "When its client last changed."),
        timestamp("created_at", "attributes.createdAt", "When this entry was created."),
        timestamp("updated_at", "attributes.updatedAt", "When this entry last changed."),
        derived(
            "client_created_year",
            Type.INT,
            normalise.year,
            "client_created_at",
            description="Year (UTC) in which its client was created, as facets count.",
        ),
        extra("repository"),
    ),
)


def _texts(name: str, path: str, column: str, what: str) -> Table:
    return Table(
        name=f"reference_repository_{name}",
        description=f"{what} of a repository: one row each.",
        path=f"attributes.{path}",
        columns=(text(column, "", f"{what.removesuffix('s')}, as the API writes it."),),
    )


TABLES = (
    MAIN,
    _texts("types", "repositoryType", "repository_type", "Types"),
    _texts("certificates", "certificate", "certificate", "Certificates"),
    _texts("software", "software", "software", "Software"),
    _texts("keywords", "keyword", "keyword", "Keywords"),
    Table(
        name="reference_repository_subjects",
        description="Subjects that a repository covers: one row per subject.",
        path="attributes.subject",
        columns=(
            text("subject", "text", "Name of the subject."),
            text("subject_id", "id", "Code of the subject in its vocabulary."),
            text("scheme", "scheme", "Name of the vocabulary."),
        ),
    ),
)

RESOURCE = Resource(
    name="reference-repositories",
    dialect="v2",
    type="reference_repositories",
    path="/reference-repositories",
    description="Repositories that DataCite or re3data knows, in one list.",
    parent="reference_repository_id",
    tables=TABLES,
    # A cursor here is only a time, which many entries share.
    paging=Paging.NUMBER,
    filters=(
        Filter(name="ids", description="Entries by id, client or DOI; other filters are then ignored.", any_of=True),
        Filter(name="year", description="Year in which the client was created.", form=forms.YEAR),
        Filter(name="software", description="Software of the repository.", any_of=True),
        Filter(name="certificate", description="Certificate of the repository.", any_of=True),
        Filter(name="has-pid", description="Repositories that use persistent identifiers.", form=forms.TRUE),
        Filter(name="is-open", description="Repositories that are open to everybody.", form=forms.TRUE),
        Filter(name="is-certified", description="Repositories with a certificate.", form=forms.TRUE),
        Filter(name="subject-id", description="Code of a subject, such as 34 for geosciences."),
    ),
    sorts=("relevance",),
    facets=(
        Facet(name="years", size=10, table="reference_repositories", column="client_created_year"),
        Facet(name="providers", size=10, table="reference_repositories", column="provider_id"),
        Facet(name="software", size=10),
        Facet(name="certificates", size=10),
        Facet(name="repository_types", size=10),
    ),
    unmapped={"type": "always reference_repositories"},
)
