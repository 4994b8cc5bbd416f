"""Contacts: people at a provider, included with it for callers who may see them (api-notes 4.9, 6.12).

No public answer has them; names and shapes are those of the server's serializer.
"""

from etl.resources.columns import extra, flag, key, moment, text
from etl.schema.declarations import Resource, Table

MAIN = Table(
    name="contacts",
    description="One row a person to turn to at a provider. Told to those with rights only.",
    columns=(
        key("id", "id", "Id of the contact."),
        text("given_name", "attributes.givenName", "Given names."),
        text("family_name", "attributes.familyName", "Family name."),
        text("name", "attributes.name", "Full name."),
        text("email", "attributes.email", "Mail address."),
        flag("from_salesforce", "attributes.fromSalesforce", "Whether the entry is kept in DataCite's Salesforce."),
        moment("created", "attributes.created", "When the entry was made."),
        moment("updated", "attributes.updated", "When the entry last changed."),
        moment("deleted", "attributes.deleted", "When the entry was taken back, if it was."),
        text("provider_id", "relationships.provider.data.id", "Provider of the contact.", lower=True),
        extra("contact"),
    ),
)

ROLES = Table(
    name="contact_roles",
    description="What a contact is to be asked about: one row a role.",
    path="attributes.roleName",
    columns=(text("role", "", "technical, secondary_technical, billing, service, voting and so on."),),
)

RESOURCE = Resource(
    name="contacts",
    dialect="v2",
    type="contacts",
    path="/contacts",
    description="People to turn to at providers; they come along with providers only.",
    parent="contact_id",
    tables=(MAIN, ROLES),
    listed=False,
    unmapped={"type": "always contacts", "relationships.provider.data.type": "always providers"},
)
