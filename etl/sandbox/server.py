"""The sandbox on a socket: HTTP in and out, the log of requests, rate limits and faults. The only file that listens."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

from aiohttp import web
from isal import isal_zlib

from etl.sandbox import limits, site
from etl.sandbox.answer import Answer, Request
from etl.sandbox.corpus import Corpus
from etl.sandbox.faults import Fault
from etl.sandbox.faults import parse as parse_fault

_REMEMBERED = 200_000
_WORTH_PACKING = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request in the log: its target verbatim, the tier it counted for, and the status it got."""

    target: str
    status: int
    tier: str


class Sandbox:
    """A DataCite API on loopback; an asynchronous context manager, listening inside it."""

    def __init__(
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
    ) -> None:
        # Mutable: the log, errors of the sandbox itself, the request count, the meter, and the address once listening.
        self.corpus = corpus
        self.requests: deque[Seen] = deque(maxlen=_REMEMBERED)
        self.mishaps: list[Exception] = []
        self.faults = [parse_fault(one) if isinstance(one, str) else one for one in faults]
        self.meter = limits.Meter(window)
        self.base_url = ""
        self._count = 0
        self._enforce = enforce_limits
        self._clock = clock
        self._seed = seed
        self._address = (host, port)
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Sandbox:
        self._runner = web.ServerRunner(web.Server(self._exchange, access_log=None), shutdown_timeout=1.0)
        await self._runner.setup()
        host, port = self._address
        listener = web.TCPSite(self._runner, host, port)
        await listener.start()
        self.base_url = f"http://{host}:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def targets(self) -> list[str]:
        """The paths with query strings asked for so far, in order."""
        return [one.target for one in self.requests]

    def repeated(self) -> dict[str, int]:
        """Give the targets that were asked for more than once, with how often."""
        return {target: count for target, count in Counter(self.targets).items() if count > 1}

    async def _exchange(self, incoming: web.BaseRequest) -> web.StreamResponse:
        self._count += 1
        struck = [one for one in self.faults if one.strikes(self._count, self._seed)]
        for fault in struck:
            if fault.delay:
                await asyncio.sleep(fault.delay)
        path, _, query = incoming.raw_path.partition("?")
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        request = Request(path=path, query=query, origin=f"http://{incoming.host}", headers=headers)
        tier = limits.tier(request)
        answer = self._answer(request, struck, tier) if incoming.method in ("GET", "HEAD") else site.read_only()
        self.requests.append(Seen(target=incoming.raw_path, status=answer.status, tier=tier))
        return await self._send(incoming, request, answer, struck)

    def _answer(self, request: Request, struck: Sequence[Fault], tier: str) -> Answer:
        within = self.meter.count(tier, self._clock())
        if self._enforce and not within:
            return limits.limited()
        instead = [answer for answer in (fault.instead() for fault in struck) if answer is not None]
        if instead:
            return instead[0]
        try:
            return site.respond(request, self.corpus)
        except Exception as error:  # noqa: BLE001 - the real server turns any exception into a 400 with its text
            self.mishaps.append(error)
            return site.unexpected(error)

    async def _send(
        self, incoming: web.BaseRequest, request: Request, answer: Answer, struck: Sequence[Fault]
    ) -> web.StreamResponse:
        body, packed = _encoded(answer, "gzip" in request.headers.get("accept-encoding", ""))
        headers = {"Content-Type": answer.content_type, "X-LupoVersion": site.VERSION, **_consumer(request)}
        headers |= answer.headers
        if packed:
            headers["Content-Encoding"] = "gzip"
        sent = body
        for fault in struck:
            sent = fault.spoil(sent)
        if len(sent) == len(body):
            return web.Response(status=answer.status, body=body, headers=headers)
        return await _cut_off(incoming, answer.status, {**headers, "Content-Length": str(len(body))}, sent)


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


async def _cut_off(incoming: web.BaseRequest, status: int, headers: dict[str, str], sent: bytes) -> web.StreamResponse:
    """Promise a whole body, send a part of it and hang up."""
    response = web.StreamResponse(status=status, headers=headers)
    await response.prepare(incoming)
    await response.write(sent)
    if incoming.transport is not None:
        incoming.transport.close()
    return response


@contextmanager
def running(corpus: Corpus, **options: object) -> Iterator[Sandbox]:
    """Run a sandbox in a thread of its own, with the options of `Sandbox`."""
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
