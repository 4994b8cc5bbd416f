"""The options of a sync, and how they become a SyncScope and a Delivery."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, TypeVar
from urllib.parse import urlsplit

from cyclopts import Group, Parameter

from etl.options.arguments import destination
from etl.options.durations import seconds
from etl.options.server import ServerOptions
from etl.options.withdrawals import withdrawable
from etl.settings import loopback

if TYPE_CHECKING:
    from etl.api.query import Query
    from etl.dataset.manifest import Manifest
    from etl.dataset.request import Delivery
    from etl.runs.sync.sync import SyncScope


SYNC = Group("Sync", sort_key=2)
Server = TypeVar("Server", bound=ServerOptions)


@Parameter(name="*", group=SYNC)
@dataclass(frozen=True, kw_only=True)
class SyncOptions:
    """What is checked, and what may be published."""

    metrics: Annotated[bool, Parameter(negative="")] = False
    """Only refresh the counts of views, downloads, citations and so on, which change without `updated`."""

    overlap: str = "6h"
    """How far before the watermark to check again, because the API's index lags behind: 90m, 6h, 2d; 6h by default."""

    every_id: Annotated[bool, Parameter(negative="")] = False
    """Compare the ids of all records, even where the counts agree."""

    fresh: Annotated[bool, Parameter(negative="")] = False
    """Discard the unfinished sync in the destination."""

    max_missing: int = 0
    """Publish even if up to this many records are missing, all of them named."""

    allow_incomplete: Annotated[bool, Parameter(negative="")] = False
    """Publish whatever arrived. The verdict stays `incomplete`."""

    max_withdrawn: str = ""
    """Publish nothing if more records than this would be withdrawn: 500, 5%; by default 10% of the dataset, and at
    least 20 records."""

    def delivery(self, manifest: "Manifest", *, keep_raw: bool) -> "Delivery":
        """Return the Delivery of the dataset, which a sync keeps."""
        from etl.dataset import request

        purpose = request.METRICS if self.metrics else request.SYNC
        return replace(
            request.delivery(manifest, purpose, keep_raw=keep_raw),
            fresh=self.fresh,
            max_missing=self.max_missing,
            allow_incomplete=self.allow_incomplete,
            max_withdrawn=withdrawable(self.max_withdrawn),
        )

    def scope(self) -> "SyncScope":
        """Return what to check; UsageError for an invalid overlap, number or share."""
        from etl.errors import UsageError
        from etl.runs.sync.sync import SyncScope

        if self.max_missing < 0:
            raise UsageError("--max-missing must be at least 0", fix="give a number in that range")
        withdrawable(self.max_withdrawn)
        return SyncScope(overlap=int(seconds(self.overlap, "--overlap")), every_id=self.every_id)


def recorded(where: str, sync_options: SyncOptions) -> "tuple[Manifest, Query, Delivery]":
    """Return a dataset's manifest, its query, and its Delivery."""
    from etl.dataset import request
    from etl.dataset.store import published_manifest
    from etl.storage import paths

    files = destination(where)
    manifest = published_manifest(files)
    return (
        manifest,
        request.repeatable_query(manifest),
        sync_options.delivery(manifest, keep_raw=files.exists(paths.RAW)),
    )


def at_origin(server: Server, manifest: "Manifest", note: Callable[[str], None]) -> Server:
    """Return the options with the dataset's own server, unless another one is named."""
    home = manifest.base_url
    if not (server.base_url or server.sandbox) and loopback(urlsplit(home).hostname or ""):
        note(f"this dataset is from {home}, on this machine; if that was the sandbox, add --sandbox")
    return server.home(home)
