"""The options that select records, and how they become a Query."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Group, Parameter

from etl.api.query import Query, check
from etl.api.window import Window, moment
from etl.errors import UsageError
from etl.options.arguments import utf8

if TYPE_CHECKING:
    from etl.schema.declarations import Resource

QUERY = Group("Query", sort_key=1)


@Parameter(name="*", group=QUERY)
@dataclass(frozen=True, kw_only=True)
class QueryOptions:
    """Which records, and which of their tables."""

    filter: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    """NAME=VALUE: a filter of the resource. May be repeated; `datacite-etl resources NAME` lists all filters."""

    query: str = ""
    """Search in the API's query language, such as `titles.title:climate`."""

    include: str = ""
    """Related records to include as tables of their own, separated by commas: `client,media`."""

    since: str | None = None
    """Start of the window: YYYY, YYYY-MM, YYYY-MM-DD or an ISO timestamp (UTC)."""

    until: str | None = None
    """End of the window: a year, month or day (inclusive), or an ISO timestamp (exclusive)."""

    window: Literal["created", "updated", "registered"] = "created"
    """Date to which --since and --until apply; created by default."""

    tables: str = ""
    """Tables to make, separated by commas; all by default. Only the fields they need are downloaded."""

    detail: Annotated[bool, Parameter(negative="")] = False
    """Request the API's detail view: all relationships, metrics over time, XML."""

    of: str = ""
    """Only for activities and media: their record, such as `doi/10.5438/0012` or `client/datacite.blog`."""

    def of_resource(self, name: str) -> Query:
        """Return the checked Query of a resource, or of a URL that was pasted in place of its name.

        UsageError if a name or a date is invalid.
        """
        from etl import resources
        from etl.api import pasted_url

        name = utf8(name)
        pasted = (
            pasted_url.read_url(name)
            if pasted_url.is_address(name)
            else pasted_url.Pasted(resource=name, of=self.of.strip("/"))
        )
        ids = (("ids", ",".join(pasted.ids)),) if pasted.ids else ()
        resource = resources.load(pasted.resource)
        return check(
            Query(
                resource=resource,
                filters=(*pasted.filters, *ids, *(_pair(utf8(text)) for text in self.filter)),
                text=utf8(self.query).strip() or pasted.text,
                include=_names(self.include) or _included(resource, pasted.include),
                window=Window(_moment(self.since, "--since"), _moment(self.until, "--until", end=True)),
                by=self.window,
                of=pasted.of,
                detail=self.detail or pasted.detail,
                tables=_names(self.tables),
            )
        )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"--filter {text!r} is not NAME=VALUE", fix="write it as --filter client-id=datacite.blog")
    return name.strip(), value.strip()


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _included(resource: "Resource", pasted: str) -> tuple[str, ...]:
    """Return the includes of a pasted URL; servers of v1 ignore documented ones that they do not have."""
    names = {entry.name for entry in resource.includes}
    return tuple(name for name in _names(pasted) if resource.dialect != "v1" or name in names)


def _moment(text: str | None, flag: str, *, end: bool = False) -> int | None:
    if text is None:
        return None
    try:
        return moment(text.strip(), end=end)
    except ValueError:
        raise UsageError(
            f"{flag} {text!r} is not a date", fix="write YYYY, YYYY-MM, YYYY-MM-DD or 2024-05-01T12:00:00Z"
        ) from None
