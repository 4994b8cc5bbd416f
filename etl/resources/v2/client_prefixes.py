"""Client prefixes: which client has which prefix (api-notes 6.5)."""

from etl import normalise
from etl.resources import forms
from etl.resources.columns import derived, extra, key, text, timestamp
from etl.schema.declarations import Facet, Filter, Include, Paging, Resource, Table, Type

MAIN = Table(
    name="client_prefixes",
    description="One row per assignment of a prefix to a client.",
    columns=(
        key("id", "id", "Id of the assignment."),
        text("client_id", "relationships.client.data.id", "Client that has the prefix.", lower=True),
        text("prefix_id", "relationships.prefix.data.id", "The prefix."),
        text("provider_id", "relationships.provider.data.id", "Provider of the client.", lower=True),
        text(
            "provider_prefix_id",
            "relationships.providerPrefix.data.id",
            "Assignment of the prefix to that provider.",
            lower=True,
        ),
        timestamp("created_at", "attributes.createdAt", "When the prefix was assigned."),
        timestamp("updated_at", "attributes.updatedAt", "When the assignment last changed."),
        timestamp("created", "attributes.created", "When the prefix was assigned, in records before 2020."),
        timestamp("updated", "attributes.updated", "When the assignment last changed, in records before 2020."),
        derived("created_year", Type.INT, normalise.year, "created_at", description="Year (UTC) of the assignment."),
        extra("assignment"),
    ),
)

RESOURCE = Resource(
    name="client-prefixes",
    dialect="v2",
    type="client-prefixes",
    path="/client-prefixes",
    description="Prefixes assigned to clients.",
    parent="client_prefix_id",
    tables=(MAIN,),
    paging=Paging.KEYSET,
    filters=(
        Filter(name="client-id", description="Assignments to a client."),
        Filter(name="prefix-id", description="Assignments of a prefix."),
        Filter(name="year", description="Year of the assignment.", form=forms.YEARS),
    ),
    sorts=("name", "-name", "created", "-created"),
    includes=(
        Include(name="client", resource="clients", path="relationships.client.data"),
        Include(name="prefix", resource="prefixes", path="relationships.prefix.data"),
        Include(name="provider_prefix", resource="provider-prefixes", path="relationships.providerPrefix.data"),
        Include(name="provider", resource="providers", path="relationships.provider.data"),
    ),
    facets=(
        Facet(name="years", size=10, table="client_prefixes", column="created_year"),
        Facet(name="providers", size=10, table="client_prefixes", column="provider_id"),
        Facet(name="clients", size=10, table="client_prefixes", column="client_id"),
    ),
    unmapped={
        "type": "always client-prefixes",
        **{f"relationships.{name}.data.type": "in the name" for name in ("client", "prefix", "provider")},
        "relationships.providerPrefix.data.type": "in the name",
    },
)
