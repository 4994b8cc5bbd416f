"""The options of the server, and how they become Settings."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import quote, urlsplit

from cyclopts import Group, Parameter

from etl.errors import UsageError
from etl.options import folders
from etl.options.durations import seconds
from etl.options.network import network
from etl.settings import BASE_URL, Credentials, Settings, datacites, loopback

SERVER = Group("API", sort_key=3)


@Parameter(name="*", group=SERVER)
@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """The server, and the load on it."""

    base_url: str = ""
    """Root URL of the API, to which the resource's path is added; by default that of the dataset or pasted URL,
    otherwise https://api.datacite.org."""

    sandbox: Annotated[bool, Parameter(negative="")] = False
    """Start a local DataCite API and use it."""

    sandbox_options: Annotated[str, Parameter(allow_leading_hyphen=True)] = ""
    """Options for the sandbox, such as `--records 20000 --seed 7`."""

    mailto: str = ""
    """Your e-mail address, which doubles the API's rate limit: 1,000 requests per 5 minutes instead of 500."""

    concurrency: int = 4
    """Concurrent requests; 4 by default."""

    rate: int | None = None
    """Requests per 5 minutes; by default the API's limit: 500, 1,000 with --mailto, 3,000 with credentials."""

    attempts: int = 8
    """Maximum attempts per request; 8 by default."""

    patience: float = 900.0
    """Seconds before the run gives up on a failing request, a server that is down or an exceeded rate limit; 900 by
    default. What has arrived is kept, and the same command resumes."""

    timeout: float = 300.0
    """Seconds to wait for the next byte of a response; 300 by default. A heavy page may take a hundred."""

    page_limit: int = 512
    """Largest response in megabytes, decompressed; 512 by default. Larger pages are fetched as smaller ones."""

    def at(self, address: str) -> Self:
        """Return the same options with the host of a pasted URL, unless another one is named."""
        from etl.api import pasted_url

        return self.home(pasted_url.read_url(address).origin if pasted_url.is_address(address) else "")

    @property
    def root(self) -> str:
        """The base URL, without a slash at its end."""
        return (self.base_url or BASE_URL).rstrip("/")

    def home(self, url: str) -> Self:
        """Return the same options with the server that a dataset or URL is from, unless another one is named.

        UsageError if credentials would go to a server that is not DataCite's and was not named.
        """
        if not url or self.base_url or self.sandbox:
            return self
        if _credentials() and not datacites(url):
            raise UsageError(
                f"credentials would go to {url}, which is not DataCite's",
                fix=f"add --base-url {url} if that is intended, or unset DATACITE_ETL_TOKEN and DATACITE_ETL_USERNAME",
            )
        return replace(self, base_url=url)

    @contextmanager
    def settings(self, dialect: str = "v2") -> Iterator[Settings]:
        """Yield the settings of a run, with the sandbox started if it is requested.

        Credentials come only from the environment.
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
                f"--sandbox-options {self.sandbox_options!r} has an unclosed quote", fix="close it"
            ) from None

    def _one_server(self) -> None:
        """Raise UsageError if two servers are named."""
        if self.sandbox and self.base_url:
            raise UsageError("--sandbox and --base-url name two servers", fix="leave one of them out")
        if self.sandbox_options and not self.sandbox:
            raise UsageError("--sandbox-options needs --sandbox", fix="add --sandbox, or remove the options")

    def _rate_log(self) -> Path | None:
        """Return the file that records requests to this server; None if nobody counts them."""
        parts = urlsplit(self.root)
        if self.rate is None and loopback(parts.hostname or ""):
            return None
        return folders.state_folder() / f"requests-{quote(parts.netloc.rpartition('@')[2], safe='')}"

    def _plain(self) -> Settings:
        if self.concurrency < 1 or (self.rate is not None and self.rate < 1):
            raise UsageError("--concurrency and --rate must be at least 1", fix="give a positive number")
        if self.attempts < 1 or self.patience < 0 or self.timeout <= 0:
            raise UsageError(
                "--attempts must be at least 1, --patience and --timeout positive", fix="give positive numbers"
            )
        if self.page_limit < 1:
            raise UsageError("--page-limit must be at least 1", fix="give it in megabytes")
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
            page_limit=self.page_limit << 20,
            rate_log=self._rate_log(),
        )


@Parameter(name="*", group=SERVER)
@dataclass(frozen=True, kw_only=True)
class FetchOptions(ServerOptions):
    """A server from which all records are fetched, with the lag of its index."""

    lag: str = "10m"
    """Leave records younger than this to the next sync, because the API's index lists new DOIs seconds to minutes after
    their timestamp: 30s, 10m, 1h; 10m by default."""

    def _plain(self) -> Settings:
        return replace(super()._plain(), lag=seconds(self.lag, "--lag"))


def _credentials() -> Credentials:
    """Read the credentials; UsageError if one half is missing, because the API would ignore the other."""
    credentials = Credentials(
        token=os.environ.get("DATACITE_ETL_TOKEN", ""),
        username=os.environ.get("DATACITE_ETL_USERNAME", ""),
        password=os.environ.get("DATACITE_ETL_PASSWORD", ""),
    )
    if not credentials and (credentials.username or credentials.password):
        fix = "set both DATACITE_ETL_USERNAME and DATACITE_ETL_PASSWORD, or DATACITE_ETL_TOKEN alone"
        raise UsageError("the credentials are incomplete", fix=fix)
    return credentials
