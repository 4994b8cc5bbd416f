"""Repositories: the same accounts as clients, described as repositories (api-notes 6.3).

Bodies recorded under this path from 2018 to 2020 are re3data's and have another shape; their attributes go to `extra`.
"""

from etl import normalise
from etl.resources import forms
from etl.resources.columns import LINKED, boolean, derived, extra, integer, key, label, text, timestamp
from etl.schema.declarations import Facet, Filter, Include, Paging, Resource, Table, Type

MAIN = Table(
    name="repositories",
    description="One row per repository: the client of the same id, described as a repository.",
    columns=(
        key("id", "id", "Id of the repository, lower-case, the same as its client's."),
        text("name", "attributes.name", "Name of the repository."),
        text("symbol", "attributes.symbol", "Symbol of the repository, the id in capitals."),
        text("alternate_name", "attributes.alternateName", "Another name of the repository."),
        text("description", "attributes.description", "Description of what the repository collects."),
        text("client_type", "attributes.clientType", "repository, periodical, igsnCatalog or raidRegistry."),
        text("software", "attributes.software", "Software that the repository runs on."),
        text("domains", "attributes.domains", "Domains that its DOIs may point to, separated by commas; * means any."),
        text("re3data", "attributes.re3data", "URL of its entry in re3data."),
        text("opendoar", "attributes.opendoar", "Id or URL of its entry in OpenDOAR."),
        text("issn_print", "attributes.issn.print", "ISSN of the printed edition of a periodical."),
        text("issn_electronic", "attributes.issn.electronic", "ISSN of the electronic edition of a periodical."),
        text("issn_issnl", "attributes.issn.issnl", "Linking ISSN of a periodical."),
        text("url", "attributes.url", "URL of the repository."),
        integer("year", "attributes.year", "Year in which the repository joined."),
        boolean("is_active", "attributes.isActive", "Whether the repository may register DOIs."),
        boolean("has_password", "attributes.hasPassword", "Whether a password is set; older records and owners only."),
        text("system_email", "attributes.systemEmail", "E-mail address for system messages; for authorised users."),
        text("service_contact_given_name", "attributes.serviceContact.givenName", "Given name of the contact person."),
        text("service_contact_family_name", "attributes.serviceContact.familyName", "Their family name."),
        text("service_contact_email", "attributes.serviceContact.email", "Their e-mail address; for authorised users."),
        timestamp("created", "attributes.created", "When the repository's account was created."),
        timestamp("updated", "attributes.updated", "When the repository's record last changed."),
        text("provider_id", "relationships.provider.data.id", "Provider that the repository belongs to.", lower=True),
        text("consortium_id", "relationships.consortium.data.id", "Consortium of that provider, if any.", lower=True),
        derived(
            "created_year", Type.INT, normalise.year, "created", description="Year (UTC) of creation, as facets count."
        ),
        extra("repository"),
    ),
)

TABLES = (
    MAIN,
    Table(
        name="repository_languages",
        description="Languages of a repository's content: one row per language.",
        path="attributes.language",
        columns=(text("language", "", "Language, usually two letters."),),
    ),
    Table(
        name="repository_types",
        description="Types of a repository: one row per type.",
        path="attributes.repositoryType",
        columns=(text("repository_type", "", "institutional, disciplinary, governmental and so on."),),
    ),
    Table(
        name="repository_certificates",
        description="Certificates of a repository: one row per certificate.",
        path="attributes.certificate",
        columns=(text("certificate", "", "Name of the certificate, such as CoreTrustSeal."),),
    ),
    Table(
        name="repository_subjects",
        description="Subjects that a repository covers: one row per subject.",
        path="attributes.subjects",
        columns=(
            text("subject", "subject", "Name of the subject."),
            text("subject_scheme", "subjectScheme", "Name of the vocabulary."),
            text("scheme_uri", "schemeUri", "URL of the vocabulary."),
            text("classification_code", "classificationCode", "Code of the subject in the vocabulary."),
        ),
    ),
    Table(
        name="repository_relationships",
        description="Links of a repository to other records of the API: one row per linked record.",
        relations={
            "provider": "relationships.provider.data",
            "consortium": "relationships.consortium.data",
            "prefixes": "relationships.prefixes.data[]",
        },
        columns=(label("relation", "Name of the relationship in the API's spelling."), *LINKED),
    ),
)

RESOURCE = Resource(
    name="repositories",
    dialect="v2",
    type="repositories",
    path="/repositories",
    description="The clients as repositories, with their types, certificates, software and subjects.",
    parent="repository_id",
    tables=TABLES,
    # Page numbers may not reach all of them.
    paging=Paging.KEYSET,
    windows={"created": "created", "updated": "updated"},
    slice_on="created",
    filters=(
        Filter(
            name="ids",
            description="Repositories by id; the server then ignores other filters.",
            any_of=True,
            ids=True,
            aliases=("id",),
        ),
        Filter(name="year", description="Year in which the repository joined.", any_of=True, form=forms.YEARS),
        Filter(name="from-date", description="Changed on or after that day.", form=forms.PERIOD),
        Filter(name="until-date", description="Changed on or before that day.", form=forms.PERIOD),
        Filter(name="provider-id", description="Repositories of a provider.", any_of=True),
        Filter(name="consortium-id", description="Repositories of all members of a consortium."),
        Filter(name="re3data-id", description="DOI of the repository in re3data."),
        Filter(name="opendoar-id", description="Id of the repository in OpenDOAR."),
        Filter(name="software", description="Software of the repository.", any_of=True),
        Filter(name="certificate", description="Certificate of the repository.", any_of=True),
        Filter(name="repository-type", description="institutional, disciplinary, governmental ...", any_of=True),
        Filter(name="client-type", description="repository, periodical, igsnCatalog or raidRegistry."),
        Filter(name="include-deleted", description="Includes repositories that no longer exist.", form=forms.TRUE),
    ),
    sorts=("relevance", "name", "-name", "created", "-created"),
    includes=(Include(name="provider", resource="providers", path="relationships.provider.data"),),
    facets=(
        Facet(name="years", size=10, table="repositories", column="created_year"),
        Facet(name="providers", size=10, table="repositories", column="provider_id"),
        Facet(name="software", size=10),
        Facet(name="certificates", size=10, table="repository_certificates", column="certificate"),
        Facet(name="repositoryTypes", size=10, table="repository_types", column="repository_type"),
        Facet(name="clientTypes", size=10, table="repositories", column="client_type"),
    ),
    unmapped={"type": "always repositories"},
)
