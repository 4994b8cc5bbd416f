"""The doctor's report on a healthy machine, and on each thing that can be wrong, with its fix."""

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest

from etl.cli import checks as doctor
from etl.cli.checks import State
from etl.cli.doctor import prefect_url
from etl.sandbox import Sandbox
from etl.settings import Credentials, Settings
from tests.conftest import Command, Ran
from tests.support.authority import authority
from tests.support.loopback import Loopback, http

BODY = b'{"data":[],"meta":{"total":7}}'
NOW = 1_790_000_000.0


def states(checks: list[doctor.Check]) -> dict[str, State]:
    return {check.name: check.state for check in checks}


async def said(answer: Callable[[], bytes], **settings: object) -> list[doctor.Check]:
    """Return the report on a server with such an answer."""
    async with Loopback(lambda request: answer()) as server:
        return await doctor.server(Settings(base_url=server.url, **settings), NOW)  # type: ignore[arg-type]


def at(seconds: float) -> str:
    return formatdate(NOW + seconds, usegmt=True)


@pytest.fixture
def examined(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run the doctor in a folder and a home of their own, without Prefect."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_PROFILE", "PREFECT_PROFILES_PATH"):
        monkeypatch.delenv(name, raising=False)
    return lambda *arguments: command("doctor", tmp_path, *arguments)


def test_all_is_well_with_the_sandbox(examined: Callable[..., Ran], box: Sandbox) -> None:
    """Every check, except perhaps that of the disk, is ok, the exit code is 0, and each check is one line."""
    ran = examined("--base-url", box.base_url, "--json")
    assert ran.code == 0
    assert ran.json["ok"]
    found = {check["name"]: check["state"] for check in ran.json["checks"]}
    assert found.pop("disk") in {"ok", "warn"}
    assert set(found) == {
        *("proxy", "certificates", "network", "tier", "clock"),
        *("python", "packages", "destination", "remembered", "prefect"),
    }
    assert set(found.values()) == {"ok"}
    printed = examined("--base-url", box.base_url)
    assert len(printed.out.splitlines()) == len(ran.json["checks"]) + 1


def test_proxy_and_certificates_are_named(
    examined: Callable[..., Ran], nobody: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are reported with their variables, and without the proxy's password."""
    ca, _, _ = authority(tmp_path)
    monkeypatch.setenv("HTTPS_PROXY", nobody.replace("//", "//ann:s3cr3t@"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca))
    ran = examined("--base-url", "https://api.example.org")
    assert f"{nobody} (HTTPS_PROXY)" in ran.out
    assert f"{ca} (REQUESTS_CA_BUNDLE)" in ran.out
    assert f"cannot reach the proxy {nobody}" in ran.out
    assert "s3cr3t" not in ran.out + ran.err
    monkeypatch.setenv("NO_PROXY", "example.org")
    assert (
        "none: HTTPS_PROXY is not set, or NO_PROXY lists the host"
        in examined("--base-url", "https://a.example.org").out
    )


def test_without_a_network_one_line_says_so(examined: Callable[..., Ran], nobody: str) -> None:
    """An unreachable server is one failure with the address; everything else is checked, and the exit code is 1."""
    ran = examined("--base-url", nobody, "--json")
    assert ran.code == 1
    failed = [check for check in ran.json["checks"] if check["state"] == "fail"]
    assert [check["name"] for check in failed] == ["network"]
    assert nobody in failed[0]["says"]
    assert failed[0]["fix"]
    assert "clock" not in {check["name"] for check in ran.json["checks"]}


@pytest.mark.parametrize(
    ("apart", "state"),
    [(0, State.OK), (2, State.OK), (9, State.WARN), (-90, State.WARN), (400, State.FAIL), (-400, State.FAIL)],
)
async def test_a_clock_that_is_off_is_seen_both_ways(apart: int, state: State) -> None:
    """A few seconds are a warning, five minutes are a failure; the fix names the tool."""
    checks = await said(lambda: http(BODY, date=at(apart)))
    [clock] = [check for check in checks if check.name == "clock"]
    assert clock.state is state
    assert ("timedatectl" in clock.fix) is (state is not State.OK)


async def test_a_server_that_tells_no_time_leaves_the_clock_alone() -> None:
    """Without a Date header, or with an invalid one, nothing is reported."""
    for headers in ({}, {"date": "yesterday"}):
        assert "clock" not in states(await said(lambda headers=headers: http(BODY, **headers)))


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (http(b"<html>log in</html>"), State.FAIL),
        (http(b"{}"), State.FAIL),
        (http(b"", status=500), State.FAIL),
        (http(b"", status=429), State.WARN),
    ],
)
async def test_what_answers_must_be_a_datacite_api(answer: bytes, state: State) -> None:
    """A login page, an empty object and an outage are failures; an exhausted limit is not."""
    assert states(await said(lambda: answer))["network"] is state


def test_the_tier_is_named_with_what_raises_it() -> None:
    """Anonymous, with an address, with credentials; none on loopback; refused credentials fail."""
    public = {"base_url": "https://api.datacite.org"}
    anonymous = doctor.tier(Settings(**public))
    assert (anonymous.state, "500" in anonymous.says, "--mailto" in anonymous.fix) == (State.WARN, True, True)
    assert "1,000" in doctor.tier(Settings(**public, mailto="you@example.org")).says
    known = Settings(**public, credentials=Credentials(token="t"))
    assert "3,000" in doctor.tier(known).says
    assert doctor.tier(known, 401).state is State.FAIL
    assert doctor.tier(Settings(base_url="http://127.0.0.1:1")).state is State.OK


async def test_credentials_over_plain_http_are_a_failure_and_are_not_shown() -> None:
    """Nothing is sent to a host where they could be intercepted."""
    settings = Settings(base_url="http://api.example.org", credentials=Credentials(token="hunter2"))
    checks = await doctor.server(settings, NOW)
    assert states(checks)["network"] is State.FAIL
    assert "hunter2" not in str(checks)


def test_half_of_the_credentials_is_a_failure(
    examined: Callable[..., Ran], box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name without a password would silently mean no credentials; the machine is checked all the same."""
    monkeypatch.setenv("DATACITE_ETL_USERNAME", "cern")
    ran = examined("--base-url", box.base_url)
    assert ran.code == 1
    assert "DATACITE_ETL_PASSWORD" in ran.out
    assert "packages" in ran.out


@pytest.mark.parametrize(("version", "state"), [((3, 10), "fail"), ((3, 11), "ok"), ((3, 13), "ok"), ((3, 14), "fail")])
def test_the_versions_of_python_are_those_of_the_package(version: tuple[int, int], state: str) -> None:
    """3.11 to 3.13 are supported, others are not."""
    assert doctor.python(version).state == state


def test_a_package_that_is_missing_or_of_another_version_is_named() -> None:
    """Extras are not needed; bounds come from the package's metadata."""
    required = ["polars<3,>=2.1", "Some_Thing>=15", 'duckdb<3,>=2.0; extra == "duckdb"']
    assert doctor.packages(required, {"polars": "2.1.0", "some-thing": "15.0.0"}).state is State.OK
    wrong = doctor.packages(required, {"polars": "3.0.1"})
    assert wrong.state is State.FAIL
    assert "polars 3.0.1" in wrong.says
    assert "some-thing is missing" in wrong.says
    assert doctor.packages(["a<2.1"], {"a": "2.0.9"}).state is State.OK


def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    """For a folder below a file, or one that does not exist yet, the nearest existing one is tried."""
    assert doctor.writable("destination", tmp_path / "new" / "out", "x").state is State.OK
    missing = doctor.writable("destination", Path("/proc/nowhere/out"), "choose")
    assert (missing.state, missing.fix) == (State.FAIL, "choose")
    assert doctor.disk(tmp_path / "new").says


def test_a_prefect_server_is_asked_where_one_is_configured(
    examined: Callable[..., Ran], box: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its address is taken from the environment or the active profile; one that does not answer fails."""
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    ran = examined("--base-url", box.base_url)
    assert ran.code == 1
    assert "prefect server start" in ran.out
    monkeypatch.delenv("PREFECT_API_URL")
    (tmp_path / ".prefect").mkdir()
    profile = 'active = "ours"\n[profiles.ours]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n'
    (tmp_path / ".prefect" / "profiles.toml").write_text(profile)
    assert examined("--base-url", box.base_url).code == 1


@pytest.mark.parametrize("profiles", ["", "active = 5", "profiles = 3", 'active = "a"\n[profiles]\na = 1', "\0", "["])
def test_profiles_of_prefect_that_say_nothing_are_passed_over(
    profiles: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is in the file, there is no server to check."""
    (tmp_path / "profiles.toml").write_text(profiles)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(tmp_path / "profiles.toml"))
    assert prefect_url() == ""


def test_a_prefect_server_that_answers_is_well() -> None:
    """Its health is requested under the API's address."""

    async def ask() -> tuple[doctor.Check, str]:
        async with Loopback(lambda request: http(b"true")) as server:
            return await doctor.prefect(f"{server.url}/api"), server.requests[0].path

    check, path = asyncio.run(ask())
    assert (check.state, path) == (State.OK, "/api/health")


def test_the_real_clock_agrees_with_the_sandbox(box: Sandbox) -> None:
    """The sandbox sends the time."""
    checks = asyncio.run(doctor.server(Settings(base_url=box.base_url), time.time()))
    assert states(checks) == {"network": State.OK, "tier": State.OK, "clock": State.OK}
