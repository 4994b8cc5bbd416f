"""The one door to the network: a request goes out, the bytes that came back go in, trouble becomes a typed error.

Only this module imports the HTTP client. It knows origins, credentials, encodings and limits; it knows neither JSON
nor what a status means (`document`), nor when to ask again (`retry`), nor how often one may ask (`budget`).
"""

import asyncio
import base64
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self, cast
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import aiohttp
from isal import isal_zlib
from yarl import URL

from etl import __version__
from etl.errors import (
    AnswerError,
    ConnectionLostError,
    ProtocolError,
    RefusedError,
    TooLargeError,
    TransientError,
    UsageError,
)
from etl.settings import Credentials, Settings, loopback

_REDIRECTS = {301, 302, 303, 307, 308}
_DAMAGED = cast("type[Exception]", isal_zlib.error)
_NETWORK = "check --base-url and the network"
_CONNECTION = "check the network, then run again: what has arrived is kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An answer as it came over the wire, still compressed; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    payload: bytes
    seconds: float
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer with its body decoded; `wire_bytes` is what travelled."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    wire_bytes: int
    seconds: float
    url: str


class Transport:
    """Sends GET requests to one origin over one session; use it as an async context manager."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.base = base_url(settings.base_url)
        self._settings = settings
        self._clock = clock
        self._headers = {"Accept-Encoding": "gzip", "User-Agent": user_agent(settings.mailto)}
        if settings.credentials:
            self._headers["Authorization"] = authorization(settings.credentials, self.base)
        # Mutable state: the session, open from __aenter__ to __aexit__.
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            auto_decompress=False,  # bodies are inflated off the event loop, under a limit
            connector=aiohttp.TCPConnector(limit=0),  # how many at a time is the client's to say
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=1 << 20,
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

        Raises TransientError, RefusedError or ProtocolError for trouble on the way; statuses are the caller's to judge.
        """
        sealed = await self.fetch(target, accept=accept)
        return await asyncio.to_thread(unseal, sealed, self._settings.page_limit)

    async def fetch(self, target: str, *, accept: str | None = None) -> Sealed:
        """Fetch like `get`, but leave the body as it came, for callers that decode and read it in one go."""
        assert self._session is not None, "a Transport is an async context manager"
        url = self._address(target)
        started = self._clock()
        with _plain_words(url, self._settings):
            headers = self._headers | ({"Accept": accept} if accept else {})
            address = URL(url, encoded=True)
            async with self._session.get(address, headers=headers, allow_redirects=False) as response:
                payload = await _receive(response, self._settings.page_limit, url)
                found = {name.lower(): value for name, value in response.headers.items()}
        seconds = self._clock() - started
        return Sealed(status=response.status, headers=found, payload=payload, seconds=seconds, url=url)

    def _address(self, target: str) -> str:
        """Spell the whole URL; a mail address that cannot stand in the User-Agent goes into the query string."""
        url = target if target.startswith(("http://", "https://")) else f"{self.base}{target}"
        _same_origin(self.base, url)
        mailto = self._settings.mailto
        if mailto and mailto not in self._headers["User-Agent"]:
            url += f"{'&' if '?' in url else '?'}mailto={quote(mailto, safe='@')}"
        return url


def unseal(sealed: Sealed, limit: int) -> Reply:
    """Decode the body; ProtocolError beyond `limit` bytes, TransientError if it is damaged or cut short.

    Slow for big bodies: keep it off the event loop.
    """
    return Reply(
        status=sealed.status,
        headers=sealed.headers,
        body=_decode(sealed, limit),
        wire_bytes=len(sealed.payload),
        seconds=sealed.seconds,
        url=sealed.url,
    )


def redirect(sealed: Sealed) -> str | None:
    """Return the URL that the answer redirects to, or None; RefusedError if it is of another origin."""
    location = sealed.headers.get("location")
    if sealed.status not in _REDIRECTS or not location:
        return None
    target = urljoin(sealed.url, location)
    _same_origin(sealed.url, target)
    return target


def base_url(text: str) -> str:
    """Return a base URL in canonical form, without a slash at its end; UsageError if it cannot be one."""
    parts = _split(text)
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            "the base URL contains a name or a password",
            fix="put them into DATACITE_ETL_USERNAME and DATACITE_ETL_PASSWORD",
        )
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise UsageError(f"the base URL {text!r} has a query or a fragment", fix="give the part before ? and #")
    return str(URL(text)).rstrip("/")


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
    """Spell the Authorization header for a base URL; UsageError where it could be overheard."""
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
    pair = f"{credentials.username}:{credentials.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def _split(text: str) -> SplitResult:
    fix = "write it like https://api.datacite.org"
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or re.search(r"[\s\x00-\x1f\\]", text):
        shown = re.sub(r"//[^/]*@", "//…@", text)
        raise UsageError(f"{shown!r} is not a base URL", fix=fix)
    return parts


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _same_origin(url: str, target: str) -> None:
    if _origin(url) != _origin(target):
        raise RefusedError(
            f"{_site(url)} sends us on to another host, {_site(target)}",
            fix=f"if that is meant, use --base-url {_site(target)}",
            url=url,
        )


def _site(url: str) -> str:
    """Name the origin as a person would write it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


async def _receive(response: aiohttp.ClientResponse, limit: int, url: str) -> bytes:
    pieces, size = [], 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise _too_large(limit, url)
    return b"".join(pieces)


def _decode(sealed: Sealed, limit: int) -> bytes:
    encoding = sealed.headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"identity", ""}:
        return sealed.payload
    if encoding in {"gzip", "x-gzip"}:
        return _inflate(sealed, limit, wbits=31)
    if encoding == "deflate":
        zlib_header = sealed.payload[:1] and sealed.payload[0] & 0x0F == 8
        return _inflate(sealed, limit, wbits=15 if zlib_header else -15)
    raise ProtocolError(f"the server answered in the encoding {encoding!r}, which was not asked for", url=sealed.url)


def _inflate(sealed: Sealed, limit: int, *, wbits: int) -> bytes:
    """Inflate all members of the payload, never holding more than one byte beyond the limit."""
    # The last four bytes of gzip tell its size: with a buffer that fits, inflating costs a quarter less.
    asked = min(limit, int.from_bytes(sealed.payload[-4:], "little")) + 1
    parts: list[bytes] = []
    engine, rest, room = isal_zlib.decompressobj(wbits), sealed.payload, limit + 1
    while rest or parts:
        try:
            part = engine.decompress(rest, max_length=asked)
        except _DAMAGED as error:
            raise ConnectionLostError(f"the answer of {_site(sealed.url)} arrived damaged", url=sealed.url) from error
        parts.append(part)
        room -= len(part)
        if room <= 0:
            raise _too_large(limit, sealed.url)
        if not engine.eof and len(part) < asked:
            raise ConnectionLostError(f"the answer of {_site(sealed.url)} arrived cut short", url=sealed.url)
        rest, asked = engine.unconsumed_tail, room
        if engine.eof:
            rest = engine.unused_data.lstrip(b"\0")
            if not rest:
                break
            engine = isal_zlib.decompressobj(wbits)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int, url: str) -> TooLargeError:
    return TooLargeError(
        f"an answer of {_site(url)} is larger than the limit of {limit:,} bytes",
        fix="ask for fewer records a page, or raise the page limit",
        url=url,
    )


# The first row that matches speaks: kinds of trouble, what the caller should make of it, the sentence, the fix.
_TROUBLE: tuple[tuple[type[BaseException], type[AnswerError], str, str], ...] = (
    (
        aiohttp.ClientConnectorCertificateError,
        RefusedError,
        "the certificate of {site} is not to be trusted",
        "check --base-url and this machine's clock",
    ),
    (
        aiohttp.ClientConnectorSSLError,
        TransientError,
        "cannot speak TLS with {site}",
        "check whether --base-url should begin with http:// instead",
    ),
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
    (
        aiohttp.ClientConnectionError,
        ConnectionLostError,
        "{site} closed the connection without an answer",
        _CONNECTION,
    ),
    (aiohttp.ClientError, TransientError, "{site} answered something that is not HTTP", _NETWORK),
)


@contextmanager
def _plain_words(url: str, settings: Settings) -> Iterator[None]:
    """Translate what the network and the HTTP client raise; the one place that knows their exceptions."""
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
        kind, sentence, fix = next(row[1:] for row in _TROUBLE if isinstance(error, row[0]))
        reason = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else "no reason given"
        message = sentence.format(
            site=_site(url), reason=reason, connect=settings.connect_timeout, read=settings.read_timeout
        )
        raise kind(message, fix=fix, url=url) from error
