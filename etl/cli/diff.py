"""`datacite-etl diff`: records added, changed (by field) or withdrawn between two datasets."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from etl.cli.show import as_json, columns, line
from etl.errors import ThresholdError
from etl.options.arguments import destination
from etl.options.display import DisplayOptions

if TYPE_CHECKING:
    from etl.diff.run import DiffOutcome

_SHOWN = 12


def diff(
    old: str,
    new: str,
    /,
    *,
    to: str | None = None,
    format: Annotated[tuple[str, ...], Parameter(negative="")] = ("parquet",),  # noqa: A002 - the flag's name
    ignore: str = "",
    strict: Annotated[bool, Parameter(negative="")] = False,
    display: DisplayOptions = DisplayOptions(),
) -> int:
    """Compare two exports of one resource: records added, changed (by field) and withdrawn, as tables and a page.

    Files with the same SHA-256 in both manifests are not read; `verify` checks whether they still match.

    **Examples**

    - `datacite-etl diff last-month this-month`
    - `datacite-etl diff last-month this-month --to changes --format csv --ignore view_count,citation_count`
    - `datacite-etl diff expected out --strict --json`

    Parameters
    ----------
    old
        Folder of the older dataset.
    new
        Folder of the newer dataset.
    to
        Folder for tables and page; by default `_etl/diff` in the newer dataset.
    format
        Format of the tables: parquet, csv or ndjson; may be repeated.
    ignore
        Fields to ignore, separated by commas: a column of the main table, `TABLE.COLUMN`, or a child table.
    strict
        Exit with code 4 if anything differs.
    """
    from etl.diff import run
    from etl.storage import formats

    for name in format:
        formats.load(name)
    target = destination(new).below(run.FOLDER) if to is None else destination(to)
    ignored = tuple(name.strip() for name in ignore.split(",") if name.strip())
    outcome = run.diff(destination(old), destination(new), target, formats=format, ignore=ignored)
    if display.json:
        as_json(outcome.summary())
    else:
        _tell(outcome)
    if strict and not outcome.difference.same:
        raise ThresholdError("the two exports differ", fix=f"see {outcome.page}")
    return 0


def _tell(outcome: "DiffOutcome") -> None:
    main = outcome.difference.groups[0]
    line(f"records   {main.before:,} before, {main.after:,} now")
    changes = ", ".join(f"{main.counts[kind]:,} {kind}" for kind in ("added", "changed", "withdrawn"))
    line(f"changes   {changes}, {main.unchanged:,} unchanged")
    for caution in outcome.difference.cautions:
        line(f"caution   {caution}")
    if main.fields.height:
        rows = [(name, f"{records:,}") for name, records in main.fields.head(_SHOWN).iter_rows()]
        columns([("field", "records"), *rows])
    line(f"page      {outcome.page}")
