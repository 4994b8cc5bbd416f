"""Reports: monthly usage reports that repositories send in, by a service of its own (api-notes 6.11).

Lists have the headers only; what was used how often comes as events.
"""

from etl.resources import forms
from etl.resources.columns import extra, json, key, text
from etl.schema.declarations import Filter, Paging, Resource, Table

MAIN = Table(
    name="reports",
    description="One row a usage report of a month.",
    columns=(
        key("id", "id", "Id of the report; events name it as their subject."),
        text("report_name", "report-header.report-name", "Name of the kind of report."),
        text("report_id", "report-header.report-id", "Short name of the kind of report, such as DSR."),
        text("release", "report-header.release", "Version of the standard that it follows: rd1 or drl."),
        text("created_by", "report-header.created-by", "Who made the report."),
        text("created_on", "report-header.created", "Day on which it was made, as the report says."),
        text("begin_date", "report-header.reporting-period.begin-date", "First day that it covers."),
        text("end_date", "report-header.reporting-period.end-date", "Last day that it covers."),
        json("report_filters", "report-header.report-filters", "What the counts were narrowed to, as a JSON list."),
        json("report_attributes", "report-header.report-attributes", "How the counts were broken up, as a JSON list."),
        json("exceptions", "report-header.exceptions", "What the sender had to say of it, as a JSON list."),
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
    least=1,  # the service divides by the page size
    paging=Paging.NUMBER,
    filters=(
        Filter(
            name="id",
            description="Reports by id; the service reads the first filter it has, in this order, only.",
            any_of=True,
            keys=True,
        ),
        Filter(name="created-by", description="Reports made by one."),
        Filter(name="year", description="Reports on a year.", form=forms.YEAR),
        Filter(name="client-id", description="Reports sent in by an account."),
    ),
    sorts=("name", "-name", "created", "-created"),
    unmapped={
        "report-datasets": "in single reports only; the counts are events",
        "report-subsets": "in single reports only: compressed parts of the report; the counts are events",
    },
)
