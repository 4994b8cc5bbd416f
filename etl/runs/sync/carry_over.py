"""What did not fit and what was received, after a sync: rejects of records that are as before stay.

Raw records of earlier runs stay as they are: of several receptions of a record the newest counts.
"""

import json
from collections.abc import Iterable, Sequence

import polars as pl

from etl.dataset.store import Store
from etl.storage import paths
from etl.storage.files import Files


def settle(store: Store, parts: Sequence[str], *, replaced: pl.Series, gone: pl.Series) -> int:
    """Stage rejects and raw records of the dataset and of the parts fetched for it; return how many rejects there are.

    `replaced` are the keys of the fetched records, `gone` of those that have left.
    """
    files = store.files
    own = {key for part in parts for key in (paths.rejects(part), paths.raw(part))}
    for folder in (paths.REJECTS, paths.RAW):
        for key in files.listing(paths.staged(folder)):
            if key.removeprefix(paths.staged("")) not in own:  # of a run that crashed and of a window not asked again
                files.remove(key)
    for key in files.listing(paths.RAW):
        store.keep(key)
    lost = set(gone.to_list())
    count = sum(_filtered(files, paths.staged(paths.rejects(part)), paths.rejects(part), lost) for part in parts)
    stale = lost | set(replaced.to_list())
    return count + sum(_filtered(files, key, key, stale) for key in files.listing(paths.REJECTS))


def _filtered(files: Files, source: str, key: str, stale: set[str]) -> int:
    """Stage the lines of a file whose records are not stale, if there are any; return how many."""
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
