"""`datacite-etl audit`: what is missing, invalid or inconsistent in the metadata of a dataset."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from etl.cli.show import as_json, columns, line
from etl.errors import ThresholdError
from etl.events import counted
from etl.options.arguments import destination
from etl.options.display import DisplayOptions

if TYPE_CHECKING:
    from etl.audit.run import AuditOutcome

_SHOWN = 12


def audit(
    dataset: str,
    /,
    *,
    profile: str = "",
    against: str | None = None,
    fail_under: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    to: str | None = None,
    format: Annotated[tuple[str, ...], Parameter(negative="")] = ("parquet",),  # noqa: A002 - the flag's name
    display: DisplayOptions = DisplayOptions(),
) -> int:
    """Check the metadata of every record of a dataset of DOIs: coverage, validity, consistency.

    **Examples**

    - `datacite-etl audit out`
    - `datacite-etl audit out --profile tcia --format parquet --format csv`
    - `datacite-etl audit out --against last-month --fail-under orcid=0.6 --fail-under creator-orcid=1`

    Parameters
    ----------
    dataset
        Folder or `s3://` URL of the dataset.
    profile
        Profile to check the records against: `tcia`, `fair`, or the path of a file that declares one.
    against
        Older audit, or the dataset that it is in, to show the trend.
    fail_under
        NAME=SHARE: threshold of a property, rule or profile; the exit code is 4 if one is missed. May be repeated.
    to
        Folder for tables and page; by default `_etl/audit` in the dataset.
    format
        Format of the tables: parquet, csv or ndjson; may be repeated.
    """
    from etl.audit import run
    from etl.audit.thresholds import missed_thresholds, thresholds, valid_name
    from etl.audit.words import profile as declared
    from etl.audit.words import profiles
    from etl.storage import formats

    if profile and not profile.endswith(".py"):
        valid_name("profile", profile, profiles())
    chosen = declared(profile) if profile else None
    required = thresholds(fail_under, extra=[chosen.name] if chosen else ())
    for name in format:
        formats.load(name)
    target = destination(dataset).below(run.FOLDER) if to is None else destination(to)
    older = None if against is None else destination(against)
    outcome = run.audit(destination(dataset), target, formats=format, profile=chosen, against=older)
    if display.json:
        as_json(outcome.summary())
    else:
        _tell(outcome)
    if short := missed_thresholds(outcome.audit, required):
        raise ThresholdError("; ".join(short), fix=f"see {outcome.page}")
    return 0


def _tell(outcome: "AuditOutcome") -> None:
    audit = outcome.audit
    line(f"records   {audit.records:,} DOIs, {audit.affected['any']:,} with a finding")
    line(f"findings  {outcome.tables['audit_findings']:,}; {counted(audit.affected['error'], 'record')} with errors")
    if audit.profile:
        line(f"profile   {audit.profile.name}: {audit.meeting:,} of {audit.records:,} records meet all essential needs")
    broken = audit.rules.filter(audit.rules["findings"] > 0)
    worst = broken.head(_SHOWN)
    rows = [("severity", "rule", "records", "finding")]
    rows += [(r["severity"], r["rule"], f"{r['records']:,}", r["title"]) for r in worst.iter_rows(named=True)]
    columns(rows)
    if broken.height > _SHOWN:
        line(f"          and {counted(broken.height - _SHOWN, 'more rule')}, all on the page")
    if audit.skipped:
        line(f"skipped   {', '.join(audit.skipped)}: their tables were not exported")
    line(f"page      {outcome.page}")
