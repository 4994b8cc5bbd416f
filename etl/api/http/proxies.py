"""Which proxy a request goes through, by the rules that curl and others follow; this machine itself needs none."""

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from etl.errors import UsageError
from etl.settings import Network, loopback

_FIX = "write it like http://proxy.example.org:3128"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy: its URL without credentials, the variable that names it, and the credentials it asks for."""

    url: str
    variable: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return self.url


def proxy_for(url: str, network: Network) -> Proxy | None:
    """Return the proxy for a base URL, None if it is reached directly; UsageError if the proxy's URL is invalid."""
    parts = urlsplit(url)
    https = parts.scheme == "https"
    variable, given = ("HTTPS_PROXY", network.https_proxy) if https else ("HTTP_PROXY", network.http_proxy)
    if not given.strip() or is_direct(parts.hostname or "", parts.port or (443 if https else 80), network.no_proxy):
        return None
    return _read(given.strip(), variable)


def is_direct(host: str, port: int, no_proxy: str) -> bool:
    """Return whether a host is reached directly: this machine, or what NO_PROXY lists as name, domain or network."""
    names = [name.lower() for name in re.split(r"[,\s]+", no_proxy) if name]
    return loopback(host) or any(_is_of(host.lower(), port, name) or _inside(host, name) for name in names)


def _is_of(host: str, port: int, name: str) -> bool:
    """Return whether a host is named, or lies in a domain that is, with its port or without."""
    domain = name.removeprefix("*").lstrip(".")
    places = (host, f"{host}:{port}")
    return name == "*" or domain in places or any(place.endswith(f".{domain}") for place in places if domain)


def _inside(host: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network.strip("[]"), strict=False)
    except ValueError:
        return False


def _read(text: str, variable: str) -> Proxy:
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port, sound = parts.hostname, parts.port, parts.path in {"", "/"} and not parts.query
    except ValueError:
        host, port, sound, parts = None, None, False, SplitResult("", "", "", "", "")
    if parts.scheme.startswith("socks"):
        raise UsageError(f"{variable} names a SOCKS proxy, which cannot be used", fix=f"name an HTTP proxy: {_FIX}")
    if not (host and sound and parts.scheme in {"http", "https"}):
        raise UsageError(f"{variable} is not the URL of a proxy", fix=_FIX)
    place = f"[{host}]" if ":" in host else host
    return Proxy(
        url=f"{parts.scheme}://{place}:{port or (443 if parts.scheme == 'https' else 80)}",
        variable=variable,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
