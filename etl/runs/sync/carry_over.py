"""Carry rejects and raw records over a sync: rejects of unchanged records stay.

Raw records of earlier runs stay too: of several versions of a record the newest counts.
"""

import json
from collections.abc import Iterable, Sequence

import polars as pl

from etl.dataset.store import Store
from etl.storage import paths
from etl.storage.files import Files


def carry_over(store: Store, parts: Sequence[str], *, replaced: pl.Series, withdrawn: pl.Series) -> int:
    """Stage the rejects and raw records of the dataset and of the fetched parts; return the number of rejects.

    `replaced` are the keys of the fetched records, `withdrawn` those of the withdrawn ones.
    """
    files = store.files
    own = {key for part in parts for key in (paths.rejects(part), paths.raw(part))}
    for folder in (paths.REJECTS, paths.RAW):
        for key in files.listing(paths.staged(folder)):
            if (
                key.removeprefix(paths.staged("")) not in own
            ):  # from a crashed run, of a window that is not fetched again
                files.remove(key)
    for key in files.listing(paths.RAW):
        store.keep(key)
    lost = set(withdrawn.to_list())
    count = sum(_filtered(files, paths.staged(paths.rejects(part)), paths.rejects(part), lost) for part in parts)
    stale = lost | set(replaced.to_list())
    return count + sum(_filtered(files, key, key, stale) for key in files.listing(paths.REJECTS))


def _filtered(files: Files, source: str, key: str, stale: set[str]) -> int:
    """Stage the lines of a file whose records are not stale, if there are any; return their number."""
    if not files.exists(source):
        return 0
    lines = files.read(source).splitlines(keepends=True)
    kept = list(_kept(lines, stale))
    if kept:
        files.write(paths.staged(key), b"".join(kept))
    else:
        files.remove(paths.staged(key))
    return len(kept)


def _kept(lines: Iterable[bytes], stale: set[str]) -> Iterable[bytes]:
    return (line for line in lines if str(json.loads(line)["record_id"]).lower() not in stale)
