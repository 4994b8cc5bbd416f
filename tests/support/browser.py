"""A headless Chromium driven over its debugging protocol: pages are opened from files, and everything is recorded."""

import asyncio
import base64
import itertools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
WAIT = """
texts => new Promise((resolve, reject) => {
  const end = Date.now() + 45000
  const look = () => {
    const shown = document.body.innerText
    const missing = texts.filter(text => !shown.includes(text))
    if (!missing.length) resolve(shown)
    else if (Date.now() > end) reject(new Error(`does not show ${missing}: ${shown}`))
    else setTimeout(look, 200)
  }
  look()
})
"""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)")


class Tab:
    """One open page. State: `events`, everything that the browser reported, and the responses that are expected."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self.events: list[dict[str, Any]] = []

    async def listen(self) -> None:
        """Read the browser's messages until it ends."""
        async for frame in self._socket:
            message = json.loads(frame.data)
            if "id" in message:
                self._waiting.pop(message["id"]).set_result(message)
            else:
                self.events.append(message)
                if message["method"] == "Page.loadEventFired":
                    self._loaded.set()

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        number = next(self._ids)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        response = await asyncio.wait_for(self._waiting[number], 60)
        assert "error" not in response, response
        result: dict[str, Any] = response["result"]
        return result

    async def open(self, page: Path | str) -> None:
        """Open a file or an address and wait until it is loaded."""
        for domain in ("Page", "Runtime", "Network", "Log"):
            await self.send(f"{domain}.enable")
        self._loaded.clear()
        await self.send("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        await asyncio.wait_for(self._loaded.wait(), 60)

    async def shows(self, *texts: str) -> str:
        """Wait until a page that is built by its own script shows all these texts; return what it shows."""
        wanted = json.dumps(texts)
        return str(await self.run(f"({WAIT})({wanted})"))

    async def run(self, script: str) -> Any:
        """Return the value of a script's last expression."""
        found = await self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def prefer(self, scheme: str, *, width: int = 1200) -> None:
        """Set a colour scheme and a width."""
        await self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )

    async def screenshot(self) -> bytes:
        """Return a screenshot as PNG."""
        found = await self.send("Page.captureScreenshot", format="png")
        return base64.b64decode(found["data"])

    async def pdf(self) -> bytes:
        """Print the page."""
        found = await self.send("Page.printToPDF", printBackground=True)
        return base64.b64decode(found["data"])

    def requested(self) -> list[str]:
        """Return the addresses that the page requested, except itself and embedded data."""
        asked = [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [url for url in asked[1:] if not url.startswith("data:")]

    def complaints(self) -> list[dict[str, Any]]:
        """Return errors and warnings of the page."""
        kinds = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}
        return [event for event in self.events if event["method"] in kinds]


@asynccontextmanager
async def opened(page: Path | str) -> AsyncIterator[Tab]:
    """Yield a file or an address opened in a separate browser."""
    assert CHROMIUM
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            CHROMIUM, *FLAGS, f"--user-data-dir={profile}", stderr=asyncio.subprocess.PIPE
        )
        try:
            assert process.stderr
            async with asyncio.timeout(60), aiohttp.ClientSession() as session:
                port = await _port(process.stderr)
                async with session.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
                    address = (await answer.json())["webSocketDebuggerUrl"]
                async with session.ws_connect(address, max_msg_size=0) as socket:
                    tab = Tab(socket)
                    listening = asyncio.create_task(tab.listen())
                    try:
                        await tab.open(page)
                        yield tab
                    finally:
                        listening.cancel()
        finally:
            process.kill()
            await process.wait()


async def _port(stderr: asyncio.StreamReader) -> int:
    async for line in stderr:
        if b"DevTools listening on" in line:
            return int(line.rsplit(b":", 1)[1].split(b"/")[0])
    raise AssertionError("chromium ended before it listened")
