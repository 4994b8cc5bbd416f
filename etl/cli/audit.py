"""`datacite-etl audit`: what is missing, wrong or inconsistent in the metadata of an exported dataset."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from etl.cli.show import as_json, columns, line
from etl.errors import ThresholdError
from etl.options.asking import Showing, destination

if TYPE_CHECKING:
    from etl.audit.run import Outcome

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
    showing: Showing = Showing(),
) -> int:
    """Check every record of an exported dataset of DOIs: coverage of properties, validity, consistency.

    **Examples**

    - `datacite-etl audit out`
    - `datacite-etl audit out --profile tcia --format parquet --format csv`
    - `datacite-etl audit out --against last-month --fail-under orcid=0.6 --fail-under creator-orcid=1`

    Parameters
    ----------
    dataset
        Folder or `s3://` address of the dataset.
    profile
        A profile to hold the records against: `tcia`, `fair`, or the path of a file that declares one.
    against
        An older audit, or the folder of an older dataset that was audited: shows the trend.
    fail_under
        NAME=SHARE, may be repeated: exit 4 if a property covers less, a rule finds more, or fewer meet the profile.
    to
        Folder of the audit's tables and page; `_etl/audit` in the dataset by default.
    format
        Format of the tables: parquet, csv, ndjson; may be repeated.
    """
    from etl.audit import run
    from etl.audit.thresholds import known, missed, thresholds
    from etl.audit.words import profile as declared
    from etl.audit.words import profiles
    from etl.storage import formats

    if profile and not profile.endswith(".py"):
        known("profile", profile, profiles())
    asked = declared(profile) if profile else None
    required = thresholds(fail_under, extra=[asked.name] if asked else ())
    for name in format:
        formats.load(name)
    target = destination(dataset).below(run.FOLDER) if to is None else destination(to)
    older = None if against is None else destination(against)
    found = run.audit(destination(dataset), target, formats=format, profile=asked, against=older)
    if showing.json:
        as_json(found.summary())
    else:
        _tell(found)
    if short := missed(found.audit, required):
        raise ThresholdError("; ".join(short), fix=f"see {found.page}")
    return 0


def _tell(found: "Outcome") -> None:
    audit = found.audit
    line(f"records   {audit.records:,} DOIs, {audit.affected['any']:,} with a finding")
    line(f"findings  {found.tables['audit_findings']:,}; records with errors {audit.affected['error']:,}")
    if audit.profile:
        line(f"profile   {audit.profile.name}: {audit.meeting:,} of {audit.records:,} meet what is essential")
    broken = audit.rules.filter(audit.rules["findings"] > 0)
    worst = broken.head(_SHOWN)
    rows = [("severity", "rule", "records", "what")]
    rows += [(r["severity"], r["rule"], f"{r['records']:,}", r["title"]) for r in worst.iter_rows(named=True)]
    columns(rows)
    if broken.height > _SHOWN:
        line(f"          and {broken.height - _SHOWN} rules more, all on the page")
    if audit.skipped:
        line(f"skipped   {', '.join(audit.skipped)}: their tables were not exported")
    line(f"page      {found.page}")
