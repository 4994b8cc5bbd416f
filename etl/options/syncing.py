"""Split out of etl.cli.sync."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from cyclopts import Group, Parameter

from etl.options.asking import Talking, destination
from etl.settings import loopback

if TYPE_CHECKING:
    from etl.api.query import Query
    from etl.dataset.manifest import Manifest
    from etl.dataset.request import Delivery
    from etl.runs.sync.sync import Wish


SYNCING = Group("How to bring it up to date", sort_key=2)


_SECONDS = {"m": 60, "h": 3600, "d": 86400}


@Parameter(name="*", group=SYNCING)
@dataclass(frozen=True, kw_only=True)
class Syncing:
    """What is looked at, and what may be published."""

    metrics: Annotated[bool, Parameter(negative="")] = False
    """Refresh the counts of views, downloads, citations and the like, and nothing else: they move without `updated`."""

    overlap: str = "6h"
    """How far before the end of what is known to look again, because the API's index lags behind: 90m, 6h, 2d."""

    every_id: Annotated[bool, Parameter(negative="")] = False
    """Compare the ids of all records, also where the counts agree."""

    fresh: Annotated[bool, Parameter(negative="")] = False
    """Throw away the unfinished work that lies in the destination."""

    max_missing: int = 0
    """Publish although up to this many records are missing, if each of them is named."""

    allow_incomplete: Annotated[bool, Parameter(negative="")] = False
    """Publish whatever came. The verdict stays `incomplete`."""

    def delivery(self, manifest: "Manifest", *, keep_raw: bool) -> "Delivery":
        """Return how a dataset's records are to be written: as they were."""
        from etl.dataset import request
        from etl.runs.sync import refresh_counts as metrics
        from etl.runs.sync import sync

        purpose = metrics.PURPOSE if self.metrics else sync.PURPOSE
        return replace(
            request.delivery(manifest, purpose, keep_raw=keep_raw),
            fresh=self.fresh,
            max_missing=self.max_missing,
            allow_incomplete=self.allow_incomplete,
        )

    def wish(self) -> "Wish":
        """Return how to look; UsageError for an overlap that is no length of time, or less than none missing."""
        from etl.errors import UsageError
        from etl.runs.sync.sync import Wish

        if self.max_missing < 0:
            raise UsageError("--max-missing counts from 0", fix="give a number in that range")
        found = re.fullmatch(r"(\d+)([mhd])", self.overlap.strip())
        if not found:
            raise UsageError(f"--overlap {self.overlap!r} is no length of time", fix="write it as 90m, 6h or 2d")
        return Wish(overlap=int(found[1]) * _SECONDS[found[2]], every_id=self.every_id)


def recalled(where: str, syncing: Syncing) -> "tuple[Manifest, Query, Delivery]":
    """Return a dataset's manifest, the query that it answers, and how its records are to be written."""
    from etl.dataset import request
    from etl.dataset.store import published_manifest
    from etl.storage import paths

    files = destination(where)
    manifest = published_manifest(files)
    return manifest, request.query(manifest), syncing.delivery(manifest, keep_raw=files.exists(paths.RAW))


def at_home(talking: Talking, manifest: "Manifest", note: Callable[[str], None]) -> Talking:
    """Return the options with the server that the dataset came from, unless another one is named."""
    home = manifest.base_url
    if not (talking.base_url or talking.sandbox) and loopback(urlsplit(home).hostname or ""):
        note(f"this dataset came from {home}, on this machine; if that was the sandbox, say --sandbox again")
    return talking.home(home)
