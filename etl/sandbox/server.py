"""The sandbox on a socket: HTTP, the log of requests, rate limits and faults. No other module listens."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from types import TracebackType
from weakref import WeakValueDictionary

import polars as pl
from aiohttp import web
from isal import isal_zlib

from etl.sandbox import limits, site
from etl.sandbox.answer import Answer, Json, Request
from etl.sandbox.churn import Churn
from etl.sandbox.corpus import Corpus
from etl.sandbox.faults import Fault, parse_fault
from etl.sandbox.faults.fault import Respond, Turn

_REMEMBERED = 200_000
_WORTH_PACKING = 600
_STALL_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request in the log: its target verbatim, its tier, and its status."""

    target: str
    status: int
    tier: str


LISTENING: WeakValueDictionary[str, Sandbox] = WeakValueDictionary()
"""Mutable: the sandboxes of this process by their base URLs."""


class Sandbox:
    """A DataCite API on loopback; an asynchronous context manager, listening inside it."""

    def __init__(  # noqa: PLR0913 (each is a choice of its own, with a default)
        self,
        corpus: Corpus,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        faults: Sequence[Fault | str] = (),
        enforce_limits: bool = False,
        window: float = limits.WINDOW_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        seed: int = 0,
        churn: float = 0.0,
    ) -> None:
        # Mutable: the log, errors of the sandbox itself, the request count, the meter, what faults remember, the
        # address once listening, and the server's clock, in epoch seconds.
        self.corpus = corpus
        self.now: Callable[[], float] = time.time
        self.requests: deque[Seen] = deque(maxlen=_REMEMBERED)
        self.mishaps: list[Exception] = []
        self.faults = [parse_fault(fault) if isinstance(fault, str) else fault for fault in faults]
        self.meter = limits.Meter(window)
        self.base_url = ""
        self._count = 0
        self._memory: dict[str, dict[str, Json]] = {}
        self._enforce = enforce_limits
        self._clock = clock
        self._seed = seed
        self._rate = churn
        self._churn: Churn | None = None
        self._address = (host, port)
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Sandbox:
        self._runner = web.ServerRunner(web.Server(self._exchange, access_log=None), shutdown_timeout=1.0)
        await self._runner.setup()
        host, port = self._address
        listener = web.TCPSite(self._runner, host, port)
        await listener.start()
        self.base_url = f"http://{host}:{self._runner.addresses[0][1]}"
        LISTENING[self.base_url] = self
        if self._rate:
            rate, lag, begin = self._rate, self._amount("lag"), self.time()
            self._churn = Churn(self.corpus, rate=rate, lag=lag, begin=begin, seed=self._seed)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def asked(self) -> int:
        """The number of requests so far."""
        return self._count

    def time(self) -> float:
        """Return the time of the server's clock, in epoch seconds."""
        return self.now() + self._amount("clock") + self._amount("clock-jump")

    def listed(self, moment: float) -> pl.DataFrame:
        """Return the records listed at a moment of the server's clock: `uid`, and times in epoch milliseconds."""
        assert self._churn is not None
        return self._churn.listed_at(moment)

    def _amount(self, name: str) -> float:
        return sum(fault.amount for fault in self.faults if fault.name == name and self._count >= fault.after)

    @property
    def targets(self) -> list[str]:
        """The requested paths with query strings so far, in order."""
        return [request.target for request in self.requests]

    def repeated(self) -> dict[str, int]:
        """Return the targets that were requested more than once, with their counts."""
        return {target: count for target, count in Counter(self.targets).items() if count > 1}

    async def _exchange(self, incoming: web.BaseRequest) -> web.StreamResponse:
        self._count += 1
        struck = [fault for fault in self.faults if fault.strikes(self._count, self._seed)]
        for fault in struck:
            if fault.delay:
                await asyncio.sleep(fault.delay)
        path, _, query = incoming.raw_path.partition("?")
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        request = Request(path=path, query=query, origin=f"http://{incoming.host}", headers=headers)
        tier = limits.tier(request)
        answer = self._answer(request, struck, tier) if incoming.method in ("GET", "HEAD") else site.read_only()
        self.requests.append(Seen(target=incoming.raw_path, status=answer.status, tier=tier))
        return await self._send(incoming, request, answer)

    def _answer(self, request: Request, struck: Sequence[Fault], tier: str) -> Answer:
        within = self.meter.count(tier, self._clock())
        if self._enforce and not within:
            return limits.limited()
        respond = partial(site.respond, corpus=self._seen_by(request))
        for fault in struck:
            respond = partial(self._struck, fault, respond)
        try:
            return respond(request)
        except Exception as error:  # noqa: BLE001 - the real server turns any exception into a 400 with its text
            self.mishaps.append(error)
            return site.unexpected(error)

    def _seen_by(self, request: Request) -> Corpus:
        """Return the records that a request sees: single ones immediately, lists once the index has them."""
        if self._churn is None:
            return self.corpus
        self._churn.advance(self.time())
        return self.corpus if request.path.startswith("/dois/") else self._churn.listed

    def _struck(self, fault: Fault, respond: Respond, request: Request) -> Answer:
        memory = self._memory.setdefault(fault.name, {})
        turn = Turn(
            request=request,
            number=self._count,
            seed=self._seed,
            corpus=self.corpus,
            respond=respond,
            memory=memory,
        )
        return fault.act(turn)

    async def _send(self, incoming: web.BaseRequest, request: Request, answer: Answer) -> web.StreamResponse:
        body, packed = _encoded(answer, "gzip" in request.headers.get("accept-encoding", ""))
        headers = {"Content-Type": answer.content_type, "X-LupoVersion": site.VERSION, **_consumer(request)}
        dated = all(fault.name != "no-date" for fault in self.faults)
        headers["Date"] = formatdate(self.time(), usegmt=True) if dated else ""  # without one, aiohttp adds its own
        headers |= answer.headers
        if packed or answer.damage == "garbage":
            headers["Content-Encoding"] = "gzip"
        if answer.damage == "garbage":
            body = bytes(reversed(body))
        if answer.damage in ("", "garbage"):
            return web.Response(status=answer.status, body=body, headers=headers)
        return await _damaged(incoming, answer, headers, body)


def _encoded(answer: Answer, accepts_gzip: bool) -> tuple[bytes, bool]:  # noqa: FBT001
    if not accepts_gzip:
        return answer.plain(), False
    if answer.body is not None:
        return answer.body.packed(), True
    if len(answer.content) < _WORTH_PACKING:
        return answer.content, False
    return isal_zlib.compress(answer.content, level=0, wbits=31), True


def _consumer(request: Request) -> dict[str, str]:
    if request.headers.get("authorization"):
        return {"X-Credential-Username": "sandbox"}
    return {"X-Anonymous-Consumer": "true"}


async def _damaged(
    incoming: web.BaseRequest, answer: Answer, headers: dict[str, str], body: bytes
) -> web.StreamResponse:
    """Announce a whole body and send a part of it, then hang up or stall; or send nothing at all."""
    if answer.damage == "reset" and incoming.transport is not None:
        incoming.transport.abort()
        return web.Response()
    promised = len(body) + (1000 if answer.damage == "length" else 0)
    response = web.StreamResponse(status=answer.status, headers={**headers, "Content-Length": str(promised)})
    await response.prepare(incoming)
    await response.write(body if answer.damage == "length" else body[: len(body) // 2])
    if answer.damage == "stall":
        await asyncio.sleep(_STALL_SECONDS)
    if incoming.transport is not None:
        incoming.transport.close()
    return response


@contextmanager
def running(corpus: Corpus, **options: object) -> Iterator[Sandbox]:
    """Run a sandbox in its own thread, with the options of `Sandbox`."""
    sandbox = Sandbox(corpus, **options)  # type: ignore[arg-type]
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    failures: list[BaseException] = []

    async def serve() -> None:
        async with sandbox:
            started.set()
            await stop.wait()

    def work() -> None:
        try:
            loop.run_until_complete(serve())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asked for the sandbox
            failures.append(error)
        finally:
            started.set()
            loop.close()

    thread = threading.Thread(target=work, name="sandbox", daemon=True)
    thread.start()
    started.wait()
    if failures:
        raise failures[0]
    try:
        yield sandbox
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
