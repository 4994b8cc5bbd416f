"""The interface of the sources of an ingest.

A source yields lines, part by part, and knows how to prove that they are complete.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import polars as pl
import pyarrow as pa

from etl.api.query import Query
from etl.dataset.layout import Layout
from etl.dataset.manifest import DataFileOrigin, DatasetOrigin, TableFacts
from etl.dataset.manifest_build import Evidence
from etl.dataset.request import Delivery
from etl.dataset.store import Claim, Store
from etl.events import Observe
from etl.records.parser import Parser
from etl.runs.context import Clock
from etl.staging.consolidate import Consolidated
from etl.storage import paths
from etl.storage.files import Files

RECORD = 1_000
"""Approximate size of a record in a data file, packed (api-notes 8.2)."""
FULL = 10_000 * RECORD
"""Approximate size of a part of the file with the maximum of 10,000 records."""
GROUP = 10 * FULL
"""Size of parts that share files: months without many updates have small parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """An ingest in progress: its source, its destination, and everything that does the work."""

    source: "Source"
    delivery: Delivery
    claim: Claim
    store: Store
    layout: Layout
    parser: Parser
    observe: Observe
    clock: Clock
    run_id: str
    started: float
    threads: ThreadPoolExecutor

    @property
    def files(self) -> Files:
        """The files of the destination."""
        return self.store.files

    def count_received(self, names: Sequence[str]) -> int:
        """Count the records received from parts."""
        return sum(receipt.tally.received for name in names if (receipt := self.store.receipt(name)))

    def read_keys(self, keys: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield the `key` and `updated` of the records in written parts."""
        for key in keys:
            with self.files.open(paths.note_file("keys", key)) as source:
                yield pl.DataFrame(pa.ipc.open_file(source).read_all())


WrittenGroups = Sequence[tuple[Sequence[str], Sequence[str]]]
"""Groups that were written together: the keys of their receipts, and the names of the source's parts in them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestResult:
    """The result of an ingest: its evidence, all tables, and the origin for the manifest."""

    evidence: Evidence
    tables: Mapping[str, TableFacts]
    origin: DataFileOrigin | DatasetOrigin


class Source(Protocol):
    """A source of records; its parts are in the order in which they were received."""

    @property
    def name(self) -> str:
        """Its name for people."""

    @property
    def fingerprint(self) -> str:
        """A hash of it: work from another source is not resumed."""

    @property
    def query(self) -> Query:
        """The query that its records answer."""

    @property
    def base_url(self) -> str:
        """The root URL of the API of its records."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of its parts."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """The packed sizes of its parts, as far as they are known."""

    @property
    def records(self) -> int | None:
        """The number of its records, if known."""

    def complete(self, delivery: Delivery) -> Delivery:
        """Complete the delivery with the defaults of this source."""

    def lines(self, part: str) -> Generator[bytes, None, None]:
        """Yield the records of a part that count, one per line."""

    def judge(self, run: Ingest, closed: Consolidated, written: WrittenGroups) -> IngestResult:
        """Compare the records with the expected ones, and add the tables without records."""
