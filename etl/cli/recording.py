"""Output of a run for machines: JSON lines on stderr, and a file of metrics for Prometheus."""

import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cyclopts import Parameter

from etl.cli import openmetrics
from etl.cli.progress import progress
from etl.errors.redaction import dumped
from etl.events import Event, Observe
from etl.options.display import DISPLAY, DisplayOptions
from etl.options.folders import expand
from etl.schema.declarations import Json


@Parameter(name="*", group=DISPLAY)
@dataclass(frozen=True, kw_only=True)
class Recording:
    """Output for machines."""

    log_format: Literal["text", "json"] = "text"
    """Format of the log on stderr; `json` writes one JSON object per event, with the run's id."""

    metrics_file: Path | None = None
    """File for Prometheus's node_exporter: requests, retries, bytes, records, seconds and verdict."""

    @contextmanager
    def observing(self, run_id: str, display: DisplayOptions, *, rate: int) -> Iterator[Observe]:
        """Yield the observer of one run; `rate` is its number of requests per 5 minutes."""
        if self.log_format == "json":
            yield lines(run_id)
        else:
            with progress(quiet=display.quiet, verbose=display.verbose, rate=rate) as observe:
                yield observe

    def keep(self, runs: Mapping[str, Mapping[str, Json]]) -> None:
        """Write the metrics of finished runs by destination, atomically."""
        if self.metrics_file is not None:
            from etl.storage.files import LocalFiles

            kept = expand(self.metrics_file)
            LocalFiles(kept.parent).write(kept.name, openmetrics.render_metrics(runs, time.time()).encode())


def new_run() -> str:
    """Return a new id of a run."""
    return uuid.uuid4().hex


def lines(run_id: str, **more: Json) -> Callable[[Event], None]:
    """Return an observer that writes each event as a line of JSON, with the run's id and `more`."""

    def observe(event: Event) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": now, "run_id": run_id, **more, "event": type(event).__name__, **asdict(event)}
        sys.stderr.write(dumped(line) + "\n")
        sys.stderr.flush()

    return observe
