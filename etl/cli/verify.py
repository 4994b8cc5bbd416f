"""`datacite-etl verify`: is the dataset still what its manifest says?"""

from dataclasses import asdict
from pathlib import Path

from etl.cli.options import Showing
from etl.cli.show import as_json, line, note


def verify(destination: Path, /, *, showing: Showing = Showing()) -> int:
    """Read a dataset's manifest and every file again: rows, hashes, keys, strangers.

    **Examples**

    - `datacite-etl verify out`
    - `datacite-etl verify out --json`

    Parameters
    ----------
    destination
        Folder of the dataset.
    """
    from etl import verify as conductor
    from etl.files import LocalFiles

    found = conductor.verify(LocalFiles(destination))
    if showing.json:
        as_json({**asdict(found), "ok": found.ok})
    else:
        line(f"{'sound' if found.ok else 'damaged'}: {found.files} files, {found.rows:,} rows, verdict {found.verdict}")
        for finding in found.findings:
            line(f"  {finding.path} {finding.problem}")
    if not found.ok:
        note(f"datacite-etl: {len(found.findings)} findings; export again with --fresh, or restore the files")
    return 0 if found.ok else 1
