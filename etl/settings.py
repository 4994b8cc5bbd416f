"""Settings: every number and name that comes from outside a run, with its default.

These are values only; `cli` and `flows` read them from flags, the environment or a file.
"""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

BASE_URL = "https://api.datacite.org"
WINDOW_SECONDS = 300.0
"""The length of the firewall's counting window (api-notes 1.6)."""
UNLIMITED = 1_000_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """A token, or a name and a password; never shown by repr, never written to disk."""

    token: str = field(default="", repr=False)
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.token or (self.username and self.password))


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How this machine reaches others: proxies by scheme, hosts that need none, and certificates to trust besides.

    A proxy's URL may hold a password. `authorities` are names of variables, and the file or folder that each names.
    """

    http_proxy: str = field(default="", repr=False)
    https_proxy: str = field(default="", repr=False)
    no_proxy: str = ""
    authorities: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a run behaves towards the server and this machine; times in seconds, sizes in bytes."""

    base_url: str = BASE_URL
    server: str = ""  # names a server whose address changes from run to run, such as the sandbox
    credentials: Credentials = field(default_factory=Credentials)
    network: Network = field(default_factory=Network)
    mailto: str = ""
    concurrency: int = 4
    rate: int | None = None  # requests per 5 minutes; None is the tier's own
    rate_log: Path | None = None  # where all runs of this user on this machine record their requests to this server
    attempts: int = 8
    patience: float = 900.0  # how long one page may fail before the run gives up
    connect_timeout: float = 30.0
    read_timeout: float = 300.0  # api-notes 1.8: a heavy page may take 100 s cold
    page_limit: int = 512 * 1024 * 1024  # one answer, decompressed
    transform_threads: int = 2
    lag: float = 600.0  # api-notes 3.1: how long a record may be stamped before it is listed

    @property
    def origin(self) -> str:
        """What identifies the server: two runs with the same origin ask the same one."""
        return self.server or self.base_url

    @property
    def tier(self) -> int:
        """Requests per 5 minutes that the API grants to this caller (api-notes 1.6); no firewall counts on loopback."""
        if loopback(urlsplit(self.base_url).hostname or ""):
            return UNLIMITED
        if self.credentials:
            return 3000
        return 1000 if self.mailto else 500


def datacites(url: str) -> bool:
    """Return whether a URL leads to DataCite over https."""
    parts = urlsplit(url)
    return parts.scheme == "https" and f".{parts.hostname or ''}".endswith(".datacite.org")


def loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
