"""The options that several commands share, and how they become a Query, a Delivery and Settings."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote, urlsplit

from cyclopts import Group, Parameter

from etl.api.query import Query, check
from etl.api.window import Window, moment
from etl.errors import UsageError
from etl.options.network import network
from etl.settings import BASE_URL, Credentials, Settings, datacites, loopback

if TYPE_CHECKING:
    from etl.storage.files import Files

ASKING = Group("What to ask for", sort_key=1)
TALKING = Group("How to talk to the API", sort_key=3)
SHOWING = Group("What to show", sort_key=4)


@Parameter(name="*", group=ASKING)
@dataclass(frozen=True, kw_only=True)
class Asking:
    """Which records, and which of their tables."""

    filter: Annotated[tuple[str, ...], Parameter(negative="")] = ()
    """NAME=VALUE, any filter of the resource; may be repeated. `datacite-etl resources NAME` lists them."""

    query: str = ""
    """A search in the API's own query language, e.g. `titles.title:climate`."""

    include: str = ""
    """Comma list of related records to bring along as tables of their own, e.g. `client,media`."""

    since: str | None = None
    """First moment of the window: YYYY, YYYY-MM, YYYY-MM-DD or an ISO timestamp (UTC)."""

    until: str | None = None
    """Last year, month or day of the window (included), or the ISO timestamp that it ends before."""

    window: Literal["created", "updated", "registered"] = "created"
    """Which date --since and --until bound; created by default."""

    tables: str = ""
    """Comma list of the tables wanted; all by default. Only the fields they need are downloaded."""

    detail: Annotated[bool, Parameter(negative="")] = False
    """The API's heavy view: all relationships, metrics over time, XML."""

    of: str = ""
    """Only for activities: the record whose activities are meant, e.g. `doi/10.5438/0012`, `client/datacite.blog`."""

    def of_resource(self, name: str) -> Query:
        """Return the checked Query of a resource, or of an address that was pasted in place of its name.

        Raises UsageError if a name or a date is not known.
        """
        from etl import resources
        from etl.api import pasted_url

        name = utf8(name)
        found = (
            pasted_url.read(name)
            if pasted_url.is_address(name)
            else pasted_url.Pasted(resource=name, of=self.of.strip("/"))
        )
        ids = (("ids", ",".join(found.ids)),) if found.ids else ()
        return check(
            Query(
                resource=resources.load(found.resource),
                filters=(*found.filters, *ids, *(_pair(utf8(text)) for text in self.filter)),
                text=utf8(self.query).strip() or found.text,
                include=_names(self.include or found.include),
                window=Window(_moment(self.since, "--since"), _moment(self.until, "--until", end=True)),
                by=self.window,
                of=found.of,
                detail=self.detail or found.detail,
                tables=_names(self.tables),
            )
        )


@Parameter(name="*", group=TALKING)
@dataclass(frozen=True, kw_only=True)
class Talking:
    """Which server, and how politely."""

    base_url: str = ""
    """The root below which the resource's own path hangs; by default that of the dataset or pasted address, or else
    https://api.datacite.org."""

    sandbox: Annotated[bool, Parameter(negative="")] = False
    """Start the embedded API on loopback and use it."""

    sandbox_options: Annotated[str, Parameter(allow_leading_hyphen=True)] = ""
    """Options for the embedded API, e.g. `--records 20000 --seed 7`."""

    mailto: str = ""
    """Your e-mail address: doubles the rate that the API grants (1,000 requests in 5 minutes instead of 500)."""

    concurrency: int = 4
    """Requests under way at once; 4 by default."""

    rate: int | None = None
    """Requests per 5 minutes; by default what the API grants: 500, 1,000 with --mailto, 3,000 with credentials."""

    attempts: int = 8
    """How often a request is tried before its failure is believed."""

    patience: float = 900.0
    """Seconds for which one request may fail, the server be down or the rate be exceeded before the run gives up. What
    has arrived is kept: the same command goes on."""

    timeout: float = 300.0
    """Seconds to wait for the next byte of an answer; a heavy page may take a hundred."""

    def at(self, address: str) -> "Talking":
        """Return the same options, with the host of a pasted address unless another was asked for."""
        from etl.api import pasted_url

        return self.home(pasted_url.read(address).origin if pasted_url.is_address(address) else "")

    @property
    def root(self) -> str:
        """The base URL, without a slash at its end."""
        return (self.base_url or BASE_URL).rstrip("/")

    def home(self, url: str) -> "Talking":
        """Return the same options with a server that something comes from, unless another one is named.

        UsageError if credentials would go to a server that is none of DataCite's and was not named.
        """
        if not url or self.base_url or self.sandbox:
            return self
        if _credentials() and not datacites(url):
            raise UsageError(
                f"credentials would go to {url}, which is not DataCite's",
                fix=f"say --base-url {url} if that is meant, or leave DATACITE_ETL_TOKEN and _USERNAME unset",
            )
        return replace(self, base_url=url)

    @contextmanager
    def settings(self, dialect: str = "v2") -> Iterator[Settings]:
        """Yield the settings of a run, with the embedded API started if it was asked for.

        Credentials come from the environment and from nowhere else.
        """
        settings = self._plain()
        if not self.sandbox:
            yield settings
            return
        from etl.sandbox.process import embedded

        with embedded(self._embedding()) as url:
            root = f"{url}/v1" if dialect == "v1" else url
            yield replace(settings, base_url=root, server=f"sandbox {self.sandbox_options}".strip())

    def _embedding(self) -> list[str]:
        try:
            return shlex.split(self.sandbox_options)
        except ValueError:
            raise UsageError(
                f"--sandbox-options {self.sandbox_options!r} has a quote without its second", fix="add it"
            ) from None

    def _one_server(self) -> None:
        """Raise UsageError if two servers are named."""
        if self.sandbox and self.base_url:
            raise UsageError("--sandbox and --base-url are two servers", fix="leave one of them out")
        if self.sandbox_options and not self.sandbox:
            raise UsageError("--sandbox-options are for --sandbox", fix="say --sandbox too, or leave them out")

    def _rate_log(self) -> Path | None:
        """Name the file of requests for this server; None for one that nobody counts."""
        parts = urlsplit(self.root)
        if self.rate is None and loopback(parts.hostname or ""):
            return None
        return self.remembered() / f"requests-{quote(parts.netloc.rpartition('@')[2], safe='')}"

    @staticmethod
    def remembered() -> Path:
        """Name the folder of what runs of this user remember on this machine."""
        return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "datacite-etl"

    def _plain(self) -> Settings:
        if self.concurrency < 1 or (self.rate is not None and self.rate < 1):
            raise UsageError("--concurrency and --rate count from 1", fix="give a positive number")
        if self.attempts < 1 or self.patience < 0 or self.timeout <= 0:
            raise UsageError("--attempts counts from 1, --patience and --timeout from 0", fix="give positive numbers")
        self._one_server()
        return Settings(
            base_url=self.root,
            credentials=_credentials(),
            network=network(),
            mailto=self.mailto,
            concurrency=self.concurrency,
            rate=self.rate,
            attempts=self.attempts,
            patience=self.patience,
            read_timeout=self.timeout,
            rate_log=self._rate_log(),
        )


@Parameter(name="*", group=SHOWING)
@dataclass(frozen=True, kw_only=True)
class Showing:
    """What is printed, and where."""

    json: Annotated[bool, Parameter(negative="")] = False
    """Print one JSON object on stdout and nothing else there."""

    quiet: Annotated[bool, Parameter(negative="", name=("--quiet", "-q"))] = False
    """No progress on stderr."""

    verbose: Annotated[bool, Parameter(negative="", name=("--verbose", "-v"))] = False
    """Every page and slice as a line on stderr."""


def _credentials() -> Credentials:
    """Read the credentials; UsageError for a half of them, with which the API would be asked without any."""
    found = Credentials(
        token=os.environ.get("DATACITE_ETL_TOKEN", ""),
        username=os.environ.get("DATACITE_ETL_USERNAME", ""),
        password=os.environ.get("DATACITE_ETL_PASSWORD", ""),
    )
    if not found and (found.username or found.password):
        fix = "set both DATACITE_ETL_USERNAME and DATACITE_ETL_PASSWORD, or DATACITE_ETL_TOKEN alone"
        raise UsageError("half of the credentials is missing", fix=fix)
    return found


def utf8(text: str) -> str:
    """Return an argument as it was typed, where the locale has ASCII only too; UsageError if that was not in UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError as error:
        raise UsageError(f"{text!r} is not in UTF-8", fix="type it in UTF-8") from error


def path_of(where: str) -> str:
    """Return a path or an address with the user's home for `~`; UsageError if there is none in it."""
    if not where.strip():
        fix = "name a folder, or s3://bucket/folder; is a variable of the shell not set?"
        raise UsageError("the name of a folder is empty", fix=fix)
    if not where.startswith("~"):
        return where
    try:
        return str(Path(where).expanduser())
    except RuntimeError as error:
        raise UsageError(f"{where} is in the home of nobody on this machine", fix="write the path out") from error


def destination(where: str) -> "Files":
    """Open the place of a dataset, a folder or an object store's URL.

    Unfinished work of a dataset on an object store lies below DATACITE_ETL_WORK, or else in the user's cache.
    """
    from etl.storage.location import opened

    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return opened(path_of(where), Path(os.environ.get("DATACITE_ETL_WORK") or home / "datacite-etl"))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"--filter {text!r} is no NAME=VALUE", fix="write it as --filter client-id=datacite.blog")
    return name.strip(), value.strip()


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _moment(text: str | None, flag: str, *, end: bool = False) -> int | None:
    if text is None:
        return None
    try:
        return moment(text.strip(), end=end)
    except ValueError:
        raise UsageError(
            f"{flag} {text!r} is no date", fix="write YYYY, YYYY-MM, YYYY-MM-DD or 2024-05-01T12:00:00Z"
        ) from None
