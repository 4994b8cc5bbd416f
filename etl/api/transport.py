"""The only HTTP client: sends a request and returns the bytes of the answer, or a typed error.

It knows origins, credentials and time-outs. `document` knows JSON and what a status means, `retry` when to try again,
`limits` how often.
"""

import asyncio
import base64
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Self
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from etl import __version__
from etl.api.http import certificates
from etl.api.http.answer import Reply, Sealed
from etl.api.http.body import too_large, unseal
from etl.api.http.origins import base_url, check_same_origin, site
from etl.api.http.proxies import Proxy, proxy_for
from etl.errors import AnswerError, ConnectionLostError, RefusedError, TransientError, UsageError
from etl.errors.redaction import register
from etl.settings import Credentials, Settings, loopback

_NETWORK = "check --base-url and the network"
_TLS = "check whether --base-url should begin with http:// instead"
_CONNECTION = "check the network, then run again: what has arrived is kept"


class Transport:
    """Sends GET requests to one origin over one session; an async context manager."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.base = base_url(settings.base_url)
        self._settings = settings
        self._clock = clock
        self._headers = {"Accept-Encoding": "gzip", "User-Agent": user_agent(settings.mailto)}
        if settings.credentials:
            own = settings.credentials
            register(own.token, own.password, f"{own.username}:{own.password}" if own.password else "")
            self._headers["Authorization"] = authorization(own, self.base)
        self._proxy = proxy_for(self.base, settings.network)
        self._tunnel: dict[str, str] = {}  # headers for the proxy alone
        if self._proxy and self._proxy.username:
            register(self._proxy.password, f"{self._proxy.username}:{self._proxy.password}")
            https = self.base.startswith("https:")
            headers = self._tunnel if https else self._headers
            headers["Proxy-Authorization"] = _basic(self._proxy.username, self._proxy.password)
        self._trusted = certificates.trust(settings.network) if self.base.startswith("https:") else True
        # Mutable state: the session, open from __aenter__ to __aexit__.
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            auto_decompress=False,  # bodies are inflated off the event loop, under a limit
            connector=aiohttp.TCPConnector(limit=0, ssl=self._trusted),  # the client says how many at a time
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=1 << 20,
            proxy=self._proxy.url if self._proxy else None,
            timeout=aiohttp.ClientTimeout(
                total=2 * self._settings.read_timeout,  # a server that drips a byte a minute must end some day
                sock_connect=self._settings.connect_timeout,
                sock_read=self._settings.read_timeout,
            ),
        )
        self._session._retry_connection = False  # noqa: SLF001 - repeats a GET by itself, unseen by the budget
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()
        self._session = None

    async def get(self, target: str, *, accept: str | None = None) -> Reply:
        """Fetch a path below the base URL, or an absolute URL of the same origin, and decode the body in a thread.

        TransientError, RefusedError or ProtocolError for trouble on the way; the caller judges the status.
        """
        sealed = await self.fetch(target, accept=accept)
        return await asyncio.to_thread(unseal, sealed, self._settings.page_limit)

    async def fetch(self, target: str, *, accept: str | None = None) -> Sealed:
        """Fetch like `get`, but leave the body compressed, for callers that decode and read it in one step."""
        assert self._session is not None, "a Transport is an async context manager"
        url = self._address(target)
        started = self._clock()
        with _plain_words(url, self._settings, self._proxy):
            headers = self._headers | ({"Accept": accept} if accept else {})
            address = URL(url, encoded=True)
            asked = self._session.get(address, headers=headers, proxy_headers=self._tunnel, allow_redirects=False)
            async with asked as response:
                payload = await _receive(response, self._settings.page_limit, url)
                fields = {name.lower(): value for name, value in response.headers.items()}
        seconds = self._clock() - started
        return Sealed(status=response.status, headers=fields, payload=payload, seconds=seconds, url=url)

    def _address(self, target: str) -> str:
        """Spell the whole URL; a mail address that cannot stand in the User-Agent goes into the query string."""
        url = target if target.startswith(("http://", "https://")) else f"{self.base}{target}"
        check_same_origin(self.base, url)
        mailto = self._settings.mailto
        if mailto and mailto not in self._headers["User-Agent"]:
            url += f"{'&' if '?' in url else '?'}mailto={quote(mailto, safe='@')}"
        return url


def user_agent(mailto: str = "") -> str:
    """Name this program, and the address if there is one, which grants the higher tier (api-notes 1.6).

    The API answers `{}` to User-Agents that look like crawlers (api-notes 1.5): such an address is left out here.
    """
    if mailto and not re.fullmatch(r"[\w.!$%&'*+/=^`{|}~-]+@[\w.-]+", mailto, re.ASCII):
        raise UsageError(f"{mailto!r} is not a mail address", fix="give one like name@example.org")
    if not mailto or re.search("bot|spider|crawl", mailto, re.IGNORECASE):
        return f"datacite-etl/{__version__} (Python)"
    return f"datacite-etl/{__version__} (mailto:{mailto})"


def authorization(credentials: Credentials, base: str) -> str:
    """Return the Authorization header for a base URL; UsageError if it could be intercepted."""
    parts = urlsplit(base)
    if parts.scheme != "https" and not loopback(parts.hostname or ""):
        raise UsageError(
            f"credentials are not sent over plain http to {parts.hostname}",
            fix="use an https:// base URL, or run without credentials",
        )
    if not all(part.isprintable() for part in (credentials.token, credentials.username, credentials.password)):
        raise UsageError("the credentials contain a line break or a control character", fix="set them again")
    if credentials.token:
        return f"Bearer {credentials.token}"
    return _basic(credentials.username, credentials.password)


def _basic(username: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


async def _receive(response: aiohttp.ClientResponse, limit: int, url: str) -> bytes:
    pieces, size = [], 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise too_large(limit, url)
    return b"".join(pieces)


# The first row that matches applies: the library's error, ours, the message, the fix.
_TROUBLE: tuple[tuple[type[BaseException], type[AnswerError], str, str], ...] = (
    (aiohttp.ClientConnectorSSLError, TransientError, "cannot speak TLS with {site}", _TLS),
    (aiohttp.ClientConnectorDNSError, ConnectionLostError, "cannot find the host of {site}", _NETWORK),
    (
        aiohttp.ConnectionTimeoutError,
        ConnectionLostError,
        "cannot reach {site}: no connection in {connect:g} s",
        _NETWORK,
    ),
    (TimeoutError, TransientError, "{site} did not answer in {read:g} s", "ask for smaller pages or a longer time-out"),
    (aiohttp.ClientConnectorError, ConnectionLostError, "cannot reach {site}: {reason}", _NETWORK),
    (aiohttp.ClientPayloadError, ConnectionLostError, "the answer of {site} broke off", _CONNECTION),
    (OSError, ConnectionLostError, "the connection to {site} was lost: {reason}", _CONNECTION),
    (aiohttp.ClientConnectionError, ConnectionLostError, "{site} closed the connection without an answer", _CONNECTION),
    (aiohttp.ClientError, TransientError, "{site} answered something that is not HTTP", _NETWORK),
)


@contextmanager
def _plain_words(url: str, settings: Settings, proxy: Proxy | None) -> Iterator[None]:
    """Translate errors of the network and the HTTP client; no other code knows their exceptions.

    These are not kept as causes: a traceback would show what the server said as it came.
    """
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            raise _untrusted(error, url) from None
        if proxy is not None and isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
            raise _proxy_trouble(error, url, proxy) from None
        kind, sentence, fix = next(row[1:] for row in _TROUBLE if isinstance(error, row[0]))
        message = sentence.format(
            site=site(url), reason=_reason(error), connect=settings.connect_timeout, read=settings.read_timeout
        )
        raise kind(message, fix=fix + _proxy_hint(url, proxy) if fix is _NETWORK else fix, url=url) from None


def _untrusted(error: aiohttp.ClientConnectorCertificateError, url: str) -> AnswerError:
    cause = error.certificate_error
    reason = getattr(cause, "verify_message", "") or "it is not valid for this host"
    return RefusedError(
        f"the certificate of {site(url)} is not trusted: {reason}", fix=certificates.advice(cause), url=url
    )


def _proxy_trouble(error: aiohttp.ClientError, url: str, proxy: Proxy) -> AnswerError:
    fix = f"check {proxy.variable}, or list the host in NO_PROXY to reach it directly"
    if not isinstance(error, aiohttp.ClientHttpProxyError):
        return ConnectionLostError(f"cannot reach the proxy {proxy}: {_reason(error)}", fix=fix, url=url)
    if error.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        fix = f"put name and password into {proxy.variable}: http://NAME:PASSWORD@HOST:PORT"
        return RefusedError(f"the proxy {proxy} asks for other credentials (407)", fix=fix, url=url)
    kind = RefusedError if error.status < HTTPStatus.INTERNAL_SERVER_ERROR else ConnectionLostError
    return kind(f"the proxy {proxy} does not connect to {site(url)} ({error.status})", fix=fix, url=url)


def _proxy_hint(url: str, proxy: Proxy | None) -> str:
    parts = urlsplit(url)
    if proxy is not None or loopback(parts.hostname or ""):
        return ""
    return f"; behind a proxy, set {parts.scheme.upper()}_PROXY"


def _reason(error: BaseException) -> str:
    return os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else "no reason given"
