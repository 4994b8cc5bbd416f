"""The door to the network: what arrives, what is refused, and what trouble is called."""

import asyncio
import gzip
import zlib

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from aioresponses import aioresponses
from hypothesis import given
from hypothesis import strategies as st

from etl.api.http.answer import Sealed
from etl.api.http.body import unseal
from etl.api.http.origins import base_url, redirect
from etl.api.transport import Transport, authorization, user_agent
from etl.errors import EtlError, ProtocolError, RefusedError, TransientError, UsageError
from etl.settings import Credentials, Settings
from tests.support.loopback import Loopback, Request, http

SECRET = Credentials(token="s3cr3t-token")


def sealed(payload: bytes, encoding: str = "gzip") -> Sealed:
    headers = {"content-encoding": encoding} if encoding else {}
    return Sealed(status=200, headers=headers, payload=payload, seconds=0.1, url="https://api.example.org/dois?x=1")


def moved(target: str) -> Sealed:
    url = "https://api.example.org/dois"
    return Sealed(status=301, headers={"location": target}, payload=b"", seconds=0, url=url)


async def fetch(answer, target: str = "/dois?page[size]=0", **settings):
    """Send one request to a server that gives the answer; return the reply and what the server saw."""
    async with (
        Loopback(answer if callable(answer) else lambda request: answer) as server,
        Transport(Settings(base_url=server.url, **settings)) as transport,
    ):
        return await transport.get(target), server.requests


class TestReply:
    async def test_body_headers_and_sizes_arrive(self) -> None:
        """A compressed answer arrives decoded, with the bytes that travelled counted and header names in lower case."""
        packed = gzip.compress(b'{"data":[]}')
        reply, _ = await fetch(http(packed, content_encoding="gzip", X_LupoVersion="1"))
        assert reply.body == b'{"data":[]}'
        assert reply.wire_bytes == len(packed)
        assert reply.headers["x-lupoversion"] == "1"
        assert reply.url.endswith("/dois?page[size]=0")

    async def test_target_is_sent_as_spelled(self) -> None:
        """What the caller has percent-encoded is neither decoded nor encoded again on its way."""
        target = "/dois/10.1%2Fa%23b?query=%5B2019%20TO%20%2A%7D&page[size]=2"
        _, (request,) = await fetch(http(b"{}"), target)
        assert request.target == target

    async def test_statuses_are_left_to_the_caller(self) -> None:
        """An error status is an answer like any other at this level."""
        reply, _ = await fetch(http(b"no", status=503))
        assert (reply.status, reply.body) == (503, b"no")

    async def test_a_base_path_is_kept(self) -> None:
        """Paths hang under the base URL, not under the host."""
        async with Loopback(lambda request: http(b"{}")) as server:
            async with Transport(Settings(base_url=f"{server.url}/v1/")) as transport:
                await transport.get("/works?rows=1")
            assert server.requests[0].target == "/v1/works?rows=1"

    async def test_only_its_own_accept_goes_with_a_request(self) -> None:
        """The Accept header is the caller's, and the encoding is gzip."""
        async with Loopback(lambda request: http(b"{}")) as server:
            async with Transport(Settings(base_url=server.url)) as transport:
                await transport.get("/events", accept="application/vnd.api+json; version=2")
            assert server.requests[0].headers["accept"] == "application/vnd.api+json; version=2"
            assert server.requests[0].headers["accept-encoding"] == "gzip"


class TestUnseal:
    @given(st.binary(max_size=2000), st.sampled_from(["gzip", "x-gzip", "deflate", "raw", "", "identity"]))
    def test_every_encoding_gives_the_body_back(self, body: bytes, encoding: str) -> None:
        """Whatever encoding a server may choose, the body comes out as it went in."""
        pack = {
            "gzip": gzip.compress,
            "x-gzip": gzip.compress,
            "deflate": zlib.compress,
            "raw": lambda text: zlib.compress(text, wbits=-15),
        }.get(encoding, bytes)
        found = unseal(sealed(pack(body), "deflate" if encoding == "raw" else encoding), 2000)
        assert found.body == body

    def test_members_behind_each_other_are_one_body(self) -> None:
        """A gzip body may have several members and padding."""
        assert unseal(sealed(gzip.compress(b"ab") + gzip.compress(b"cd") + b"\0\0"), 10).body == b"abcd"

    @given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(0, 1200))
    def test_the_limit_is_exact(self, members: list[bytes], limit: int) -> None:
        """Any members of any sizes come out whole within the limit, and not at all beyond it."""
        body, packed = b"".join(members), sealed(b"".join(map(gzip.compress, members)))
        if len(body) <= limit:
            assert unseal(packed, limit).body == body
        else:
            with pytest.raises(ProtocolError, match="limit"):
                unseal(packed, limit)

    @given(st.binary(min_size=1, max_size=300), st.data())
    def test_no_beginning_of_a_body_passes_for_the_whole(self, body: bytes, data: st.DataObject) -> None:
        """Wherever a compressed body is cut, it is missed."""
        packed = gzip.compress(body)
        cut = data.draw(st.integers(1, len(packed) - 1))
        with pytest.raises(TransientError):
            unseal(sealed(packed[:cut]), 10_000)

    def test_a_bomb_stops_at_the_limit(self) -> None:
        """A small body that inflates beyond the limit is refused by a message that names the limit."""
        bomb = gzip.compress(b"0" * 50_000_000)
        with pytest.raises(ProtocolError, match="1,000,000 bytes"):
            unseal(sealed(bomb), 1_000_000)

    def test_a_bomb_in_pieces_stops_too(self) -> None:
        """The limit counts all members of a body together."""
        with pytest.raises(ProtocolError, match="limit"):
            unseal(sealed(gzip.compress(b"0" * 60) * 2), 100)

    def test_a_body_of_exactly_the_limit_is_fine(self) -> None:
        """The limit itself may be reached."""
        assert len(unseal(sealed(gzip.compress(b"0" * 100)), 100).body) == 100

    @pytest.mark.parametrize("cut", [3, 12, -1, -9])
    def test_a_cut_body_is_transient(self, cut: int) -> None:
        """A compressed body that ends too early is worth asking for again."""
        with pytest.raises(TransientError, match="cut short"):
            unseal(sealed(gzip.compress(b"some words " * 50)[:cut]), 10_000)

    def test_a_damaged_body_is_transient(self) -> None:
        """Bytes that are not gzip, or have a wrong checksum, are worth another request."""
        damaged = bytearray(gzip.compress(b"some words " * 50))
        damaged[-6] ^= 1
        for payload in (b"<html>hello</html>", bytes(damaged)):
            with pytest.raises(TransientError, match="damaged"):
                unseal(sealed(payload), 10_000)

    def test_an_unknown_encoding_is_named(self) -> None:
        """An encoding that nobody asked for is a breach of protocol."""
        with pytest.raises(ProtocolError, match="'br'"):
            unseal(sealed(b"x", "br"), 100)


class TestTrouble:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    async def test_refused(self, host: str) -> None:
        """A port where nobody listens is said in one plain sentence with a fix."""
        async with Loopback(lambda request: b"") as server:
            url = server.url.replace("127.0.0.1", host)
        async with Transport(Settings(base_url=url)) as transport:
            with pytest.raises(TransientError) as caught:
                await transport.get("/dois")
        assert str(caught.value) == f"cannot reach {url}: connection refused; check --base-url and the network"
        assert caught.value.url == f"{url}/dois"

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (b"", "closed the connection without an answer"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
            (http(b"abc", content_length="10"), "broke off"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "broke off"),
            (http(gzip.compress(b"x" * 999), content_length="15", content_encoding="gzip"), "cut short|not HTTP"),
        ],
        ids=["hang-up", "no-http", "shorter-than-promised", "half-a-chunk", "longer-than-promised"],
    )
    async def test_broken_answers_are_transient(self, answer: bytes, words: str) -> None:
        """Whatever breaks on the way is transient and named."""
        with pytest.raises(TransientError, match=words):
            await fetch(answer)

    async def test_tls_with_a_plain_server_is_named(self) -> None:
        """https:// to a server that speaks http is a mistake in the address."""
        async with (
            Loopback(lambda request: b"") as server,
            Transport(Settings(base_url=server.url.replace("http:", "https:"))) as transport,
        ):
            with pytest.raises(TransientError, match=r"cannot speak TLS.*http://"):
                await transport.get("/dois")

    async def test_a_request_is_sent_once(self) -> None:
        """Nothing below the client tries again by itself: every request is in the budget."""
        async with (
            Loopback(lambda request: b"") as server,
            Transport(Settings(base_url=server.url)) as transport,
        ):
            with pytest.raises(TransientError):
                await transport.get("/dois")
            assert len(server.requests) == 1

    async def test_silence_ends_in_a_timeout(self) -> None:
        """A server that accepts and then says nothing is given up after the read time-out."""
        silence = asyncio.Event()

        async def never(request: Request) -> bytes:
            await silence.wait()
            return b""

        with pytest.raises(TransientError, match=r"did not answer in 0\.05 s"):
            await fetch(never, read_timeout=0.05)
        silence.set()

    async def test_a_plain_body_beyond_the_limit_is_not_read_on(self) -> None:
        """The limit also holds for bodies that were never compressed."""
        with pytest.raises(ProtocolError, match="1,000 bytes"):
            await fetch(http(b"x" * 5000), page_limit=1000)

    @pytest.mark.parametrize(
        ("error", "kind", "words"),
        [
            (aiohttp.ClientConnectorDNSError, TransientError, "cannot find the host of https://api.example.org"),
            (aiohttp.ClientConnectorCertificateError, RefusedError, "certificate"),
            (aiohttp.ConnectionTimeoutError, TransientError, "no connection in 30 s"),
            (aiohttp.ServerDisconnectedError, TransientError, "closed the connection"),
            (ConnectionResetError, TransientError, "was lost"),
        ],
    )
    async def test_what_the_client_library_raises_is_translated(self, error, kind, words) -> None:
        """No exception of the HTTP library gets out."""
        key = ConnectionKey("api.example.org", 443, True, True, None, None, None)
        arguments = {
            aiohttp.ClientConnectorDNSError: (key, OSError("unknown")),
            aiohttp.ClientConnectorCertificateError: (key, ValueError("expired")),
        }
        with aioresponses() as mocked:
            mocked.get("https://api.example.org/dois", exception=error(*arguments.get(error, ())))
            async with Transport(Settings(base_url="https://api.example.org")) as transport:
                with pytest.raises(kind, match=words):
                    await transport.get("/dois")


class TestRedirects:
    async def test_none_is_followed_unasked(self) -> None:
        """A redirect comes back as an answer; where it leads is read from it."""
        async with Loopback(lambda request: http(status=302, location="/dois?page[size]=1")) as server:
            async with Transport(Settings(base_url=server.url)) as transport:
                answer = await transport.fetch("/doi")
            assert redirect(answer) == f"{server.url}/dois?page[size]=1"
            assert len(server.requests) == 1

    @pytest.mark.parametrize(
        "target", ["https://evil.example.net/x", "//evil.example.net/x", "http://api.example.org/"]
    )
    def test_another_origin_is_refused_by_name(self, target: str) -> None:
        """A redirect to another host, port or scheme is refused, and both ends are named."""
        with pytest.raises(RefusedError, match=r"https://api\.example\.org redirects to another .*(evil|http://api)"):
            redirect(moved(target))

    @pytest.mark.parametrize(
        "target", ["http://[::1", "http://a.org:99999/", "https://ann:pw@api.example.org/", "//[x"]
    )
    def test_what_is_not_an_address_is_refused(self, target: str) -> None:
        """In one line, without a password."""
        with pytest.raises(RefusedError, match=r"https://api\.example\.org redirects to '") as caught:
            redirect(moved(target))
        assert "pw" not in str(caught.value)

    def test_what_a_request_cannot_hold_is_encoded(self) -> None:
        """Blanks and control characters would break the request line."""
        assert redirect(moved("/a b\x1b[2J?x=1%20é")) == "https://api.example.org/a%20b%1B[2J?x=1%20%C3%A9"

    def test_an_answer_that_is_none_leads_nowhere(self) -> None:
        """Only redirecting statuses with a location lead on."""
        assert redirect(sealed(b"")) is None
        assert (
            redirect(Sealed(status=304, headers={"location": "/x"}, payload=b"", seconds=0, url="https://a.b/")) is None
        )

    async def test_absolute_targets_must_be_of_the_base_urls_origin(self) -> None:
        """The transport sends nothing to any origin but its own."""
        async with Transport(Settings(base_url="https://api.example.org")) as transport:
            with pytest.raises(RefusedError, match=r"https://elsewhere\.org"):
                await transport.get("https://elsewhere.org/dois")


class TestCredentials:
    async def test_a_token_goes_to_loopback(self) -> None:
        """On loopback credentials may travel without TLS."""
        _, (request,) = await fetch(http(b"{}"), credentials=SECRET)
        assert request.headers["authorization"] == "Bearer s3cr3t-token"

    async def test_no_credentials_no_header(self) -> None:
        """Anonymous requests carry no Authorization."""
        _, (request,) = await fetch(http(b"{}"))
        assert "authorization" not in request.headers

    def test_name_and_password_are_basic(self) -> None:
        """A name and a password become Basic, in UTF-8."""
        pair = Credentials(username="TIB.TIB", password="pässword")
        assert authorization(pair, "https://api.example.org") == "Basic VElCLlRJQjpww6Rzc3dvcmQ="

    @pytest.mark.parametrize("base", ["http://api.datacite.org", "http://10.0.0.1:80", "http://127.0.0.1.evil.net"])
    def test_plain_http_is_refused(self, base: str) -> None:
        """Credentials never travel in the clear, and the message says what to do without showing them."""
        with pytest.raises(UsageError, match="https://") as caught:
            Transport(Settings(base_url=base, credentials=SECRET))
        assert "s3cr3t" not in str(caught.value)

    @pytest.mark.parametrize("base", ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "https://a.org"])
    def test_loopback_and_tls_are_fine(self, base: str) -> None:
        """Loopback in all its spellings and TLS are good enough."""
        assert authorization(SECRET, base) == "Bearer s3cr3t-token"

    def test_a_token_with_a_line_break_is_refused_unseen(self) -> None:
        """A token that would end the header is refused without being shown."""
        with pytest.raises(UsageError) as caught:
            authorization(Credentials(token="s3cr3t\r\nX: y"), "https://a.org")
        assert "s3cr3t" not in str(caught.value)

    async def test_errors_never_show_credentials(self) -> None:
        """Neither trouble nor the transport's repr shows what is secret."""
        async with (
            Loopback(lambda request: b"") as server,
            Transport(Settings(base_url=server.url, credentials=SECRET)) as transport,
        ):
            with pytest.raises(EtlError) as caught:
                await transport.get("/dois")
            assert "s3cr3t" not in f"{caught.value}{caught.value.__dict__}{transport!r}"


class TestUserAgent:
    def test_it_names_program_and_address(self) -> None:
        """An address makes the caller identified."""
        assert user_agent("ann@example.org").endswith("(mailto:ann@example.org)")
        assert user_agent().startswith("datacite-etl/")

    @pytest.mark.parametrize("address", ["abbot@example.org", "x@Spider.org", "crawl@example.org"])
    async def test_it_never_looks_like_a_crawler(self, address: str) -> None:
        """An address that looks like a crawler's goes into the query string instead."""
        assert address not in user_agent(address)
        _, (request,) = await fetch(http(b"{}"), mailto=address)
        assert request.target == f"/dois?page[size]=0&mailto={address}"

    @pytest.mark.parametrize("address", ["ann", "a@b c", "a@b\r\nX: y", "a@b)", "@b", "é@b.org"])
    def test_what_is_no_address_is_refused(self, address: str) -> None:
        """An address that could not stand in a header is a usage error."""
        with pytest.raises(UsageError, match="mail address"):
            user_agent(address)


class TestBaseUrl:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("https://api.datacite.org", "https://api.datacite.org"),
            ("https://api.datacite.org/", "https://api.datacite.org"),
            ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/v1"),
            ("HTTPS://API.DataCite.org", "https://api.datacite.org"),
        ],
    )
    def test_good_ones_become_canonical(self, given: str, expected: str) -> None:
        """Spellings of the same base are one."""
        assert base_url(given) == expected

    @pytest.mark.parametrize(
        "given",
        [
            "",
            "api.datacite.org",
            "ftp://a.org",
            "https://",
            "http://a:x",
            "http://a:0",
            "http://a b",
            "/dois",
            "http://[",
        ],
    )
    def test_nonsense_is_a_usage_error_with_an_example(self, given: str) -> None:
        """What cannot be a base URL is refused with one that can."""
        with pytest.raises(UsageError, match=r"https://api\.datacite\.org"):
            base_url(given)

    @pytest.mark.parametrize("given", ["https://a.org?x=1", "https://a.org/#x", "https://a.org?"])
    def test_queries_and_fragments_are_refused(self, given: str) -> None:
        """Nothing can hang under a query."""
        with pytest.raises(UsageError, match="query"):
            base_url(given)

    @pytest.mark.parametrize(
        "given", ["https://ann:s3cr3t@a.org", "https://s3cr3t@a.org", "nonsense//ann:s3cr3t@a.org"]
    )
    def test_secrets_in_it_are_refused_unseen(self, given: str) -> None:
        """A password in the URL is refused and not repeated."""
        with pytest.raises(UsageError) as caught:
            base_url(given)
        assert "s3cr3t" not in str(caught.value)
