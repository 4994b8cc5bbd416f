"""Events of API v1: what sources told the link service, as it was told."""

from etl.resources.columns import extra, json, key, moment, text, whole
from etl.resources.v1._words import gone, updated
from etl.schema.declarations import Filter, Paging, Resource, Table

MAIN = Table(
    name="v1_events",
    description="One row an event: a message of a source about a link between two things.",
    columns=(
        key("id", "id", "Id of the event, a UUID."),
        text("state", "attributes.state", "waiting, working, done or failed."),
        text("message_type", "attributes.message-type", "What it is about: relation, contribution, publisher."),
        text("message_action", "attributes.message-action", "create or delete."),
        text("source_token", "attributes.source-token", "Token of the agent that told it."),
        text("prefix", "attributes.prefix", "Prefix of the DOI that it is about."),
        text("subj_id", "attributes.subj-id", "Where the link starts from."),
        text("obj_id", "attributes.obj-id", "Where the link leads to."),
        json("subj", "attributes.subj", "Metadata of the first thing as a JSON object."),
        json("obj", "attributes.obj", "Metadata of the second thing as a JSON object."),
        text("source_id", "attributes.source-id", "Source that told it, such as datacite-related."),
        text("relation_type_id", "attributes.relation-type-id", "Kind of the link."),
        text("registration_agency_id", "attributes.registration-agency-id", "Registration agency of the DOI."),
        whole("total", "attributes.total", "Always 1, by a mistake of the server."),
        moment("occurred", "attributes.occurred", "When it happened."),
        updated("event"),
        extra("event"),
    ),
)

RESOURCE = Resource(
    name="v1/events",
    dialect="v1",
    type="events",
    path="/events",
    description="Messages about links, as the sources told them.",
    parent="event_id",
    tables=(MAIN,),
    paging=Paging.OFFSET,
    page_size=25,
    filters=(
        Filter(name="state", description="waiting, working, done or failed."),
        Filter(name="prefix", description="Events about DOIs under a prefix."),
        Filter(name="message-type", description="relation, contribution or publisher."),
        Filter(name="source-token", description="Events told by one agent."),
        Filter(name="source-id", description="Events from a source, such as datacite-related."),
        Filter(name="registration-agency-id", description="Events about DOIs of a registration agency."),
    ),
    unmapped={"type": "always events"},
    gone=gone("events"),
)
