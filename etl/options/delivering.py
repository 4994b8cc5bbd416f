"""Split out of etl.cli.export."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter

if TYPE_CHECKING:
    from etl.dataset.request import Delivery


DELIVERING = Group("What to make of it", sort_key=2)


@Parameter(name="*", group=DELIVERING)
@dataclass(frozen=True, kw_only=True)
class Delivering:
    """What becomes of the records."""

    format: Annotated[tuple[str, ...], Parameter(negative="")] = ("parquet",)
    """parquet (by default), csv, ndjson (records as received, a line each) or delta (Parquet with the log of a Delta
    table); may be repeated."""

    partition_by: str | None = None
    """Comma list of main-table columns that become folders; `none` for no partitions. By default the resource's own."""

    keep_raw: Annotated[bool, Parameter(negative="")] = False
    """Keep every record as received too, compressed, below `_etl/raw`: `ingest` makes the tables again of them."""

    limit: int | None = None
    """Fetch this many records only, as a sample: the verdict says so and proves nothing."""

    fresh: Annotated[bool, Parameter(negative="")] = False
    """Throw away unfinished work in the destination, and replace a dataset of another request, or one whose manifest is
    damaged."""

    max_missing: int = 0
    """Publish although up to this many records are missing, if each of them is named."""

    allow_incomplete: Annotated[bool, Parameter(negative="")] = False
    """Publish whatever came. The verdict stays `incomplete`."""

    def delivery(self) -> "Delivery":
        """Return the wishes as a value; UsageError for a number that cannot be."""
        from etl.dataset.request import Delivery
        from etl.errors import UsageError

        if (self.limit is not None and self.limit < 1) or self.max_missing < 0:
            raise UsageError("--limit counts from 1 and --max-missing from 0", fix="give a number in that range")
        names = None if self.partition_by is None else [name.strip() for name in self.partition_by.split(",")]
        return Delivery(
            formats=tuple(dict.fromkeys(name for text in self.format for name in text.split(","))),
            partition_by=None if names is None else () if names == ["none"] else tuple(filter(None, names)),
            keep_raw=self.keep_raw,
            limit=self.limit,
            max_missing=self.max_missing,
            allow_incomplete=self.allow_incomplete,
            fresh=self.fresh,
        )
