"""A small resource with everything a resource can have, and its records, for the tests of the storage side."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from etl.api.query import Query
from etl.completeness import verdict
from etl.dataset.layout import Layout
from etl.dataset.manifest import Manifest
from etl.dataset.manifest_build import Evidence, Provenance, build
from etl.dataset.store import Claim, hold
from etl.records.parser import Parser
from etl.schema.declarations import Column, Include, Json, Resource, Table, Type
from etl.staging import consolidate, pages, part
from etl.staging.pages import PageFacts
from etl.storage import formats as sinks
from etl.storage import paths
from etl.storage.files import Files, LocalFiles
from etl.storage.lock import Owner

PEOPLE = Resource(
    name="people",
    dialect="v2",
    type="people",
    path="/people",
    description="Who wrote.",
    parent="person",
    tables=(
        Table(
            name="people",
            description="One row per person.",
            columns=(
                Column(name="id", type=Type.STRING, description="Key.", path="id", key=True, lower=True),
                Column(name="name", type=Type.STRING, description="Name.", path="attributes.name"),
                Column(name="updated", type=Type.TIMESTAMP, description="Changed.", path="attributes.updated"),
            ),
        ),
    ),
)


def _links(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return frames["work_tags"].select("_row", "work", pl.col("tag").alias("target"))


WORKS = Resource(
    name="works",
    dialect="v2",
    type="works",
    path="/works",
    description="What was written.",
    parent="work",
    partition="year",
    includes=(Include(name="author", resource="people", path="relationships.author.data"),),
    tables=(
        Table(
            name="works",
            description="One row per work.",
            columns=(
                Column(name="id", type=Type.STRING, description="Key.", path="id", key=True, lower=True),
                Column(name="year", type=Type.INT, description="Year.", path="attributes.year"),
                Column(name="title", type=Type.STRING, description="Title.", path="attributes.title"),
                Column(name="good", type=Type.BOOL, description="Good.", path="attributes.good"),
                Column(name="score", type=Type.FLOAT, description="Score.", path="attributes.score"),
                Column(name="updated", type=Type.TIMESTAMP, description="Changed.", path="attributes.updated"),
            ),
        ),
        Table(
            name="work_tags",
            description="One row per tag.",
            path="attributes.tags",
            columns=(Column(name="tag", type=Type.STRING, description="Tag.", path="tag"),),
        ),
        Table(
            name="work_people",
            description="Who.",
            relations={"author": "relationships.author.data"},
            columns=(
                Column(name="relation", type=Type.STRING, description="Which."),
                Column(name="type", type=Type.STRING, description="Type.", path="type"),
                Column(name="target", type=Type.STRING, description="Id.", path="id"),
            ),
        ),
        Table(
            name="links",
            description="Edges.",
            columns=(Column(name="target", type=Type.STRING, description="Other end."),),
            positions=(),
            build=_links,
            inputs={"work_tags": ("work", "tag")},
        ),
    ),
)


def work(key: str | None, year: int | None = 2020, **attributes: Json) -> dict[str, Json]:
    """Return a record of a work; `author` becomes its relationship."""
    author = attributes.pop("author", None)
    record: dict[str, Json] = {"id": key, "type": "works", "attributes": {"year": year, **attributes}}
    if author:
        record["relationships"] = {"author": {"data": {"id": author, "type": "people"}}}
    return record


def person(key: str, **attributes: Json) -> dict[str, Json]:
    """Return a record of a person."""
    return {"id": key, "type": "people", "attributes": attributes}


def stage(
    files: Files,
    slice_key: str,
    fetched: Iterable[Sequence[Mapping[str, Json]]],
    people: Sequence[Mapping[str, Json]] = (),
    *,
    raw: bool = False,
) -> None:
    """Stage the pages of a slice; every page includes the people."""
    parser, other = Parser(WORKS), Parser(PEOPLE)
    for number, records in enumerate(fetched):
        lines = [json.dumps(record).encode() for record in records]
        parsed = parser.parse(lines)
        facts = PageFacts(number=number, received=len(lines), issues=parsed.issues, drift=parsed.drift)
        along = {"people": other.parse([json.dumps(one).encode() for one in people]).table} if people else {}
        kept = pages.compress(lines) if raw else b""
        pages.write(files, paths.slice_folder(slice_key), facts, parsed.table, included=along, raw=kept)


def layout(*formats: str, partition_by: tuple[str, ...] = ("year",), tables: tuple[str, ...] = ()) -> Layout:
    """Lay out works in some formats, Parquet by default."""
    found = tuple(sinks.load(name) for name in formats or ("parquet",))
    return Layout(resource=WORKS, sinks=found, partition_by=partition_by, metadata={"a": "b"}, tables=tables)


REQUEST = Query(resource=WORKS).request()


def claim(**changed: Json) -> Claim:
    """Return the claim of a run that asks for all works."""
    wanted: dict[str, Json] = {
        "request": REQUEST,
        "fingerprint": "f1",
        "base_url": "https://example.org",
        "formats": ("parquet",),
    }
    return Claim(**{**wanted, **changed})


def owner(pid: int = 1, host: str = "here") -> Owner:
    """Return somebody who may hold a destination."""
    return Owner(user="ann", host=host, pid=pid, born="7", started="2026-01-01T00:00:00Z")


def publish(
    files: Files, records: Sequence[Mapping[str, Json]], how: Layout | None = None, **changed: Json
) -> Manifest:
    """Export records the shortest way and return the manifest."""
    how = how or layout()
    with hold(files, claim(**changed), owner()) as store:
        if store.plan() is None:
            store.begin(claim(**changed), {"slices": ["s"]})
        if not part.read_receipts(files, "p"):
            stage(files, "s", [records])
        receipts = part.write_part(files, how, "p", ["s"], related={"author": PEOPLE})
        proof = replace(prove(files, how, receipts), formats=claim(**changed).formats)
        store.publish(proof, {"report.json": b"{}\n"})
    return proof


def prove(files: Files, how: Layout, receipts: Sequence[part.PartReceipt]) -> Manifest:
    """Close a run over some parts and write its manifest down."""
    closed = consolidate.consolidate(files, how, receipts, {"author": PEOPLE})
    unique = closed.unique
    received = sum(receipt.received for receipt in receipts)
    tally = verdict.Tally(key="s", expected_before=unique, expected_after=unique, received=received, unique=unique)
    evidence = Evidence(
        tallies=[tally],
        verdict=verdict.judge([tally], query_before=unique, query_after=unique),
        expected_before=unique,
        expected_after=unique,
        duplicates=closed.duplicates,
        rejects=closed.rejects,
        included=closed.included,
        drift=closed.drift,
    )
    run = Provenance(
        run_id="r", started="2026-01-01T00:00:00Z", finished="2026-01-01T00:01:00Z", base_url="https://example.org"
    )
    how_asked = {"partition_by": how.partition_by, "formats": ["parquet"]}
    return build(WORKS, REQUEST, run, evidence, closed.tables, fingerprint="f1", **how_asked)


def local(path: Path) -> LocalFiles:
    """Open a folder as a destination."""
    return LocalFiles(path)


def data(files: Files, *, below: str = "") -> dict[str, bytes]:
    """Return the data files of a place with their bytes."""
    every = {key.removeprefix(below): key for key in files.listing(below)}
    return {name: files.read(key) for name, key in every.items() if not name.startswith(paths.OWN)}


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with its bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
