"""Raw records that a dataset kept (`--keep-raw`): in which order they were received, and which of them count.

Files of an export stay when syncs add theirs, so a record may be in several, and one that was withdrawn is still in its
own. Of several receptions the newest counts: the latest run's, in it the last `updated`, then the last turn.
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
"""Records parsed together."""
_RESTORE = "restore the file, or export again"
_NOWHERE = -1
_LATER = {"hash": pl.UInt64(), "at": pl.Int32()}


@dataclass(frozen=True, slots=True)
class Receptions:
    """Files of raw records, in the order they were received.

    `later` has the hash of each key that does not simply count where it is met, and the number of the file in which it
    does. `counts` are the records of files that have been read, those of syncs.
    """

    files: Files
    resource: Resource
    keys: tuple[str, ...]
    later: pl.DataFrame = field(compare=False)
    counts: dict[str, int] = field(compare=False)

    def counting(self, key: str) -> Iterator[bytes]:
        """Yield the records of a file that count; those without a key do."""
        if self.later.is_empty():
            yield from lines(self.files, key)
            return
        parser, number = Parser(self.resource), self.keys.index(key)
        for some in _pieces(lines(self.files, key)):
            found = pl.DataFrame({"key": ndjson.ids(parser, some)}).select("key", pl.col("key").hash().alias("hash"))
            near = self.later.join(found, on="hash", how="semi")  # a table of all would be made for every piece
            placed = found.join(near, on="hash", how="left", maintain_order="left")
            stays = placed.select(pl.col("key").is_null() | pl.col("at").is_null() | (pl.col("at") == number))
            yield from (line for line, here in zip(some, stays.to_series(), strict=True) if here)


def opened(
    files: Files, resource: Resource, gone: pl.Series, held: Callable[[], Iterable[pl.Series]] | None
) -> Receptions:
    """Find out which raw records of a dataset count, given the keys that have left it and those that are `held`.

    Only files of syncs are read for it. Without `held` whoever came and is not known to be gone is thought to be there.
    """
    keys = ordered(files.listing(paths.RAW))
    newest, counts = _newest(files, resource, keys)
    left = pl.DataFrame({"hash": gone.hash()}, schema={"hash": pl.UInt64()}).unique()
    known = pl.concat([newest, left.join(newest, on="hash", how="anti").with_columns(at=pl.lit(None, pl.Int32()))])
    if held is None:
        there = known.join(left, on="hash", how="anti")
    elif known.height:
        hashed = (pl.DataFrame({"hash": some.hash()}) for some in held())
        there = pl.concat([known.clear(), *(known.join(some, on="hash", how="semi") for some in hashed)])
    else:
        there = known
    nowhere = known.join(there, on="hash", how="anti").with_columns(at=pl.lit(_NOWHERE, pl.Int32()))
    return Receptions(files, resource, tuple(keys), pl.concat([there.drop_nulls("at"), nowhere]), counts)


def ordered(keys: Iterable[str]) -> list[str]:
    """Put files of raw records in the order in which they were received: those of syncs behind the others."""
    return sorted(keys, key=lambda key: (paths.received_by(key), key))


def lines(files: Files, key: str) -> Iterator[bytes]:
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
    """Return in which file each record that syncs have received came last, and how many records those files have."""
    none = {"hash": pl.UInt64(), "run": pl.Int64(), "updated": pl.Datetime("us", "UTC"), "at": pl.Int32()}
    found, counts = [pl.DataFrame(schema=none)], dict[str, int]()
    for number, key in enumerate(keys):
        run, _ = paths.received_by(key)
        for some in _pieces(lines(files, key)) if run else ():
            told = identity(resource, ndjson.table(resource, some))
            at, of = pl.lit(number, pl.Int32()).alias("at"), pl.lit(run, pl.Int64()).alias("run")
            found.append(told.select(pl.col("key").hash().alias("hash"), of, "updated", at))
            counts[key] = counts.get(key, 0) + len(some)
    ranked = pl.concat(found).sort(["run", "updated", "at"], descending=True, nulls_last=True)
    return ranked.unique("hash", keep="first", maintain_order=True).select(*_LATER), counts


def _pieces(records: Iterator[bytes]) -> Iterator[list[bytes]]:
    while some := list(islice(records, AT_ONCE)):
        yield some
