"""Events of API v1: what sources reported to the link service."""

from etl.resources.columns import extra, integer, json, key, text, timestamp
from etl.resources.v1._columns import successor, updated
from etl.schema.declarations import Filter, Paging, Resource, Table

MAIN = Table(
    name="v1_events",
    description="One row per event: a message from a source about a link between two works.",
    columns=(
        key("id", "id", "Id of the event, a UUID."),
        text("state", "attributes.state", "waiting, working, done or failed."),
        text("message_type", "attributes.message-type", "Type of message: relation, contribution, publisher."),
        text("message_action", "attributes.message-action", "create or delete."),
        text("source_token", "attributes.source-token", "Token of the agent that reported it."),
        text("prefix", "attributes.prefix", "Prefix of the DOI concerned."),
        text("subj_id", "attributes.subj-id", "Start of the link."),
        text("obj_id", "attributes.obj-id", "End of the link."),
        json("subj", "attributes.subj", "Metadata of the start as a JSON object."),
        json("obj", "attributes.obj", "Metadata of the end as a JSON object."),
        text("source_id", "attributes.source-id", "Source that reported it, such as datacite-related."),
        text("relation_type_id", "attributes.relation-type-id", "Kind of the link."),
        text("registration_agency_id", "attributes.registration-agency-id", "Registration agency of the DOI."),
        integer("total", "attributes.total", "Always 1, because of a mistake in the server."),
        timestamp("occurred", "attributes.occurred", "When it happened."),
        updated("event"),
        extra("event"),
    ),
)

RESOURCE = Resource(
    name="v1/events",
    dialect="v1",
    type="events",
    path="/events",
    description="Messages about links, as reported by the sources.",
    parent="event_id",
    tables=(MAIN,),
    paging=Paging.OFFSET,
    page_size=25,
    filters=(
        Filter(name="state", description="waiting, working, done or failed."),
        Filter(name="prefix", description="Events about DOIs under a prefix."),
        Filter(name="message-type", description="relation, contribution or publisher."),
        Filter(name="source-token", description="Events reported by one agent."),
        Filter(name="source-id", description="Events from a source, such as datacite-related."),
        Filter(name="registration-agency-id", description="Events about DOIs of a registration agency."),
    ),
    unmapped={"type": "always events"},
    successor=successor("events"),
)
