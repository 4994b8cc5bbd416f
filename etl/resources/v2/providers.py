"""Providers: DataCite's members, consortia and their organisations, to whom clients belong (api-notes 6.1)."""

from etl import normalise
from etl.resources import forms
from etl.resources.columns import LINKED, boolean, derived, extra, integer, key, label, text, timestamp
from etl.schema.declarations import Facet, Filter, Include, Paging, Resource, Table, Type

MAIN = Table(
    name="providers",
    description="One row per provider: a member of DataCite, a consortium or an organisation of one.",
    columns=(
        key("id", "id", "Id of the provider, lower-case, such as tib."),
        text("name", "attributes.name", "Name of the provider."),
        text("display_name", "attributes.displayName", "Name of the provider as DataCite shows it."),
        text("symbol", "attributes.symbol", "Symbol of the provider, the id in capitals."),
        text("website", "attributes.website", "URL of the provider."),
        text("description", "attributes.description", "Description of the provider."),
        text("region", "attributes.region", "AMER, APAC or EMEA."),
        text("country", "attributes.country", "Country as two letters of ISO 3166."),
        text("logo_url", "attributes.logoUrl", "URL of the provider's logo."),
        text("member_type", "attributes.memberType", "direct_member, consortium, consortium_organization and so on."),
        text("organization_type", "attributes.organizationType", "academicInstitution, publisher and so on."),
        text("focus_area", "attributes.focusArea", "Main field of science of the provider."),
        text("non_profit_status", "attributes.nonProfitStatus", "non-profit or for-profit."),
        boolean("is_active", "attributes.isActive", "Whether the provider may register DOIs."),
        text("joined", "attributes.joined", "Day on which the provider joined, as stated."),
        text("ror_id", "attributes.rorId", "ROR id of the provider as stated."),
        integer("doi_estimate", "attributes.doiEstimate", "Number of DOIs that it expects to register per year."),
        boolean("has_password", "attributes.hasPassword", "Whether a password is set; older records and owners only."),
        text("system_email", "attributes.systemEmail", "E-mail address for system messages; for authorised users."),
        text("group_email", "attributes.groupEmail", "E-mail address of the staff; for authorised users."),
        text("phone", "attributes.phone", "Telephone number; older records only."),
        timestamp("created", "attributes.created", "When the provider was created."),
        timestamp("updated", "attributes.updated", "When the provider's record last changed."),
        text(
            "consortium_id", "relationships.consortium.data.id", "Consortium to which it belongs, if any.", lower=True
        ),
        derived(
            "created_year", Type.INT, normalise.year, "created", description="Year (UTC) of creation, as facets count."
        ),
        extra("provider"),
    ),
)

CONTACTS = Table(
    name="provider_contacts",
    description="Contacts at a provider: one row per person and role. Only authorised callers see them; servers before "
    "2021 showed them to everybody.",
    relations={
        "technical": "attributes.technicalContact",
        "secondaryTechnical": "attributes.secondaryTechnicalContact",
        "billing": "attributes.billingContact",
        "secondaryBilling": "attributes.secondaryBillingContact",
        "service": "attributes.serviceContact",
        "secondaryService": "attributes.secondaryServiceContact",
        "voting": "attributes.votingContact",
    },
    columns=(
        label("office", "Role of the contact: technical, billing, service, voting and so on."),
        text("given_name", "givenName", "Given names."),
        text("family_name", "familyName", "Family name."),
        text("email", "email", "Mail address."),
    ),
)

RELATIONSHIPS = Table(
    name="provider_relationships",
    description="Links of a provider to other records of the API: one row per linked record.",
    relations={
        "consortium": "relationships.consortium.data",
        "consortiumOrganizations": "relationships.consortiumOrganizations.data[]",
        "clients": "relationships.clients.data[]",
        "prefixes": "relationships.prefixes.data[]",
        "contacts": "relationships.contacts.data[]",
    },
    columns=(label("relation", "Name of the relationship in the API's spelling."), *LINKED),
)

RESOURCE = Resource(
    name="providers",
    dialect="v2",
    type="providers",
    path="/providers",
    description="DataCite's members, consortia and the organisations of consortia.",
    parent="provider_id",
    tables=(MAIN, CONTACTS, RELATIONSHIPS),
    # Page numbers may not reach all of them.
    paging=Paging.KEYSET,
    windows={"created": "created", "updated": "updated"},
    slice_on="created",
    filters=(
        Filter(
            name="ids",
            description="Providers by id; the server then ignores other filters.",
            any_of=True,
            ids=True,
        ),
        Filter(name="id", description="One provider by id.", ids=True),
        Filter(name="year", description="Year of creation; several years mean a range.", form=forms.YEARS),
        Filter(name="from-date", description="Changed on or after that day.", form=forms.PERIOD),
        Filter(name="until-date", description="Changed on or before that day.", form=forms.PERIOD),
        Filter(name="region", description="AMER, APAC or EMEA."),
        Filter(name="consortium-id", description="Organisations of a consortium."),
        Filter(name="member-type", description="direct_member, consortium and so on.", any_of=True),
        Filter(name="organization-type", description="academicInstitution, publisher and so on.", any_of=True),
        Filter(name="focus-area", description="Field of science.", any_of=True),
        Filter(name="non-profit-status", description="non-profit or for-profit."),
        Filter(name="has-required-contacts", description="Whether all required contacts are named."),
        Filter(name="include-deleted", description="Includes providers that no longer exist.", form=forms.TRUE),
    ),
    sorts=("relevance", "name", "-name", "created", "-created"),
    includes=(Include(name="contacts", resource="contacts", path="relationships.contacts.data[]"),),
    facets=(
        Facet(name="years", size=10, table="providers", column="created_year"),
        Facet(name="regions", size=10),
        Facet(name="memberTypes", size=10, table="providers", column="member_type"),
        Facet(name="organizationTypes", size=10, table="providers", column="organization_type"),
        Facet(name="focusAreas", size=10, table="providers", column="focus_area"),
        Facet(name="nonProfitStatuses", size=10, table="providers", column="non_profit_status"),
        Facet(name="hasRequiredContacts", size=10),
    ),
    unmapped={"type": "always providers"},
)
