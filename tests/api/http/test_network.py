"""Requests through a real proxy, and to servers whose certificate a company signed."""

import asyncio
import ssl
from pathlib import Path

import pytest

from etl.api.client import connect
from etl.api.transport import Transport
from etl.errors import ConnectionLostError, RefusedError, UsageError
from etl.sandbox import Corpus, running
from etl.settings import Credentials, Network, Settings
from tests.conftest import Command
from tests.support.authority import authority
from tests.support.forward_proxy import ForwardProxy
from tests.support.loopback import Loopback, http

NAMES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")


@pytest.fixture(autouse=True)
def _without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def company(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """The certificate of a company's authority, and TLS of a server that it signed for."""
    ca, certificate, key = authority(tmp_path, "datacite.example")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    return ca, tls


async def get(base_url: str, network: Network, **settings: object) -> bytes:
    async with Transport(Settings(base_url=base_url, network=network, **settings)) as transport:
        return (await transport.get("/dois?page[size]=0")).body


async def test_plain_requests_go_through_the_proxy() -> None:
    """The proxy gets whole URLs, spelled as they are sent, and credentials of its own alone."""
    async with Loopback(lambda request: http(b"{}")) as server, ForwardProxy() as proxy:
        proxy.leading({"datacite.example": server.url})
        network = Network(http_proxy=proxy.url.replace("//", "//ann:p%40ss@"))
        assert await get("http://datacite.example", network) == b"{}"
    assert proxy.requests == ["GET http://datacite.example/dois?page[size]=0 HTTP/1.1"]
    assert "proxy-authorization" not in server.requests[0].headers


async def test_https_goes_through_a_tunnel(company: tuple[Path, ssl.SSLContext]) -> None:
    """The proxy sees the host alone; the certificate of the company's authority is trusted because it is named."""
    ca, tls = company
    async with Loopback(lambda request: http(b"{}"), tls=tls) as server, ForwardProxy() as proxy:
        proxy.leading({"datacite.example:443": server.url})
        network = Network(https_proxy=proxy.url, authorities=(("SSL_CERT_FILE", str(ca)),))
        credentials = Credentials(token="s3cr3t-token")
        assert await get("https://datacite.example", network, credentials=credentials) == b"{}"
    assert proxy.requests == ["CONNECT datacite.example:443 HTTP/1.1"]
    assert "s3cr3t-token" not in str(proxy.headers)
    assert server.requests[0].headers["authorization"] == "Bearer s3cr3t-token"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_gets_the_credentials_that_it_asks_for(scheme: str, company: tuple[Path, ssl.SSLContext]) -> None:
    """Name and password stand in its URL; without them the error says where to put them."""
    ca, tls = company
    async with (
        Loopback(lambda request: http(b"{}"), tls=tls if scheme == "https" else None) as server,
        ForwardProxy(login="ann:p@ss") as proxy,
    ):
        proxy.leading({"datacite.example": server.url, "datacite.example:443": server.url})
        for given, works in (("ann:p%40ss@", True), ("ann:s3cr3t@", False), ("", False)):
            url = proxy.url.replace("//", f"//{given}")
            network = Network(http_proxy=url, https_proxy=url, authorities=(("SSL_CERT_FILE", str(ca)),))
            if works:
                assert await get(f"{scheme}://datacite.example", network) == b"{}"
                continue
            with pytest.raises(RefusedError, match=f"407.*name and password into {scheme.upper()}_PROXY") as caught:
                async with connect(Settings(base_url=f"{scheme}://datacite.example", network=network)) as client:
                    await client.get("/dois")
            assert "s3cr3t" not in str(caught.value)


async def test_a_proxy_that_is_not_there_is_named(nobody: str) -> None:
    """And the variable that names it, and the way around."""
    network = Network(https_proxy=nobody.replace("//", "//ann:s3cr3t@"))
    with pytest.raises(ConnectionLostError, match=f"cannot reach the proxy {nobody}.*HTTPS_PROXY.*NO_PROXY") as caught:
        await get("https://datacite.example", network)
    assert "s3cr3t" not in str(caught.value)


async def test_a_host_that_the_proxy_does_not_find_is_named() -> None:
    """The error says that it is the proxy's and not the server's."""
    async with ForwardProxy() as proxy:
        proxy.leading({"datacite.example:443": "http://127.0.0.1:1"})
        with pytest.raises(ConnectionLostError, match=r"does not connect to https://datacite.example .502."):
            await get("https://datacite.example", Network(https_proxy=proxy.url))


async def test_an_unknown_authority_ends_in_the_variable_that_helps(company: tuple[Path, ssl.SSLContext]) -> None:
    """The reason, and SSL_CERT_FILE, in one line."""
    _, tls = company
    async with Loopback(lambda request: http(b"{}"), tls=tls) as server:
        with pytest.raises(RefusedError, match=r"is not trusted: unable to get.*set SSL_CERT_FILE to the PEM file"):
            await get(server.url, Network())


async def test_a_certificate_of_another_host_is_not_the_authoritys_fault(company: tuple[Path, ssl.SSLContext]) -> None:
    """No variable helps against it."""
    ca, tls = company
    async with Loopback(lambda request: http(b"{}"), tls=tls) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        with pytest.raises(RefusedError, match=r"is not trusted: .*ostname mismatch.*check --base-url") as caught:
            await get(url, Network(authorities=(("SSL_CERT_FILE", str(ca)),)))
        assert "SSL_CERT_FILE" not in str(caught.value)


@pytest.mark.parametrize("content", [None, "", "no certificate"])
async def test_a_file_without_certificates_is_a_usage_error(content: str | None, tmp_path: Path) -> None:
    """It would be left out silently, and every certificate refused."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=f"REQUESTS_CA_BUNDLE: {path}.*PEM"):
        await get("https://datacite.example", Network(authorities=(("REQUESTS_CA_BUNDLE", str(path)),)))


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_an_export_heeds_the_environment(
    name: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As curl would: through the proxy, unless NO_PROXY lists the host."""
    asked = ("export", "dois", "--base-url", "http://datacite.example", "--tables", "doi_titles", "--json", "--quiet")
    with running(Corpus.generate(records=20, seed=3)) as box:
        async with ForwardProxy() as proxy:
            proxy.leading({"datacite.example": box.base_url})
            monkeypatch.setenv(name, proxy.url)
            ran = await asyncio.to_thread(command, *asked, "--to", tmp_path / "o")
            assert (ran.code, ran.json["requests"]) == (0, len(proxy.requests))
            monkeypatch.setenv("no_proxy", "example")
            direct = await asyncio.to_thread(command, *asked, "--to", tmp_path / "p", "--patience", 0)
            assert direct.code == 1
            assert "behind a proxy, set HTTP_PROXY" in direct.err
            assert ran.json["requests"] == len(proxy.requests)
