"""Reports: monthly usage reports that repositories send in, by a service of its own (api-notes 6.11).

Lists have only the headers; the counts come as events.
"""

from etl.resources import forms
from etl.resources.columns import extra, json, key, text
from etl.schema.declarations import Filter, Paging, Resource, Table

MAIN = Table(
    name="reports",
    description="One row per monthly usage report.",
    columns=(
        key("id", "id", "Id of the report; its events have it as their subject."),
        text("report_name", "report-header.report-name", "Name of the kind of report."),
        text("report_id", "report-header.report-id", "Short name of the kind of report, such as DSR."),
        text("release", "report-header.release", "Version of the standard that it follows: rd1 or drl."),
        text("created_by", "report-header.created-by", "Author of the report."),
        text("created_on", "report-header.created", "Day on which the report was made, as stated."),
        text("begin_date", "report-header.reporting-period.begin-date", "First day that it covers."),
        text("end_date", "report-header.reporting-period.end-date", "Last day that it covers."),
        json("report_filters", "report-header.report-filters", "Filters of the counts, as a JSON list."),
        json(
            "report_attributes",
            "report-header.report-attributes",
            "Attributes that break down the counts, as a JSON list.",
        ),
        json("exceptions", "report-header.exceptions", "Exceptions and notes of the sender, as a JSON list."),
        extra("report"),
    ),
)

RESOURCE = Resource(
    name="reports",
    dialect="v2",
    type="reports",
    path="/reports",
    description="Monthly usage reports of repositories.",
    parent="report_uid",
    tables=(MAIN,),
    searched=False,
    root="reports",
    single="report",
    min_page_size=1,  # the service divides by the page size
    paging=Paging.NUMBER,
    filters=(
        Filter(
            name="id",
            description="Reports by id. The service reads only the first filter that is present, in this order.",
            any_of=True,
            ids=True,
            aliases=("ids",),
        ),
        Filter(name="created-by", description="Reports by one author."),
        Filter(name="year", description="Reports for a year.", form=forms.YEAR),
        Filter(name="client-id", description="Reports sent by an account."),
    ),
    sorts=("name", "-name", "created", "-created"),
    unmapped={
        "report-datasets": "only in single reports; the counts are events",
        "report-subsets": "only in single reports: compressed parts of the report; the counts are events",
    },
)
