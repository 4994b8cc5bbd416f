"""The options for output, and how they become a Delivery."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter

if TYPE_CHECKING:
    from etl.dataset.request import Delivery


DELIVERY = Group("Output", sort_key=2)


@Parameter(name="*", group=DELIVERY)
@dataclass(frozen=True, kw_only=True)
class DeliveryOptions:
    """Formats, partitions, and what may be published."""

    format: Annotated[tuple[str, ...], Parameter(negative="")] = ("parquet",)
    """parquet (the default), csv, ndjson (records as received, one per line) or delta (Parquet with a Delta log). May
    be repeated."""

    partition_by: str | None = None
    """Columns of the main table that become folders, separated by commas, or `none`; by default the resource's own."""

    keep_raw: Annotated[bool, Parameter(negative="")] = False
    """Also keep every record as received, compressed, in `_etl/raw`; `ingest` can rebuild the tables from them."""

    limit: int | None = None
    """Fetch only this many records, as a sample that proves nothing; the verdict is `sample`."""

    fresh: Annotated[bool, Parameter(negative="")] = False
    """Discard unfinished work in the destination; also replace a dataset of another request, or with a damaged
    manifest."""

    max_missing: int = 0
    """Publish even if up to this many records are missing, all of them named."""

    allow_incomplete: Annotated[bool, Parameter(negative="")] = False
    """Publish whatever arrived. The verdict stays `incomplete`."""

    min_records: int = 1
    """Publish nothing if there are fewer records than this; 1 by default."""

    allow_empty: Annotated[bool, Parameter(negative="")] = False
    """Publish a dataset without any record, too."""

    def delivery(self) -> "Delivery":
        """Return the options as a Delivery; UsageError for an invalid number."""
        from etl.dataset.request import Delivery
        from etl.errors import UsageError

        if (self.limit is not None and self.limit < 1) or self.max_missing < 0:
            raise UsageError("--limit must be at least 1, --max-missing at least 0", fix="give a number in that range")
        if self.min_records < 1 or (self.limit is not None and self.min_records > self.limit):
            fix = "give a number in that range; --allow-empty allows an empty dataset"
            raise UsageError("--min-records must be at least 1, and at most --limit", fix=fix)
        if self.allow_empty and self.min_records > 1:
            raise UsageError("--allow-empty contradicts --min-records", fix="leave one of them out")
        names = None if self.partition_by is None else [name.strip() for name in self.partition_by.split(",")]
        return Delivery(
            formats=tuple(dict.fromkeys(name for text in self.format for name in text.split(","))),
            partition_by=None if names is None else () if names == ["none"] else tuple(filter(None, names)),
            keep_raw=self.keep_raw,
            limit=self.limit,
            max_missing=self.max_missing,
            allow_incomplete=self.allow_incomplete,
            min_records=0 if self.allow_empty else self.min_records,
            fresh=self.fresh,
        )
