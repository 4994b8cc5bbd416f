"""Repository prefixes: the prefixes of clients, under the name of repositories (api-notes 6.6)."""

from etl import normalise
from etl.resources import forms
from etl.resources.columns import derived, extra, key, text, timestamp
from etl.schema.declarations import Facet, Filter, Include, Paging, Resource, Table, Type

MAIN = Table(
    name="repository_prefixes",
    description="One row per assignment of a prefix to a repository.",
    columns=(
        key("id", "id", "Id of the assignment, the same as the client's."),
        text("repository_id", "relationships.repository.data.id", "Repository that has the prefix.", lower=True),
        text("prefix_id", "relationships.prefix.data.id", "The prefix."),
        text("provider_id", "relationships.provider.data.id", "Provider of the repository.", lower=True),
        text(
            "provider_prefix_id",
            "relationships.providerPrefix.data.id",
            "Assignment of the prefix to that provider.",
            lower=True,
        ),
        timestamp("created_at", "attributes.createdAt", "When the prefix was assigned."),
        timestamp("updated_at", "attributes.updatedAt", "When the assignment last changed."),
        derived("created_year", Type.INT, normalise.year, "created_at", description="Year (UTC) of the assignment."),
        extra("assignment"),
    ),
)

RESOURCE = Resource(
    name="repository-prefixes",
    dialect="v2",
    type="repository-prefixes",
    path="/repository-prefixes",
    description="Prefixes assigned to repositories.",
    parent="repository_prefix_id",
    tables=(MAIN,),
    paging=Paging.KEYSET,
    filters=(
        Filter(name="repository-id", description="Assignments to a repository."),
        Filter(name="prefix-id", description="Assignments of a prefix."),
        Filter(name="year", description="Year of the assignment.", form=forms.YEARS),
    ),
    sorts=("name", "-name", "created", "-created"),
    includes=(
        Include(name="repository", resource="repositories", path="relationships.repository.data"),
        Include(name="prefix", resource="prefixes", path="relationships.prefix.data"),
        Include(name="provider_prefix", resource="provider-prefixes", path="relationships.providerPrefix.data"),
        Include(name="provider", resource="providers", path="relationships.provider.data"),
    ),
    facets=(
        Facet(name="years", size=10, table="repository_prefixes", column="created_year"),
        Facet(name="providers", size=10, table="repository_prefixes", column="provider_id"),
        Facet(name="repositories", size=10, table="repository_prefixes", column="repository_id"),
    ),
    unmapped={
        "type": "always repository-prefixes",
        **{f"relationships.{name}.data.type": "in the name" for name in ("repository", "prefix", "provider")},
        "relationships.providerPrefix.data.type": "in the name",
    },
)
