"""Where things lie in a destination: the key of every file, published or staged.

Pure names; who writes and moves the files are `pages`, `dataset` and `store`.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

from etl.errors import UsageError

OWN = "_etl"
MANIFEST = f"{OWN}/manifest.json"
LOCK = f"{OWN}/lock"
NOTE = f"{OWN}/publishing.json"
"""What a publication beside the old dataset is about to do."""
WORK = f"{OWN}/work"
SPENT = f"{OWN}/spent"
"""Work that is over: renamed there in one go, then removed at leisure."""
PARKED = f"{OWN}/parked"
"""Unfinished work of other purposes than that of the last run: one folder per purpose."""
PLAN = f"{WORK}/plan.json"
JOURNAL = f"{WORK}/publish.json"
STAGED = f"{WORK}/staged"
OLD = f"{WORK}/old"
MOVING = f"{WORK}/moving"
"""Folders that are moved file by file."""
REJECTS = f"{OWN}/rejects"
RAW = f"{OWN}/raw"
CHANGES = f"{OWN}/changes"
"""A file for each sync: what it changed."""
NULL = "__HIVE_DEFAULT_PARTITION__"
EMPTY = "empty"
"""The file of a table that has no rows at all."""
_LONG_VALUE = 120
LONGEST = 200  # of a file system's 255 bytes for one name
_GENERATION = "~"  # not in the name of any part
_TIMES = r"(?:\d+-){0,2}(?:0min|\d{8}T\d{6})-(?:max|\d{8}T\d{6})"
_DATA = re.compile(
    rf"[^/]+/(?:[^/=]+=[^/]*/)*(?:{_TIMES}|parts_\d+|included|withdrawn|{EMPTY})"
    rf"(?:\.\d+)?(?:-\d+)?(?:{_GENERATION}[0-9a-f]+)?\.(?:parquet|csv|ndjson)"
    r"|[^/]+/_delta_log/\d{20}\.json"
)
"""The key of a data file, or of a commit of a table's log: parts are named after times, or numbered by an ingest."""
_AGAIN = re.compile(r"(\d+)-(?:(\d+)-)?(?=0min-|\d{8}T)")


def parked(purpose: str) -> str:
    """Return the folder in which the unfinished work of a purpose waits while a run of another one works."""
    return f"{PARKED}/{purpose}"


def plan_of(work: str) -> str:
    """Return the key of the plan in a folder of unfinished work."""
    return work + PLAN.removeprefix(WORK)


def slice_folder(key: str) -> str:
    """Return the folder of a slice's pages and receipt."""
    return f"{WORK}/slices/{quote(key, safe='')}"


def slice_receipt(key: str) -> str:
    """Return the key of the receipt of a slice, which exists when it is done."""
    return f"{slice_folder(key)}/receipt.json"


def part_receipt(key: str) -> str:
    """Return the key of the receipt of a part, which exists when its files are staged."""
    return f"{WORK}/parts/{quote(key, safe='')}.json"


def note_file(kind: str, key: str) -> str:
    """Return the key of an Arrow file that a part keeps for the end: its keys, links or included records."""
    return f"{WORK}/{kind}/{quote(key, safe='')}.arrow"


def refetched_part(started: float, key: str, turn: int | None = None) -> str:
    """Name a part that a sync fetches: files of its rejects and raw records stay beside those of earlier runs.

    `turn` counts the times that the sync has compared itself with the server.
    """
    return f"{round(started)}-{key}" if turn is None else f"{round(started)}-{turn}-{key}"


def received_by(key: str) -> tuple[int, int]:
    """Return the start and turn of the sync that received some raw records; zeros if it was an export."""
    match = _AGAIN.match(PurePosixPath(unquote(key)).name)
    return (int(match[1]), int(match[2] or -1)) if match else (0, 0)


def rejects(part: str) -> str:
    """Return the key, once published, of a part's rejects."""
    return f"{REJECTS}/{quote(part, safe='')}.ndjson"


def raw(part: str) -> str:
    """Return the key, once published, of a part's records as received."""
    return f"{RAW}/{quote(part, safe='')}.ndjson.zst"


def data_file(table: str, partition: Sequence[tuple[str, str | None]], name: str, suffix: str) -> str:
    """Return the key, once published, of a data file: `dois/created_year=2019/0007.parquet`.

    Values are percent-encoded, so that none is ever a path; UsageError for one that no file system takes.
    """
    return "/".join([table, *(_folder(column, value) for column, value in partition), quote(name, safe="") + suffix])


def place(key: str) -> str:
    """Return what a record's files have in common in all tables: the folder below the table's, and the part."""
    below = PurePosixPath(key.partition("/")[2])
    return str(below.with_name(stem(key).partition("-")[0]))


def stem(key: str) -> str:
    """Return the name of a data file without suffix and generation: the part, with a number if it has several."""
    return PurePosixPath(key).stem.partition(_GENERATION)[0]


def is_data_file(key: str) -> bool:
    """Return whether a key has the form of a data file's."""
    return _DATA.fullmatch(key) is not None


def generation(key: str, mark: str) -> str:
    """Return a name for a file whose own name another file has: `dois/created_year=2019/0007~1c4f00aa.parquet`."""
    path = PurePosixPath(key)
    return str(path.with_name(f"{stem(key)}{_GENERATION}{mark}{path.suffix}"))


def partition(key: str) -> dict[str, str | None]:
    """Return the partition of a file, from its folders: `dois/created_year=2019/x.parquet`."""
    folders = [folder.partition("=") for folder in PurePosixPath(key).parent.parts[1:]]
    return {column: None if value == NULL else unquote(value) for column, _, value in folders}


def staged(key: str) -> str:
    """Return the key of a staged file until it is published under that key."""
    return f"{STAGED}/{key}"


def _folder(column: str, value: str | None) -> str:
    folder = f"{column}={_folder_value(value)}"
    if len(folder.encode()) > LONGEST:
        raise UsageError(f"{column} {value!r} is too long for the name of a folder", fix="partition by another column")
    return folder


def _folder_value(value: str | None) -> str:
    """Spell a value so that no other value and no null is spelled like it; `unquote` reads it back."""
    if value is None:
        return NULL
    encoded = quote(value, safe="")
    if encoded == NULL:
        return "%5F" + encoded[1:]
    if len(encoded) <= _LONG_VALUE:
        return encoded
    # A letter takes six times less room as it is; everything else stays encoded.
    return "".join(letter if letter.isalnum() else quote(letter, safe="") for letter in value)
