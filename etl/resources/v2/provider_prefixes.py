"""Provider prefixes: which provider has which prefix, and whether a client uses it (api-notes 6.6)."""

from etl import normalise
from etl.resources import forms
from etl.resources.columns import LINKED, derived, extra, key, label, text, timestamp
from etl.schema.declarations import Facet, Filter, Include, Paging, Resource, Table, Type

MAIN = Table(
    name="provider_prefixes",
    description="One row per assignment of a prefix to a provider.",
    columns=(
        key("id", "id", "Id of the assignment."),
        text("provider_id", "relationships.provider.data.id", "Provider that has the prefix.", lower=True),
        text("prefix_id", "relationships.prefix.data.id", "The prefix."),
        timestamp("created_at", "attributes.createdAt", "When the prefix was assigned."),
        timestamp("updated_at", "attributes.updatedAt", "When the assignment last changed."),
        timestamp("created", "attributes.created", "When the prefix was assigned, in records before 2020."),
        timestamp("updated", "attributes.updated", "When the assignment last changed, in records before 2020."),
        derived("created_year", Type.INT, normalise.year, "created_at", description="Year (UTC) of the assignment."),
        extra("assignment"),
    ),
)

RELATIONSHIPS = Table(
    name="provider_prefix_relationships",
    description="Clients to which the provider passed the prefix: one row per linked record.",
    relations={
        "clients": "relationships.clients.data[]",
        "clientPrefixes": "relationships.clientPrefixes.data[]",
    },
    columns=(label("relation", "Name of the relationship in the API's spelling."), *LINKED),
)

RESOURCE = Resource(
    name="provider-prefixes",
    dialect="v2",
    type="provider-prefixes",
    path="/provider-prefixes",
    description="Prefixes assigned to providers.",
    parent="provider_prefix_id",
    tables=(MAIN, RELATIONSHIPS),
    paging=Paging.KEYSET,
    filters=(
        Filter(name="prefix-id", description="Assignments of a prefix."),
        Filter(name="provider-id", description="Assignments to a provider."),
        Filter(name="consortium-id", description="Assignments to the members of a consortium."),
        Filter(name="consortium-organization-id", description="Assignments to one member of a consortium."),
        Filter(
            name="state",
            description="Whether a repository has the prefix.",
            form=forms.one_of("with-repository", "without-repository"),
        ),
        Filter(name="year", description="Year of the assignment.", form=forms.YEARS),
    ),
    sorts=("name", "-name", "created", "-created"),
    includes=(
        Include(name="provider", resource="providers", path="relationships.provider.data"),
        Include(name="prefix", resource="prefixes", path="relationships.prefix.data"),
        Include(name="clients", resource="clients", path="relationships.clients.data[]"),
        Include(name="client_prefixes", resource="client-prefixes", path="relationships.clientPrefixes.data[]"),
    ),
    facets=(
        Facet(name="years", size=10, table="provider_prefixes", column="created_year"),
        Facet(name="states", size=2),
        Facet(name="providers", size=10, table="provider_prefixes", column="provider_id"),
    ),
    unmapped={
        "type": "always provider-prefixes",
        "relationships.provider.data.type": "in the name",
        "relationships.prefix.data.type": "in the name",
    },
)
