"""`/resource-types` and `/reports` (api-notes 6.9, 6.11): lists with their own rules."""

from __future__ import annotations

from collections.abc import Sequence

from etl.sandbox import paging
from etl.sandbox.answer import Answer, Json, document, not_found, refused
from etl.sandbox.content import catalogues
from etl.sandbox.v2.context import Asked, links, single
from etl.sandbox.v2.listing import Resource


def answer_types(asked: Asked) -> Answer:
    """Answer all resource types at once, whatever the request."""
    every = catalogues.resource_types()
    meta = {"total": len(every), "total-pages": 1}
    return document({"data": every, "meta": meta, "links": links(asked, None)})


def answer_type(asked: Asked, name: str) -> Answer:
    """Answer one resource type."""
    del asked
    for kind in catalogues.resource_types():
        if kind["id"] == name.lower():
            return single(kind)
    raise not_found()


def answer_reports(asked: Asked) -> Answer:
    """Answer a page of reports; a page of size 0 ends in a division by zero."""
    params = asked.params
    size, number = int(params.page.get("size") or paging.USUAL), int(params.page.get("number") or 1)
    if size < 1:
        raise refused(422, "Infinity")
    reports = _reports(asked)
    meta = {"total": len(reports), "total-pages": -(-len(reports) // size), "page": number}
    return document({"reports": reports[(number - 1) * size : number * size], "meta": meta})


def answer_report(asked: Asked, name: str) -> Answer:
    """Answer one report with its details."""
    for report in catalogues.reports(asked.snapshot.roster.providers):
        if report["id"] == name.lower():
            return document({"report": catalogues.details_of_report(report)})
    raise not_found()


def _reports(asked: Asked) -> Sequence[Resource]:
    """Select by the first given filter; the others are ignored."""
    every = catalogues.reports(asked.snapshot.roster.providers)
    header = "report-header"
    tests: tuple[tuple[str, Json], ...] = (
        ("id", lambda report, values: report["id"] in values),
        ("created_by", lambda report, values: report[header]["created-by"] in values),
        ("year", lambda report, values: report[header]["reporting-period"]["begin-date"][:4] in values),
        ("client_id", lambda report, values: report[header]["created-by"] in values),
    )
    for name, test in tests:
        if values := asked.params.listed(name):
            return [report for report in every if test(report, values)]
    return every
