"""Clients: the accounts under which DOIs are registered, seen as DataCite's accounts (api-notes 6.2)."""

from etl import normalise
from etl.resources import forms
from etl.resources.columns import LINKED, boolean, derived, extra, integer, key, label, text, timestamp
from etl.schema.declarations import Facet, Filter, Include, Paging, Resource, Table, Type

MAIN = Table(
    name="clients",
    description="One row per client: a repository, periodical or other account under which DOIs are registered.",
    columns=(
        key("id", "id", "Id of the client, lower-case, such as tib.gfz."),
        text("name", "attributes.name", "Name of the client."),
        text("symbol", "attributes.symbol", "Symbol of the client, the id in capitals."),
        text("alternate_name", "attributes.alternateName", "Another name of the client."),
        text("description", "attributes.description", "Description of what the client collects."),
        text("client_type", "attributes.clientType", "repository, periodical, igsnCatalog or raidRegistry."),
        text("domains", "attributes.domains", "Domains that its DOIs may point to, separated by commas; * means any."),
        text("re3data", "attributes.re3data", "URL of its entry in re3data."),
        text("opendoar", "attributes.opendoar", "Id or URL of its entry in OpenDOAR."),
        text("issn_print", "attributes.issn.print", "ISSN of the printed edition of a periodical."),
        text("issn_electronic", "attributes.issn.electronic", "ISSN of the electronic edition of a periodical."),
        text("issn_issnl", "attributes.issn.issnl", "Linking ISSN of a periodical."),
        text("url", "attributes.url", "URL of the client."),
        integer("year", "attributes.year", "Year in which the client joined."),
        boolean("is_active", "attributes.isActive", "Whether the client may register DOIs."),
        boolean("has_password", "attributes.hasPassword", "Whether a password is set; older records and owners only."),
        timestamp("created", "attributes.created", "When the client was created."),
        timestamp("updated", "attributes.updated", "When the client's record last changed."),
        text("provider_id", "relationships.provider.data.id", "Provider that the client belongs to.", lower=True),
        text("consortium_id", "relationships.consortium.data.id", "Consortium of that provider, if any.", lower=True),
        derived(
            "created_year", Type.INT, normalise.year, "created", description="Year (UTC) of creation, as facets count."
        ),
        extra("client"),
    ),
)

LANGUAGES = Table(
    name="client_languages",
    description="Languages of a client's content: one row per language.",
    path="attributes.language",
    columns=(text("language", "", "Language, usually two letters."),),
)

RELATIONSHIPS = Table(
    name="client_relationships",
    description="Links of a client to other records of the API: one row per linked record.",
    relations={
        "provider": "relationships.provider.data",
        "consortium": "relationships.consortium.data",
        "repository": "relationships.repository.data",
        "prefixes": "relationships.prefixes.data[]",
    },
    columns=(label("relation", "Name of the relationship in the API's spelling."), *LINKED),
)

RESOURCE = Resource(
    name="clients",
    dialect="v2",
    type="clients",
    path="/clients",
    description="The accounts (repositories, periodicals and others) under which DOIs are registered.",
    parent="client_id",
    tables=(MAIN, LANGUAGES, RELATIONSHIPS),
    # Page numbers may not reach all of them.
    paging=Paging.KEYSET,
    windows={"created": "created", "updated": "updated"},
    slice_on="created",
    filters=(
        Filter(
            name="ids",
            description="Clients by id; the server then ignores other filters.",
            any_of=True,
            ids=True,
            aliases=("id",),
        ),
        Filter(name="year", description="Year in which the client joined.", any_of=True, form=forms.YEARS),
        Filter(name="from-date", description="Changed on or after that day.", form=forms.PERIOD),
        Filter(name="until-date", description="Changed on or before that day.", form=forms.PERIOD),
        Filter(name="provider-id", description="Clients of a provider.", any_of=True),
        Filter(name="consortium-id", description="Clients of all members of a consortium."),
        Filter(name="re3data-id", description="DOI of the repository in re3data."),
        Filter(name="opendoar-id", description="Id of the repository in OpenDOAR."),
        Filter(name="software", description="Software of the repository.", any_of=True),
        Filter(name="certificate", description="Certificate of the repository.", any_of=True),
        Filter(name="repository-type", description="institutional, disciplinary, governmental ...", any_of=True),
        Filter(name="client-type", description="repository, periodical, igsnCatalog or raidRegistry."),
    ),
    sorts=("relevance", "name", "-name", "created", "-created"),
    includes=(
        Include(name="provider", resource="providers", path="relationships.provider.data"),
        Include(name="repository", resource="repositories", path="relationships.repository.data"),
    ),
    facets=(
        Facet(name="years", size=10, table="clients", column="created_year"),
        Facet(name="providers", size=10, table="clients", column="provider_id"),
        Facet(name="software", size=10),
        Facet(name="certificates", size=10),
        # The one facet of the current API in snake case (api-notes 6.2).
        Facet(name="repository_types", size=10),
        Facet(name="clientTypes", size=10, table="clients", column="client_type"),
    ),
    unmapped={
        "type": "always clients",
        "attributes.password": "a secret that servers exposed before 2019; never stored",
    },
)
