"""The options of a sync, and how they become a Wish and a Delivery."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, TypeVar
from urllib.parse import urlsplit

from cyclopts import Group, Parameter

from etl.options.asking import Talking, destination
from etl.options.durations import seconds
from etl.settings import loopback

if TYPE_CHECKING:
    from etl.api.query import Query
    from etl.dataset.manifest import Manifest
    from etl.dataset.request import Delivery
    from etl.runs.sync.sync import Wish


SYNCING = Group("Sync", sort_key=2)
Server = TypeVar("Server", bound=Talking)


@Parameter(name="*", group=SYNCING)
@dataclass(frozen=True, kw_only=True)
class Syncing:
    """What is checked, and what may be published."""

    metrics: Annotated[bool, Parameter(negative="")] = False
    """Only refresh the counts of views, downloads, citations and so on, which change without `updated`."""

    overlap: str = "6h"
    """How far before the watermark to check again, because the API's index lags behind: 90m, 6h, 2d; 6h by default."""

    every_id: Annotated[bool, Parameter(negative="")] = False
    """Compare the ids of all records, even where the counts agree."""

    fresh: Annotated[bool, Parameter(negative="")] = False
    """Discard unfinished work in the destination."""

    max_missing: int = 0
    """Publish even if up to this many records are missing, all of them named."""

    allow_incomplete: Annotated[bool, Parameter(negative="")] = False
    """Publish whatever arrived. The verdict stays `incomplete`."""

    def delivery(self, manifest: "Manifest", *, keep_raw: bool) -> "Delivery":
        """Return the Delivery of the dataset, which a sync keeps."""
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
        """Return what to check; UsageError for an invalid overlap or a negative number."""
        from etl.errors import UsageError
        from etl.runs.sync.sync import Wish

        if self.max_missing < 0:
            raise UsageError("--max-missing must be at least 0", fix="give a number in that range")
        return Wish(overlap=int(seconds(self.overlap, "--overlap")), every_id=self.every_id)


def recalled(where: str, syncing: Syncing) -> "tuple[Manifest, Query, Delivery]":
    """Return a dataset's manifest, its query, and its Delivery."""
    from etl.dataset import request
    from etl.dataset.store import published_manifest
    from etl.storage import paths

    files = destination(where)
    manifest = published_manifest(files)
    return manifest, request.repeatable_query(manifest), syncing.delivery(manifest, keep_raw=files.exists(paths.RAW))


def at_home(talking: Server, manifest: "Manifest", note: Callable[[str], None]) -> Server:
    """Return the options with the server that the dataset is from, unless another one is named."""
    home = manifest.base_url
    if not (talking.base_url or talking.sandbox) and loopback(urlsplit(home).hostname or ""):
        note(f"this dataset is from {home}, on this machine; if that was the sandbox, add --sandbox")
    return talking.home(home)
