"""Events: citations, usage and authorship of DOIs, requested in the newer of the API's two shapes (api-notes 6.8)."""

from etl import normalise
from etl.resources import forms
from etl.resources.columns import LINKED, derived, extra, integer, key, label, text, timestamp
from etl.schema.declarations import Facet, Filter, Include, Paging, Resource, Table, Type

MAIN = Table(
    name="events",
    description="One row per event: a citation, a use, a contribution.",
    columns=(
        key("id", "id", "Id of the event."),
        text("subj_id", "attributes.subjId", "URL of the subject."),
        text("relation_type_id", "attributes.relationTypeId", "How the subject relates to the object."),
        text("obj_id", "attributes.objId", "URL of the object."),
        text("source_id", "attributes.sourceId", "Source of the event, such as crossref or datacite-usage."),
        integer("total", "attributes.total", "How many times it happened; for usage, the count of the month."),
        text("message_action", "attributes.messageAction", "create, or delete for a retracted event."),
        text("source_token", "attributes.sourceToken", "Token of the program that sent the event."),
        text("license", "attributes.license", "Licence of the event's data."),
        timestamp("occurred_at", "attributes.occurredAt", "When it happened; for usage, the month."),
        timestamp("timestamp", "attributes.timestamp", "When the event's record last changed."),
        text(
            "source_doi",
            "attributes.sourceDoi",
            "The referring DOI, in the direction in which counts are made.",
            lower=True,
        ),
        text("target_doi", "attributes.targetDoi", "The DOI that is referred to or used.", lower=True),
        text(
            "source_relation_type_id",
            "attributes.sourceRelationTypeId",
            "What the event counts as for the referring DOI.",
        ),
        text(
            "target_relation_type_id",
            "attributes.targetRelationTypeId",
            "What the event counts as for the other DOI: citations, views, downloads, versions and so on.",
        ),
        derived(
            "occurred_year", Type.INT, normalise.year, "occurred_at", description="Year (UTC) in which it happened."
        ),
        extra("event"),
    ),
)

RELATIONSHIPS = Table(
    name="event_relationships",
    description="Links of an event to its objects: one row per side, with the object's id as in the table objects.",
    relations={"subj": "relationships.subj.data", "obj": "relationships.obj.data"},
    columns=(label("relation", "subj or obj."), *LINKED),
)

RESOURCE = Resource(
    name="events",
    dialect="v2",
    type="events",
    path="/events",
    description="Citations, usage and authorship of DOIs.",
    parent="event_id",
    tables=(MAIN, RELATIONSHIPS),
    paging=Paging.CURSOR,
    headers={"Accept": "application/vnd.api+json; version=2"},
    windows={"created": "created_at", "updated": "updated_at"},
    slice_on="created",
    filters=(
        Filter(name="id", description="One event by id.", ids=True),
        Filter(name="subj-id", description="URL of the subject: https://doi.org/..."),
        Filter(name="obj-id", description="URL of the object: https://doi.org/..."),
        Filter(name="doi", description="DOI on either side."),
        Filter(name="source-doi", description="Referring DOI."),
        Filter(name="target-doi", description="DOI referred to."),
        Filter(name="orcid", description="ORCID iD on either side."),
        Filter(name="prefix", description="Prefix of a DOI on either side."),
        Filter(name="subtype", description="Type of one side: Dataset, ScholarlyArticle, Person ..."),
        Filter(
            name="citation-type", description="Types of both sides, in alphabetical order: Dataset-ScholarlyArticle."
        ),
        Filter(name="source-id", description="Source of the events.", any_of=True),
        Filter(name="relation-type-id", description="How subject and object are related.", any_of=True),
        Filter(name="source-relation-type-id", description="What events count as for the referring DOI."),
        Filter(name="target-relation-type-id", description="What events count as for the other DOI."),
        Filter(name="registrant-id", description="Account of one side.", any_of=True),
        Filter(name="issn", description="ISSN of the journal of one side."),
        Filter(name="publication-year", description="Year or years of publication: 2018-2020.", form=forms.SPAN),
        Filter(name="occurred-at", description="Year or years in which it happened: 2018-2020.", form=forms.SPAN),
        Filter(name="year-month", description="Month in which it happened: 2019-08.", form=forms.MONTH),
    ),
    sorts=(
        *("relevance", "obj_id", "-obj_id", "total", "-total", "created", "-created", "updated", "-updated"),
        *("relation_type_id", "-relation_type_id"),
    ),
    includes=(
        Include(name="subj", resource="objects", path="relationships.subj.data"),
        Include(name="obj", resource="objects", path="relationships.obj.data"),
    ),
    facets=(
        Facet(name="sources", size=10, table="events", column="source_id"),
        Facet(name="occurred", size=10, table="events", column="occurred_year"),
        Facet(name="created", size=10),
        Facet(name="prefixes", size=10),
        Facet(name="citationTypes", size=10),
        Facet(name="relationTypes", size=10, table="events", column="relation_type_id"),
        Facet(name="registrants", size=10),
    ),
    unmapped={"type": "always events"},
)
