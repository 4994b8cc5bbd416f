"""The sandbox on a socket: headers, compression, limits, faults and the log."""

import gzip
import http.client
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from etl.sandbox import Corpus, Sandbox, running
from etl.sandbox.faults import KINDS, parse_fault

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(corpus):
    with running(corpus) as sandbox:
        yield sandbox


def fetch(base_url, target, method="GET", **headers):
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc)
    try:
        connection.request(method, target, headers={name.replace("_", "-"): one for name, one in headers.items()})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def test_json_comes_with_the_headers_of_the_real_server(server):
    """The media type, the consumer and the version are named."""
    status, headers, _ = fetch(server.base_url, "/dois?page[size]=1")
    assert status == 200
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["X-Anonymous-Consumer"] == "true"
    assert headers["X-LupoVersion"]


def test_a_credential_is_named_instead(server):
    """With an Authorization header the answer names a user instead of an anonymous consumer."""
    _, headers, _ = fetch(server.base_url, "/dois?page[size]=1", Authorization="Bearer x")
    assert "X-Credential-Username" in headers
    assert "X-Anonymous-Consumer" not in headers


@pytest.mark.parametrize("target", ["/dois?page[size]=1000", "/clients", "/dois?page[size]=0"])
def test_gzip_says_the_same(server, target):
    """The compressed body holds the bytes of the plain one."""
    _, plain_headers, plain = fetch(server.base_url, target)
    _, headers, packed = fetch(server.base_url, target, Accept_Encoding="gzip, br")
    assert "Content-Encoding" not in plain_headers
    unpacked = gzip.decompress(packed) if headers.get("Content-Encoding") == "gzip" else packed
    assert unpacked == plain


def test_pages_are_worth_compressing(server):
    """A page of a thousand records shrinks to less than half."""
    _, _, plain = fetch(server.base_url, "/dois?page[size]=1000")
    _, _, packed = fetch(server.base_url, "/dois?page[size]=1000", Accept_Encoding="gzip")
    assert len(packed) < len(plain) / 2


def test_links_lead_back_to_the_server(server):
    """Next links have the address of the request."""
    _, _, body = fetch(server.base_url, "/dois?page[size]=1&page[cursor]=1")
    assert json.loads(body)["links"]["next"].startswith(f"{server.base_url}/dois?")


def test_the_heartbeat_is_plain_text(server):
    """A heartbeat is OK in plain text."""
    status, headers, body = fetch(server.base_url, "/heartbeat")
    assert (status, headers["Content-Type"], body) == (200, "text/plain; charset=utf-8", b"OK")


def test_the_root_leads_to_the_documentation(server):
    """`/` is a permanent redirect."""
    status, headers, _ = fetch(server.base_url, "/")
    assert (status, headers["Location"]) == (301, "https://support.datacite.org/docs/api")


def test_writing_needs_a_credential(server):
    """A POST is refused with a 401."""
    status, _, body = fetch(server.base_url, "/dois", method="POST")
    assert status == 401
    assert json.loads(body)["errors"][0]["title"] == "Bad credentials."


def test_requests_are_logged_in_order(corpus):
    """The log has the requested targets, their statuses, and repeated requests."""
    with running(corpus) as sandbox:
        for target in ("/dois?page[size]=0", "/works", "/dois?page[size]=0"):
            fetch(sandbox.base_url, target)
        assert [(one.target, one.status) for one in sandbox.requests] == [
            ("/dois?page[size]=0", 200),
            ("/works", 404),
            ("/dois?page[size]=0", 200),
        ]
        assert sandbox.repeated() == {"/dois?page[size]=0": 2}
        assert sandbox.mishaps == []


@pytest.mark.parametrize(
    ("target", "headers", "tier"),
    [
        ("/heartbeat", {}, "unidentified"),
        ("/heartbeat", {"User_Agent": "etl (mailto:me@example.org)"}, "identified"),
        ("/heartbeat?mailto=me@example.org", {}, "identified"),
        ("/heartbeat", {"Authorization": "Basic x", "User_Agent": "me@example.org"}, "authenticated"),
    ],
)
def test_tiers_are_told_apart(server, target, headers, tier):
    """Credentials take precedence over an address, and an address over nothing."""
    fetch(server.base_url, target, **headers)
    assert server.requests[-1].tier == tier


def test_the_limit_of_a_tier_is_kept_when_enforced(corpus):
    """Request 501 of a window is a 429; the next window starts from zero."""
    now = [0.0]
    with running(corpus, enforce_limits=True, window=10.0, clock=lambda: now[0]) as sandbox:
        statuses = [fetch(sandbox.base_url, "/heartbeat")[0] for _ in range(501)]
        assert (statuses[:500].count(200), statuses[500]) == (500, 429)
        assert fetch(sandbox.base_url, "/heartbeat?mailto=a@b.org")[0] == 200
        now[0] = 10.0
        assert fetch(sandbox.base_url, "/heartbeat")[0] == 200


def test_limits_are_only_counted_by_default(server):
    """Without enforcement the meter counts but refuses nothing."""
    before = server.meter.counts["unidentified"]
    fetch(server.base_url, "/heartbeat")
    assert server.meter.counts["unidentified"] == before + 1


def test_every_third_request_can_be_refused(corpus):
    """`429=3` answers each third request with the text of the rate limiter and no Retry-After."""
    with running(corpus, faults=["429=3"]) as sandbox:
        answers = [fetch(sandbox.base_url, "/heartbeat") for _ in range(6)]
    assert [status for status, _, _ in answers] == [200, 200, 429, 200, 200, 429]
    assert b"rate limited" in answers[2][2]
    assert "Retry-After" not in answers[2][1]


def test_errors_strike_a_share_the_same_way_every_time(corpus):
    """`error=503:0.3` strikes about a third of requests, the same ones for the same seed."""
    runs = []
    for _ in range(2):
        with running(corpus, faults=["error=503:0.3"], seed=4) as sandbox:
            runs.append([fetch(sandbox.base_url, "/heartbeat")[0] for _ in range(60)])
    assert runs[0] == runs[1]
    assert 5 < runs[0].count(503) < 35


def test_a_truncated_body_ends_too_early(corpus):
    """`truncate` announces a whole body and hangs up in the middle."""
    with running(corpus, faults=["truncate=1"]) as sandbox, pytest.raises(http.client.IncompleteRead):
        fetch(sandbox.base_url, "/dois?page[size]=50")


def test_html_can_come_with_a_200(corpus):
    """`html200` answers success with a page that is not JSON."""
    with running(corpus, faults=["html200=1"]) as sandbox:
        status, headers, body = fetch(sandbox.base_url, "/dois")
    assert (status, headers["Content-Type"], body[:6]) == (200, "text/html", b"<html>")


@pytest.mark.parametrize("text", ["nosuch=1", "error=often", "error=503:2", "latency=long", "429=often"])
def test_faults_that_cannot_be_read_are_refused(text):
    """A wrong fault is refused in one line that repeats it or names the known ones."""
    with pytest.raises(ValueError, match="fault") as caught:
        parse_fault(text)
    assert "\n" not in str(caught.value)


def test_latency_is_read_in_milliseconds():
    """`latency=250` waits a quarter of a second, with every request."""
    fault = parse_fault("latency=250")
    assert (fault.delay, fault.strikes(1, 0), "latency" in KINDS) == (0.25, True, True)


def test_several_sandboxes_run_side_by_side(corpus):
    """Each sandbox uses its own free port."""
    with running(corpus) as first, running(Corpus.generate(records=10)) as second:
        totals = [json.loads(fetch(one.base_url, "/dois?page[size]=0")[2])["meta"]["total"] for one in (first, second)]
    assert totals == [2000, 10]


async def test_a_sandbox_can_share_the_loop_of_its_user(corpus):
    """As an asynchronous context manager a sandbox has an address inside and releases it afterwards."""
    async with Sandbox(corpus) as sandbox:
        assert sandbox.base_url.startswith("http://127.0.0.1:")


def test_the_program_prints_its_address_first_and_ends_with_its_input():
    """`python -m etl.sandbox` prints its address in the first line and stops when its stdin closes."""
    command = [sys.executable, "-m", "etl.sandbox", "--records", "50", "--until-stdin-closes"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as process:
        url = process.stdout.readline().decode().strip()
        total = json.loads(fetch(url, "/dois?page[size]=0")[2])["meta"]["total"]
        process.stdin.close()
        assert process.wait(timeout=20) == 0
        assert (total, process.stdout.read(), process.stderr.read()) == (50, b"", b"")


def test_the_program_refuses_unknown_faults():
    """A wrong `--fault` ends the program with a line that names the known ones."""
    command = [sys.executable, "-m", "etl.sandbox", "--fault", "nosuch=1"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert ended.returncode == 2
    assert "known are latency, error" in ended.stderr
