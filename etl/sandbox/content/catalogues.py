"""Small independent lists: resource types and usage reports (api-notes 6.9, 6.11)."""

from __future__ import annotations

from collections.abc import Mapping

from etl.sandbox.answer import Json
from etl.sandbox.content.happenings import report_id
from etl.sandbox.pool import kebab

_GENERAL = str.split(
    "Audiovisual Award Book BookChapter Collection ComputationalNotebook ConferencePaper ConferenceProceeding "
    "DataPaper Dataset Dissertation Event Image InteractiveResource Instrument Journal JournalArticle Model "
    "OutputManagementPlan PeerReview PhysicalObject Preprint Project Report Service Software Sound "
    "Standard StudyRegistration Text Workflow Poster Presentation Other"
)
REPORTS = 40


def resource_types() -> list[Json]:
    """List the 34 general resource types."""
    return [
        {
            "id": kebab(name),
            "type": "resource-types",
            "attributes": {"title": name, "updated": "2016-09-21T00:00:00Z"},
        }
        for name in _GENERAL
    ]


def reports(providers: Mapping[str, Json]) -> list[Json]:
    """List monthly usage reports of some providers, as their headers."""
    owners = sorted(providers)
    return [_report(number, owners[number % len(owners)] if owners else "datacite") for number in range(REPORTS)]


def _report(number: int, owner: str) -> Json:
    year, month = 2018 + number // 12, number % 12 + 1
    day = f"{year}-{month:02d}"
    return {
        "id": report_id(number),
        "report-header": {
            "report-name": "dataset master report",
            "report-id": "DSR",
            "release": "rd1",
            "created-by": owner,
            "created": f"{day}-28",
            "reporting-period": {"begin-date": f"{day}-01", "end-date": f"{day}-28"},
            "report-filters": [] if number % 3 else [{"name": "Yop", "value": str(year)}],
            "report-attributes": [] if number % 4 else [{"name": "Granularity", "value": "month"}],
        },
    }


def details_of_report(report: Json) -> Json:
    """Return a report as its singleton: with exceptions, data sets and compressed parts."""
    notice = {"code": 69, "severity": "warning", "message": "Report is compressed", "help-url": "", "data": ""}
    subsets = [{"checksum": "0" * 64, "gzip": "H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA=="}]
    header = {**report["report-header"], "exceptions": [notice]}
    return {**report, "report-header": header, "report-datasets": [], "report-subsets": subsets}
