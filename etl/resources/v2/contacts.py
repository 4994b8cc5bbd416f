"""Contacts: people at a provider, included with it for callers who may see them (api-notes 4.9, 6.12).

No public answer has them; names and shapes are those of the server's serializer.
"""

from etl.resources.columns import boolean, extra, key, text, timestamp
from etl.schema.declarations import Resource, Table

MAIN = Table(
    name="contacts",
    description="One row per contact at a provider. Only authorised callers see them.",
    columns=(
        key("id", "id", "Id of the contact."),
        text("given_name", "attributes.givenName", "Given names."),
        text("family_name", "attributes.familyName", "Family name."),
        text("name", "attributes.name", "Full name."),
        text("email", "attributes.email", "Mail address."),
        boolean("from_salesforce", "attributes.fromSalesforce", "Whether the entry is in DataCite's Salesforce."),
        timestamp("created", "attributes.created", "When the entry was created."),
        timestamp("updated", "attributes.updated", "When the entry last changed."),
        timestamp("deleted", "attributes.deleted", "When the entry was deleted, if it was."),
        text("provider_id", "relationships.provider.data.id", "Provider of the contact.", lower=True),
        extra("contact"),
    ),
)

ROLES = Table(
    name="contact_roles",
    description="Roles of a contact: one row per role.",
    path="attributes.roleName",
    columns=(text("role", "", "technical, secondary_technical, billing, service, voting and so on."),),
)

RESOURCE = Resource(
    name="contacts",
    dialect="v2",
    type="contacts",
    path="/contacts",
    description="Contacts at providers, only available as included records.",
    parent="contact_id",
    tables=(MAIN, ROLES),
    listed=False,
    unmapped={"type": "always contacts", "relationships.provider.data.type": "always providers"},
)
