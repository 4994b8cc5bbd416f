"""What an ingest reads records from: the words that `ingest` shares with each kind of origin.

An origin gives lines, part by part, and knows what proves that all of them came.
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
"""Bytes of a record in a data file (api-notes 8.2), packed, roughly."""
FULL = 10_000 * RECORD
"""Bytes of a part of the file with all the 10,000 records that it may have, roughly."""
GROUP = 10 * FULL
"""Bytes of parts that go into files together: months without many updates have small ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """Records on their way from an origin into a destination."""

    origin: "Origin"
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
        """The door to the destination."""
        return self.store.files

    def came(self, names: Sequence[str]) -> int:
        """Count the records that some parts had."""
        return sum(receipt.tally.received for one in names if (receipt := self.store.receipt(one)))

    def noted(self, keys: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield `key` and `updated` of the records in some of the parts that were written."""
        for key in keys:
            with self.files.open(paths.note_file("keys", key)) as source:
                yield pl.DataFrame(pa.ipc.open_file(source).read_all())


Written = Sequence[tuple[Sequence[str], Sequence[str]]]
"""What was written together: the keys of its receipts, and the names of the origin's parts in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What an ingest has come to: its evidence, all tables, and what the manifest says of the origin."""

    evidence: Evidence
    tables: Mapping[str, TableFacts]
    origin: DataFileOrigin | DatasetOrigin


class Origin(Protocol):
    """Where records come from; parts are in an order in which a later reception is not before an earlier one."""

    @property
    def name(self) -> str:
        """How a person names it."""

    @property
    def fingerprint(self) -> str:
        """What it is, in a word: another one cannot be gone on with."""

    @property
    def query(self) -> Query:
        """The question that its records answer."""

    @property
    def base_url(self) -> str:
        """The API that its records are of."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Name its parts."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of its parts, packed, as far as they are known."""

    @property
    def records(self) -> int | None:
        """How many records it has, if it says so."""

    def wanted(self, delivery: Delivery) -> Delivery:
        """Complete what the user wants made of the records."""

    def lines(self, part: str) -> Generator[bytes, None, None]:
        """Yield the records of a part that count, a line each."""

    def judged(self, run: Ingest, closed: Consolidated, written: Written) -> Judged:
        """Compare what came with what there must be, and add the tables that are made of no record."""
