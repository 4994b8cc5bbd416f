"""Prefixes: the first parts of DOIs, and who holds them (api-notes 6.4)."""

from etl import normalise
from etl.resources import forms
from etl.resources.columns import LINKED, derived, extra, key, label, text, timestamp
from etl.schema.declarations import Facet, Filter, Include, Paging, Resource, Table, Type

MAIN = Table(
    name="prefixes",
    description="One row per prefix, such as 10.5438.",
    columns=(
        key("id", "id", "The prefix."),
        text("prefix", "attributes.prefix", "The prefix again."),
        timestamp("created_at", "attributes.createdAt", "When the prefix was added."),
        timestamp("created", "attributes.created", "When the prefix was added, in records before 2020."),
        timestamp("updated", "attributes.updated", "When the entry last changed, in records before 2020."),
        text("registration_agency", "attributes.registrationAgency", "Agency of the prefix, in records before 2020."),
        derived(
            "created_year",
            Type.INT,
            normalise.year,
            "created_at",
            description="Year (UTC) in which it was added, as facets count.",
        ),
        extra("prefix"),
    ),
)

RELATIONSHIPS = Table(
    name="prefix_relationships",
    description="Holders of a prefix and their assignments: one row per linked record.",
    relations={
        "clients": "relationships.clients.data[]",
        "providers": "relationships.providers.data[]",
        "clientPrefixes": "relationships.clientPrefixes.data[]",
        "providerPrefixes": "relationships.providerPrefixes.data[]",
    },
    columns=(label("relation", "Name of the relationship in the API's spelling."), *LINKED),
)

RESOURCE = Resource(
    name="prefixes",
    dialect="v2",
    type="prefixes",
    path="/prefixes",
    description="Prefixes of DOIs, with the clients and providers that hold them.",
    parent="prefix_id",
    tables=(MAIN, RELATIONSHIPS),
    # More than page numbers reach. `query` is the beginning of a prefix here, so the list has no windows.
    paging=Paging.KEYSET,
    filters=(
        Filter(name="id", description="One prefix.", ids=True, aliases=("ids",)),
        Filter(name="year", description="Year in which it was added.", form=forms.YEARS),
        Filter(
            name="state",
            description="unassigned, without-repository or with-repository.",
            form=forms.one_of("unassigned", "without-repository", "with-repository"),
        ),
        Filter(name="provider-id", description="Prefixes of a provider."),
        Filter(name="client-id", description="Prefixes of a client."),
    ),
    sorts=("name", "-name", "created", "-created"),
    includes=(
        Include(name="clients", resource="clients", path="relationships.clients.data[]"),
        Include(name="providers", resource="providers", path="relationships.providers.data[]"),
        Include(name="client_prefixes", resource="client-prefixes", path="relationships.clientPrefixes.data[]"),
        Include(name="provider_prefixes", resource="provider-prefixes", path="relationships.providerPrefixes.data[]"),
    ),
    facets=(
        Facet(name="years", size=10, table="prefixes", column="created_year"),
        Facet(name="states", size=3),
        Facet(name="providers", size=10),
        Facet(name="clients", size=10),
    ),
    unmapped={"type": "always prefixes"},
)
