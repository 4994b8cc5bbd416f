"""Activities: who changed which record, when and how; all of them, or those of one record (api-notes 6.7)."""

from etl import normalise
from etl.resources.columns import derived, extra, integer, json, key, text, timestamp
from etl.schema.declarations import Filter, Paging, Resource, Table, Type

MAIN = Table(
    name="activities",
    description="One row per change of a DOI, client or provider.",
    columns=(
        key("id", "id", "Request, changed record and version, joined by |: a request's id is not unique."),
        derived(
            "request_id", Type.STRING, normalise.before_bar, "id", description="Id of the request that made the change."
        ),
        text("was_generated_by", "attributes.prov:wasGeneratedBy", "URL of the activity."),
        timestamp("generated_at_time", "attributes.prov:generatedAtTime", "When the change was made."),
        text("was_derived_from", "attributes.prov:wasDerivedFrom", "URL of the record that was changed."),
        text("was_attributed_to", "attributes.prov:wasAttributedTo", "URL of the account that changed it."),
        text("action", "attributes.action", "create, update or destroy."),
        integer("version", "attributes.version", "Number of changes of the record so far, this one included."),
        json(
            "changes",
            "attributes.changes",
            "What was changed, by attribute: the new value on creation, otherwise the old and the new value.",
        ),
        text("doi_id", "relationships.doi.data.id", "The changed DOI, in records before 2020.", lower=True),
        extra("activity"),
    ),
)

RESOURCE = Resource(
    name="activities",
    dialect="v2",
    type="activities",
    path="/activities",
    description="Changes of DOIs, clients and providers.",
    parent="activity_id",
    tables=(MAIN,),
    # The cursor consists of time and request id, which several activities may share.
    paging=Paging.KEYSET,
    identity=("id", "attributes.prov:wasDerivedFrom", "attributes.version"),
    windows={"created": "created"},
    slice_on="created",
    parents={"doi": "dois", "client": "clients", "provider": "providers", "repository": "repositories"},
    filters=(Filter(name="ids", description="Activities of certain requests.", any_of=True),),
    sorts=("created", "-created", "relevance"),
    params={"publisher": "true"},
    unmapped={"type": "always activities", "relationships.doi.data.type": "always dois"},
)
