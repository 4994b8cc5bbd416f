"""The raw records of a dataset (`--keep-raw`): the order in which they were received, and which of them count.

Files of an export stay when syncs add theirs, so a record may be in several, and a withdrawn one is still in its
file. Of several versions the newest counts: that of the latest run, in it the last `updated`, then the last turn.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import polars as pl
import pyarrow as pa

from etl.dataset.reader import identity
from etl.errors import StoreError
from etl.records import ndjson
from etl.records.parser import Parser
from etl.schema.declarations import Resource
from etl.storage import paths
from etl.storage.files import Files

AT_ONCE = 5_000
"""Number of records parsed together."""
_RESTORE = "restore the file, or export again"
_NOWHERE = -1
_LATER = {"hash": pl.UInt64(), "at": pl.Int32()}


@dataclass(frozen=True, slots=True)
class RawVersions:
    """Files of raw records, in the order in which they were received.

    `later` has the hash of each key whose record may be superseded, and the number of the file in which it
    counts. `counts` are the numbers of records of files that have been read: those of syncs.
    """

    files: Files
    resource: Resource
    keys: tuple[str, ...]
    later: pl.DataFrame = field(compare=False)
    counts: dict[str, int] = field(compare=False)

    def counting_lines(self, key: str) -> Iterator[bytes]:
        """Yield the records of a file that count, including those without a key."""
        if self.later.is_empty():
            yield from read_lines(self.files, key)
            return
        parser, number = Parser(self.resource), self.keys.index(key)
        for records in _pieces(read_lines(self.files, key)):
            keys = pl.DataFrame({"key": ndjson.ids(parser, records)}).select("key", pl.col("key").hash().alias("hash"))
            near = self.later.join(keys, on="hash", how="semi")  # a table of all would be made for every piece
            placed = keys.join(near, on="hash", how="left", maintain_order="left")
            stays = placed.select(pl.col("key").is_null() | pl.col("at").is_null() | (pl.col("at") == number))
            yield from (line for line, here in zip(records, stays.to_series(), strict=True) if here)


def open_raw_versions(
    files: Files, resource: Resource, withdrawn: pl.Series, held: Callable[[], Iterable[pl.Series]] | None
) -> RawVersions:
    """Find the raw records of a dataset that count, given the withdrawn keys and those that are `held`.

    This only reads files of syncs. Without `held`, every record that is not known to be withdrawn counts.
    """
    keys = in_order_received(files.listing(paths.RAW))
    newest, counts = _newest(files, resource, keys)
    left = pl.DataFrame({"hash": withdrawn.hash()}, schema={"hash": pl.UInt64()}).unique()
    known = pl.concat([newest, left.join(newest, on="hash", how="anti").with_columns(at=pl.lit(None, pl.Int32()))])
    if held is None:
        there = known.join(left, on="hash", how="anti")
    elif known.height:
        hashed = (pl.DataFrame({"hash": series.hash()}) for series in held())
        there = pl.concat([known.clear(), *(known.join(hashes, on="hash", how="semi") for hashes in hashed)])
    else:
        there = known
    nowhere = known.join(there, on="hash", how="anti").with_columns(at=pl.lit(_NOWHERE, pl.Int32()))
    return RawVersions(files, resource, tuple(keys), pl.concat([there.drop_nulls("at"), nowhere]), counts)


def in_order_received(keys: Iterable[str]) -> list[str]:
    """Sort files of raw records in the order in which they were received: those of syncs last."""
    return sorted(keys, key=lambda key: (paths.received_by(key), key))


def read_lines(files: Files, key: str) -> Iterator[bytes]:
    """Yield the lines of a file of raw records; StoreError for one that is damaged."""
    try:
        with files.open(key) as packed, pa.CompressedInputStream(packed, "zstd") as source:
            rest = yield from ndjson.split(source, f"{files.name}/{key}")
    except OSError as error:
        reason = " ".join(str(error).split())
        raise StoreError(f"{files.name}/{key} is damaged: {reason}", fix=_RESTORE) from error
    if rest:
        raise StoreError(f"{files.name}/{key} is damaged: it ends in a record", fix=_RESTORE)


def _newest(files: Files, resource: Resource, keys: list[str]) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return the file with the newest version of each record from syncs, and the numbers of records of those files."""
    none = {"hash": pl.UInt64(), "run": pl.Int64(), "updated": pl.Datetime("us", "UTC"), "at": pl.Int32()}
    frames, counts = [pl.DataFrame(schema=none)], dict[str, int]()
    for number, key in enumerate(keys):
        run, _ = paths.received_by(key)
        for records in _pieces(read_lines(files, key)) if run else ():
            identities = identity(resource, ndjson.table(resource, records))
            at, of = pl.lit(number, pl.Int32()).alias("at"), pl.lit(run, pl.Int64()).alias("run")
            frames.append(identities.select(pl.col("key").hash().alias("hash"), of, "updated", at))
            counts[key] = counts.get(key, 0) + len(records)
    ranked = pl.concat(frames).sort(["run", "updated", "at"], descending=True, nulls_last=True)
    return ranked.unique("hash", keep="first", maintain_order=True).select(*_LATER), counts


def _pieces(records: Iterator[bytes]) -> Iterator[list[bytes]]:
    while piece := list(islice(records, AT_ONCE)):
        yield piece
