"""How DOIs can be requested: filters, sort orders, includes and facets (api-notes 4.1, 4.6, 4.9, 4.10)."""

from etl.resources import forms
from etl.schema.declarations import Facet, Filter, Include

_COUNTED = {
    "citations": "that are cited",
    "references": "that cite others",
    "parts": "that have parts",
    "part-of": "that are part of others",
    "versions": "that have versions",
    "version-of": "that are versions of others",
    "views": "that were viewed",
    "downloads": "that were downloaded",
}

FILTERS = (
    Filter(
        name="ids",
        description="DOIs by name; the server then ignores all other filters, the query and the window.",
        any_of=True,
        ids=True,
        aliases=("id",),
    ),
    Filter(name="provider-id", description="DOIs of a provider.", any_of=True, joined_by_or=True),
    Filter(name="client-id", description="DOIs of a client, which is a repository.", any_of=True, joined_by_or=True),
    Filter(name="consortium-id", description="DOIs of all members of a consortium."),
    Filter(name="prefix", description="DOIs under a prefix.", any_of=True),
    Filter(name="state", description="findable; registered and draft only for authorised users.", any_of=True),
    Filter(
        name="resource-type-id",
        description="General resource type as an id, such as dataset or journal-article.",
        any_of=True,
    ),
    Filter(name="resource-type", description="Free-text resource type, exactly as stated.", any_of=True),
    Filter(
        name="created",
        description="Year of creation; several years mean the range from the first to the last.",
        form=forms.YEARS,
    ),
    Filter(
        name="registered",
        description="Year of registration; several years mean the range from the first to the last.",
        form=forms.YEARS,
    ),
    Filter(
        name="published",
        description="Year of publication; several years mean the range from the first to the last.",
        form=forms.YEARS,
    ),
    Filter(name="schema-version", description="Version of the metadata schema: 4, 3, 2.2 and so on."),
    Filter(name="affiliation-id", description="ROR id of a person's affiliation.", joined_by_or=True),
    Filter(name="affiliation-country", description="Country of an affiliation as an ISO 3166 code."),
    Filter(name="funder-id", description="Crossref Funder ID, as a DOI.", any_of=True, joined_by_or=True),
    Filter(name="funded-by", description="ROR id of a funder."),
    Filter(
        name="include-funder-child-organizations",
        description="With funded-by: also what the funder's child organisations funded.",
        form=forms.TRUE,
    ),
    Filter(name="user-id", description="ORCID iD of a creator or contributor."),
    Filter(name="subject", description="Subject, exactly as stated, case included.", any_of=True),
    Filter(name="field-of-science", description="Field of science of the OECD classification.", any_of=True),
    Filter(name="license", description="Licence as an SPDX id in lower case.", any_of=True),
    Filter(name="certificate", description="Certificate of the repository.", any_of=True),
    Filter(name="source", description="How the DOI was registered: api, mds, fabrica and so on."),
    Filter(name="client-type", description="Type of the client: repository, periodical, igsnCatalog, raidRegistry."),
    Filter(name="re3data-id", description="DOI of the repository in re3data."),
    Filter(name="opendoar-id", description="Id of the repository in OpenDOAR."),
    *(
        Filter(name=f"has-{what}", description=f"DOIs {meaning} at least that many times.", form=forms.COUNT)
        for what, meaning in _COUNTED.items()
    ),
    Filter(name="has-person", description="DOIs with an ORCID iD among their creators or contributors."),
    Filter(name="has-affiliation", description="DOIs with a ROR id among their affiliations.", joined_by_or=True),
    Filter(name="has-organization", description="DOIs with a ROR id as creator or contributor.", joined_by_or=True),
    Filter(name="has-funder", description="DOIs with an identified funder.", joined_by_or=True),
    Filter(name="link-checked", description="DOIs whose landing page DataCite has checked."),
    Filter(name="link-check-status", description="HTTP status of the check of the landing page.", form=forms.NUMBER),
    Filter(name="link-check-has-schema-org", description="Whether the landing page has schema.org metadata."),
    Filter(name="link-check-body-has-pid", description="Whether the landing page shows the DOI."),
    Filter(name="link-check-found-schema-org-id", description="Whether schema.org metadata with an id was found."),
    Filter(name="link-check-found-dc-identifier", description="Whether a Dublin Core identifier was found."),
    Filter(name="link-check-found-citation-doi", description="Whether a citation_doi tag was found."),
    Filter(name="link-check-redirect-count-gte", description="At least this many redirects.", form=forms.NUMBER),
    Filter(
        name="include-other-registration-agencies",
        description="Includes DOIs of other agencies that DataCite keeps for its links; fills the column agency.",
    ),
    Filter(name="exclude-registration-agencies", description="Leave out DOIs of other registration agencies."),
    Filter(name="enriched", description="Search the index with DataCite's enrichments.", form=forms.TRUE),
)

_SORTABLE = ("name", "created", "updated", "published", "view-count", "download-count", "citation-count", "title")
SORTS = ("relevance", *(f"{sign}{name}" for name in _SORTABLE for sign in ("", "-")))

INCLUDES = (
    Include(name="client", resource="clients", path="relationships.client.data"),
    Include(name="media", resource="media", path="relationships.media.data[]"),
)

# A facet without a column cannot be compared with the tables: `views`, `downloads` and `citations` count events,
# `affiliations` mixes creators and contributors under repeated ids (api-notes 4.10), others count what DOIs do not say.
# `published` counts dates that lists often leave out; the other year facets have the newest ten years.
FACETS = (
    Facet(name="resourceTypes", size=34, table="dois", column="resource_type_id"),
    Facet(name="states", size=3, table="dois", column="state"),
    Facet(name="published", size=17),
    Facet(name="created", size=10, table="dois", column="created_year"),
    Facet(name="registered", size=10, table="dois", column="registered_year"),
    Facet(name="providers", size=10, table="dois", column="provider_id"),
    Facet(name="clients", size=10, table="dois", column="client_id"),
    Facet(name="affiliations", size=10),
    Facet(name="prefixes", size=10, table="dois", column="prefix"),
    Facet(name="schemaVersions", size=10, table="dois", column="schema_version_id"),
    Facet(name="linkChecksStatus", size=10),
    Facet(name="subjects", size=10, table="doi_subjects", column="subject"),
    Facet(name="fieldsOfScience", size=10),
    Facet(name="licenses", size=10, table="doi_rights", column="rights_identifier"),
    Facet(name="certificates", size=10),
    Facet(name="views", size=10),
    Facet(name="downloads", size=10),
    Facet(name="citations", size=10),
    Facet(name="clientTypes", size=4),
    Facet(name="licensesWithMissing", size=10),
    Facet(name="languages", size=10, table="dois", column="language"),
    Facet(name="registrationAgencies", size=10, table="dois", column="agency"),
    Facet(name="authors", size=10),
    Facet(name="creatorsAndContributors", size=10),
    Facet(name="funders", size=200),
    Facet(name="openLicenses", size=34),
)
