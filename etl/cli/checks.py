"""Check what a run needs from the machine, the network and the server, each with a fix.

Nothing is changed, except that a file is written and removed as a test. Paths, URLs and the time are arguments.
"""

import importlib.metadata
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from etl.api import document
from etl.api.http.answer import Reply
from etl.api.http.certificates import trust
from etl.api.http.origins import base_url
from etl.api.http.proxies import proxy_for
from etl.api.transport import Transport
from etl.errors import AnswerError, UsageError
from etl.settings import Network, Settings, loopback

PYTHONS = ((3, 11), (3, 13))
SKEW = (5.0, 300.0)
"""Seconds by which this clock may differ: the first is reported; beyond the second, certificates may be refused."""
FREE = (1_000_000_000, 10_000_000_000)
"""Free bytes: below the first hardly any export fits, below the second none of millions of records."""
_PACKAGE = "datacite-etl"


class State(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check; `fix` says what to do if it is not OK."""

    name: str
    state: State
    says: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is checked: the folder for exports, the folder for state, and Prefect's API if one is configured."""

    destination: Path
    remembered: Path
    prefect: str = ""


def machine(around: Surroundings) -> Iterator[Check]:
    """Check what needs no network: Python, packages, disk, folders."""
    yield python(sys.version_info[:2])
    yield packages(importlib.metadata.requires(_PACKAGE) or (), _versions())
    yield disk(around.destination)
    yield writable("destination", around.destination, "choose a folder that you may write to")
    yield writable("remembered", around.remembered, "point XDG_STATE_HOME to a folder that you may write to")


def route(settings: Settings) -> Iterator[Check]:
    """Report the proxy to the server, and the trusted certificates."""
    url = settings.base_url
    try:
        proxy = proxy_for(base_url(url), settings.network)
        trust(settings.network)
    except UsageError as error:
        yield Check(name="proxy", state=State.FAIL, says=error.message, fix=error.fix)
        return
    variable = f"{urlsplit(url).scheme.upper()}_PROXY"
    none = f"none: {variable} is not set, or NO_PROXY lists the host"
    yield Check(name="proxy", state=State.OK, says=f"{proxy} ({proxy.variable})" if proxy else none)
    named = "".join(f", and {path} ({variable})" for variable, path in settings.network.authorities)
    yield Check(name="certificates", state=State.OK, says=f"the system's{named}")


async def server(settings: Settings, now: float) -> list[Check]:
    """Check the network, the rate limit and the clock with one small request."""
    try:
        async with Transport(settings) as transport:
            reply = await transport.get("/clients?page%5Bsize%5D=0")
    except (AnswerError, UsageError) as error:
        return [Check(name="network", state=State.FAIL, says=error.message, fix=error.fix), tier(settings)]
    return [*response(reply), tier(settings, reply.status), *clock(reply.headers, now)]


async def prefect(url: str, network: Network = Network()) -> Check:
    """Check whether a Prefect server answers, if one is configured."""
    if not url:
        says = "no server is configured: each flow starts a temporary one"
        return Check(name="prefect", state=State.OK, says=says)
    fix = "start it with 'prefect server start', or unset PREFECT_API_URL"
    try:
        async with Transport(Settings(base_url=url, network=network, connect_timeout=5, read_timeout=10)) as transport:
            reply = await transport.get("/health")
    except (AnswerError, UsageError) as error:
        return Check(name="prefect", state=State.FAIL, says=error.message, fix=fix)
    if reply.status >= 500 or reply.status == 404:
        return Check(name="prefect", state=State.FAIL, says=f"{url} answers {reply.status}", fix=fix)
    return Check(name="prefect", state=State.OK, says=f"{url} answers")


def python(version: tuple[int, int]) -> Check:
    """Check the version of Python."""
    first, last = PYTHONS
    says = f"Python {version[0]}.{version[1]}"
    if first <= version <= last:
        return Check(name="python", state=State.OK, says=says)
    fix = f"install Python {first[0]}.{first[1]} to {last[0]}.{last[1]}"
    return Check(name="python", state=State.FAIL, says=f"{says} is not supported", fix=fix)


def packages(required: Sequence[str], installed: Mapping[str, str]) -> Check:
    """Check the versions of the required packages."""
    requirements = [Requirement(text) for text in required]
    needed = [
        (canonicalize_name(wanted.name), wanted.specifier)
        for wanted in requirements
        if not wanted.marker or wanted.marker.evaluate()
    ]
    wrong = [
        f"{name} {installed.get(name, 'is missing')} (needs {bounds})"
        for name, bounds in needed
        if name not in installed or not bounds.contains(installed[name], prereleases=True)
    ]
    if wrong:
        fix = "install again: pip install -U datacite-etl"
        return Check(name="packages", state=State.FAIL, says="; ".join(wrong), fix=fix)
    shown = ", ".join(f"{name} {installed[name]}" for name, _ in needed)
    own = installed.get(_PACKAGE, "")
    return Check(name="packages", state=State.OK, says=f"{_PACKAGE} {own}: {shown}")


def disk(folder: Path) -> Check:
    """Check the free space for exports."""
    free = shutil.disk_usage(_standing(folder)).free
    says = f"{free / 1e9:,.1f} GB free at {folder}"
    if free >= FREE[1]:
        return Check(name="disk", state=State.OK, says=says)
    fix = "a million records take 1.5 GB, and as much again while they are written: free space, or choose another disk"
    return Check(name="disk", state=State.FAIL if free < FREE[0] else State.WARN, says=says, fix=fix)


def writable(name: str, folder: Path, fix: str) -> Check:
    """Check whether files can be written in a folder, or where it would be created."""
    standing = _standing(folder)
    try:
        with TemporaryFile(dir=standing):
            pass
    except OSError as error:
        return Check(name=name, state=State.FAIL, says=f"cannot write in {standing}: {error.strerror}", fix=fix)
    return Check(name=name, state=State.OK, says=f"{folder} is writable")


def response(reply: Reply) -> Iterator[Check]:
    """Check whether a response is that of a DataCite API."""
    site = reply.url.partition("?")[0].removesuffix("/clients")
    if reply.status == 200:
        try:
            total = document.read_document(reply.body).meta.get("total")
        except AnswerError:
            total = None
        if total is None:
            yield Check(
                name="network",
                state=State.FAIL,
                says=f"{site} answers, but not as a DataCite API",
                fix="check --base-url; behind a proxy or a login page, see whether it lets this program through",
            )
            return
        yield Check(name="network", state=State.OK, says=f"{site} answered in {reply.seconds:.1f} s")
    elif reply.status == 429:
        yield Check(name="network", state=State.WARN, says=f"{site} says: too many requests", fix="wait five minutes")
    elif reply.status == 401:
        yield Check(name="network", state=State.OK, says=f"{site} answered in {reply.seconds:.1f} s")
    else:
        fix = "wait and try again; https://status.datacite.org lists outages"
        yield Check(name="network", state=State.FAIL, says=f"{site} answers {reply.status}", fix=fix)


def tier(settings: Settings, status: int = 200) -> Check:
    """Report the rate limit and its reason; refused credentials are a failure."""
    rate = f"{settings.tier:,} requests per 5 minutes"
    if settings.credentials:
        if status == 401:
            fix = "check DATACITE_ETL_TOKEN, or DATACITE_ETL_USERNAME and DATACITE_ETL_PASSWORD"
            return Check(name="tier", state=State.FAIL, says="the server refuses these credentials", fix=fix)
        return Check(name="tier", state=State.OK, says=f"authenticated: {rate}")
    if loopback(urlsplit(settings.base_url).hostname or ""):
        return Check(name="tier", state=State.OK, says="a server on this machine: no limit")
    if settings.mailto:
        return Check(name="tier", state=State.OK, says=f"mailto {settings.mailto}: {rate}")
    fix = "give --mailto you@example.org, or set DATACITE_ETL_MAILTO: 1,000 requests instead of 500"
    return Check(name="tier", state=State.WARN, says=f"anonymous: {rate}", fix=fix)


def clock(headers: Mapping[str, str], now: float) -> Iterator[Check]:
    """Compare this machine's clock with the server's, if it sends its time."""
    try:
        theirs = parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError):
        return
    apart = abs(now - theirs)
    if apart < SKEW[0]:
        yield Check(name="clock", state=State.OK, says="agrees with the server's")
        return
    says = f"is {apart:,.0f} s {'ahead of' if now > theirs else 'behind'} the server's"
    fix = "synchronise it (timedatectl set-ntp true): runs go by the server's clock, but schedules and logs by this one"
    yield Check(name="clock", state=State.FAIL if apart >= SKEW[1] else State.WARN, says=says, fix=fix)


def _versions() -> dict[str, str]:
    installed = importlib.metadata.distributions()
    return {canonicalize_name(package.name): package.version for package in installed if package.name}


def _standing(folder: Path) -> Path:
    """Return the folder, or its nearest parent that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
