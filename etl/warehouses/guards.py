"""Load guards: which datasets may replace what a warehouse holds, and how many of its records may be withdrawn.

Pure. A load makes the warehouse equal to the dataset, so the wrong dataset would delete what is there.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from etl.completeness.verdict import State
from etl.dataset.inventory import Contents
from etl.dataset.request import USUALLY_WITHDRAWABLE, Withdrawable
from etl.errors import IncompleteError, UsageError
from etl.settings import loopback

_REPLACE = "load into another place, or replace all tables with --replace"
_RANKS = {State.SAMPLE: 0, State.INCOMPLETE: 1}
_COMPLETE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What the user allows a load to do; `replace` allows everything."""

    replace: bool = False
    allow_incomplete: bool = False
    max_withdrawn: Withdrawable = USUALLY_WITHDRAWABLE


def check_dataset(before: Contents | None, now: Contents, permission: Permission, *, resource: str) -> None:
    """Refuse a dataset of another request or server, and one that proves less than what was loaded before."""
    if before is None or permission.replace or before.digest == now.digest:
        return
    there = f"the warehouse holds {resource}"
    if before.fingerprint != now.fingerprint:
        raise UsageError(f"{there} of another request ({before.fingerprint})", fix=_REPLACE)
    if before.base_url and _server(before.base_url) != _server(now.base_url):
        raise UsageError(f"{there} of {before.base_url}, and this dataset is of {now.base_url}", fix=_REPLACE)
    if _rank(now) >= _rank(before):
        return
    if now.verdict == State.SAMPLE:
        raise IncompleteError(f"this dataset is a sample, and {there} from a dataset that is not", fix=_REPLACE)
    if not permission.allow_incomplete:
        fix = "bring the dataset up to date, or load it with --allow-incomplete"
        raise IncompleteError(f"this dataset is incomplete, and {there} from a complete one", fix=fix)


def check_withdrawn(withdrawn: int, held: int, permission: Permission) -> None:
    """Refuse to delete more records than may be withdrawn."""
    excess = "" if permission.replace else permission.max_withdrawn.excess(withdrawn, held)
    if excess:
        fix = f"check that this is the right dataset, then allow it with --max-withdrawn {withdrawn}"
        raise IncompleteError(f"{excess}; nothing was loaded", fix=fix)


def _rank(contents: Contents) -> int:
    """Return how much a verdict proves; loads by earlier versions recorded none, and count as complete."""
    return _RANKS.get(State(contents.verdict), _COMPLETE) if contents.verdict else _COMPLETE


def _server(url: str) -> str:
    """Return what identifies a server; one on this machine may have another port every time."""
    host = urlsplit(url).hostname or ""
    return "this machine" if loopback(host) else url.rstrip("/").lower()
