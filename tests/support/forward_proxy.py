"""A forward proxy on loopback: CONNECT for https, whole URLs for http; a host's name may lead anywhere."""

import asyncio
import base64
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit


class ForwardProxy:
    """Forwards requests to where hosts lead, or to the hosts themselves; refuses all but one `login`, if given."""

    def __init__(self, *, login: str = "") -> None:
        # Mutable state: requests and connections so far, where hosts lead, and the address once listening.
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._places: Mapping[str, str] = {}
        self._login = f"Basic {base64.b64encode(login.encode()).decode()}" if login else ""

    async def __aenter__(self) -> "ForwardProxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def leading(self, places: Mapping[str, str]) -> None:
        """Lead hosts, with their port if a request has it, to the servers at other URLs."""
        self._places = {host: urlsplit(url).netloc for host, url in places.items()}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.append(task)
        try:
            await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.requests.append(first)
        self.headers.append(headers)
        if self._login and headers.get("proxy-authorization") != self._login:
            await _refuse(writer, "407 Who are you")
        else:
            await self._forward(first, headers, reader, writer)

    async def _forward(
        self, first: str, headers: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        method, target, version = first.split(" ")
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host, _, port = self._places.get(parts.netloc, parts.netloc).partition(":")
        try:
            onward, outward = await asyncio.open_connection(host, int(port or 80))
        except OSError:
            await _refuse(writer, "502 Nobody there")
            return
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
            kept = "".join(
                f"{name}: {value}\r\n"
                for name, value in headers.items()
                if not name.startswith(("proxy-", "connection"))
            )
            outward.write(f"{method} {path} {version}\r\n{kept}Connection: close\r\n\r\n".encode())
        try:
            await asyncio.gather(_copy(reader, outward), _copy(onward, writer))
        finally:
            outward.transport.abort()


async def _refuse(writer: asyncio.StreamWriter, status: str) -> None:
    writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    await _close(writer)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
            await writer.drain()
        await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    """Send what is left before the connection ends."""
    await writer.drain()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
