"""DataCite's data file of a corpus, laid out as in api-notes 8.1: parts of JSON lines and a CSV for every month.

Records are singletons without XML, sorted by (updated, uid); `relationships.media` has the wrong type, as in the real
file. `MANIFEST` and `MANIFEST.json` have SHA-256 in base64.
"""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from etl.sandbox.answer import Json, dump
from etl.sandbox.corpus import Corpus, Snapshot
from etl.sandbox.render import whole
from etl.sandbox.views import View

PART_RECORDS = 10_000
_VIEW = View(detail=True, single=True, affiliation=True, publisher=True)


def write_data_file(
    corpus: Corpus, folder: Path, *, part_records: int = PART_RECORDS, status: str = "Complete"
) -> None:
    """Write the data file of a corpus's current state into a folder."""
    snapshot = corpus.now
    rows = snapshot.frame.with_columns(month=pl.from_epoch("updated", time_unit="ms").dt.strftime("%Y-%m"))
    files = dict(_files(snapshot, rows.sort("updated", "uid"), part_records))
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    facts = [(name, len(data), _digest(data)) for name, data in sorted(files.items())]
    (folder / "MANIFEST").write_text("".join(f"{name} {size} {digest}\n" for name, size, digest in facts))
    listed = [{"filename": name, "size": size, "sha256": digest} for name, size, digest in facts]
    (folder / "MANIFEST.json").write_text(json.dumps(listed))
    state = {"month": None, "datetime": datetime(2026, 1, 1, tzinfo=UTC).isoformat(), "status": status}
    (folder / "STATUS.json").write_text(json.dumps(state))


def pack(folder: Path, target: Path) -> None:
    """Pack a data file's folder into one tar, like the Public Data File."""
    with tarfile.open(target, "w") as tar:
        tar.add(folder, arcname=".")


def _files(snapshot: Snapshot, rows: pl.DataFrame, part_records: int) -> Iterator[tuple[str, bytes]]:
    for (month,), month_rows in rows.group_by("month", maintain_order=True):
        top = f"dois/updated_{month}"
        for number, start in enumerate(range(0, len(month_rows), part_records)):
            # The counter advances with scanned rows, registered ones too: a part may hold fewer, or none.
            part = month_rows.slice(start, part_records).filter("findable")
            lines = [dump(_record(snapshot, part.slice(row, 1))) + b"\n" for row in range(len(part))]
            yield f"{top}/part_{number:04d}.jsonl.gz", gzip.compress(b"".join(lines), mtime=0)
        yield f"{top}/{month}.csv.gz", gzip.compress(_listing(snapshot, month_rows).encode(), mtime=0)


def _record(snapshot: Snapshot, row: pl.DataFrame) -> Json:
    record = whole(snapshot.renderer.pieces(row, _VIEW))
    record["attributes"].pop("xml", None)
    media = (record["relationships"].get("media") or {}).get("data") or ()
    for entry in [media] if isinstance(media, dict) else media:  # older records have one and no list
        entry["type"] = "dois"
    return record


def _listing(snapshot: Snapshot, rows: pl.DataFrame) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["doi", "state", "client_id", "updated"])
    ids = snapshot.roster.client_ids
    for row in rows.iter_rows(named=True):
        updated = datetime.fromtimestamp(row["updated"] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        client = "" if row["client"] is None else ids[row["client"]]
        writer.writerow([row["uid"], "findable" if row["findable"] else "registered", client, updated])
    return text.getvalue()


def _digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()
