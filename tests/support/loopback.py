"""A server on loopback that answers with whatever bytes a test wants, however wrong they are as HTTP."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """What arrived: the target as sent, and headers with names in lower case."""

    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def params(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query, True).items()}


class Loopback:
    """Writes `answer(request)` to the socket and hangs up; an async answer may keep the client waiting."""

    def __init__(
        self, answer: Callable[[Request], bytes | Awaitable[bytes]], *, tls: ssl.SSLContext | None = None
    ) -> None:
        # Mutable state: the requests so far, and the address once listening.
        self.requests: list[Request] = []
        self.url = ""
        self._answer = answer
        self._tls = tls

    async def __aenter__(self) -> "Loopback":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        scheme = "https" if self._tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            begun = await reader.readexactly(1)
            if not begun.isalpha():  # TLS, as a rule
                writer.write(http(status=400))
                return
            head = (begun + await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            self.requests.append(Request(first.split(" ")[1], headers))
            answer = self._answer(self.requests[-1])
            writer.write(answer if isinstance(answer, bytes) else await answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def http(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    """Spell an answer; underscores in header names stand for hyphens, and `content_length` may lie."""
    fields = {"Content-Length": str(len(body)), "Connection": "close"}
    fields |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Some\r\n{lines}\r\n".encode() + body
