"""What a run needs of the machine, the network and the server: looked at one by one, each with what mends it.

Nothing is changed but for a file that is written and removed to see that it can be. The shell says which paths and
addresses are meant, and what time it is.
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
from etl.api.http.certificates import trusted
from etl.api.http.origins import base_url
from etl.api.http.proxies import proxy_for
from etl.api.transport import Transport
from etl.errors import AnswerError, UsageError
from etl.settings import Network, Settings, loopback

PYTHONS = ((3, 11), (3, 13))
SKEW = (60.0, 300.0)
"""Seconds by which this clock may differ: from the first on it is pointed out; from the second on watermarks, which
look back ten minutes, are in danger."""
FREE = (1_000_000_000, 10_000_000_000)
"""Bytes on disk: below the first hardly any export fits, below the second not those of millions of records."""
_PACKAGE = "datacite-etl"


class State(StrEnum):
    """How a thing is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at; `fix` says what to do unless all is well."""

    name: str
    state: State
    says: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is looked at: the folder exports go to, that of what runs remember, Prefect's API if one is configured."""

    destination: Path
    remembered: Path
    prefect: str = ""


def machine(around: Surroundings) -> Iterator[Check]:
    """Look at what needs no network: Python, packages, disk, folders."""
    yield python(sys.version_info[:2])
    yield packages(importlib.metadata.requires(_PACKAGE) or (), _versions())
    yield disk(around.destination)
    yield writable("destination", around.destination, "choose a folder that you may write to")
    yield writable("remembered", around.remembered, "point XDG_STATE_HOME to a folder that you may write to")


def route(settings: Settings) -> Iterator[Check]:
    """Say by which proxy the server is reached, and which certificates are trusted."""
    url = settings.base_url
    try:
        proxy = proxy_for(base_url(url), settings.network)
        trusted(settings.network)
    except UsageError as error:
        yield Check(name="proxy", state=State.FAIL, says=error.message, fix=error.fix)
        return
    variable = f"{urlsplit(url).scheme.upper()}_PROXY"
    none = f"none: {variable} is not set, or NO_PROXY lists the host"
    yield Check(name="proxy", state=State.OK, says=f"{proxy} ({proxy.variable})" if proxy else none)
    named = "".join(f", and {path} ({variable})" for variable, path in settings.network.authorities)
    yield Check(name="certificates", state=State.OK, says=f"the system's{named}")


async def server(settings: Settings, now: float) -> list[Check]:
    """Ask the API one small question; what its answer tells of the network, the caller's tier and the clock."""
    try:
        async with Transport(settings) as transport:
            reply = await transport.get("/clients?page%5Bsize%5D=0")
    except (AnswerError, UsageError) as error:
        return [Check(name="network", state=State.FAIL, says=error.message, fix=error.fix), tier(settings)]
    return [*answered(reply), tier(settings, reply.status), *clock(reply.headers, now)]


async def prefect(url: str, network: Network = Network()) -> Check:
    """Ask whether a Prefect server answers at its API's address, if there is one."""
    if not url:
        says = "no server is configured: flows bring up one of their own for as long as they run"
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
    """Judge the version of Python."""
    first, last = PYTHONS
    said = f"Python {version[0]}.{version[1]}"
    if first <= version <= last:
        return Check(name="python", state=State.OK, says=said)
    fix = f"install Python {first[0]}.{first[1]} to {last[0]}.{last[1]}"
    return Check(name="python", state=State.FAIL, says=f"{said} is not supported", fix=fix)


def packages(required: Sequence[str], installed: Mapping[str, str]) -> Check:
    """Judge the packages that are needed always, given as requirements, by the versions that are there."""
    every = [Requirement(text) for text in required]
    needed = [(canonicalize_name(one.name), one.specifier) for one in every if not one.marker or one.marker.evaluate()]
    wrong = [
        f"{name} {installed.get(name, 'is missing')} (wants {bounds})"
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
    """Judge the space that is free where exports go."""
    free = shutil.disk_usage(_standing(folder)).free
    said = f"{free / 1e9:,.1f} GB free at {folder}"
    if free >= FREE[1]:
        return Check(name="disk", state=State.OK, says=said)
    fix = "a million records take 1.5 GB, and as much again while they are written: make room or choose another disk"
    return Check(name="disk", state=State.FAIL if free < FREE[0] else State.WARN, says=said, fix=fix)


def writable(name: str, folder: Path, fix: str) -> Check:
    """See whether files can be written in a folder, or where it would be made."""
    standing = _standing(folder)
    try:
        with TemporaryFile(dir=standing):
            pass
    except OSError as error:
        return Check(name=name, state=State.FAIL, says=f"cannot write in {standing}: {error.strerror}", fix=fix)
    return Check(name=name, state=State.OK, says=f"{folder} can be written")


def answered(reply: Reply) -> Iterator[Check]:
    """Judge whether an answer is one of a DataCite API."""
    site = reply.url.partition("?")[0].removesuffix("/clients")
    if reply.status == 200:
        try:
            total = document.read(reply.body).meta.get("total")
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
        fix = "wait and try again; https://status.datacite.org tells of outages"
        yield Check(name="network", state=State.FAIL, says=f"{site} answers {reply.status}", fix=fix)


def tier(settings: Settings, status: int = 200) -> Check:
    """Say how often one may ask, and as whom; credentials that the server did not take are a failure."""
    rate = f"{settings.tier:,} requests in 5 minutes"
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
    """Compare this machine's clock with the server's, if it tells its own."""
    try:
        theirs = parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError):
        return
    apart = abs(now - theirs)
    if apart < SKEW[0]:
        yield Check(name="clock", state=State.OK, says="agrees with the server's")
        return
    says = f"is {apart:,.0f} s {'ahead of' if now > theirs else 'behind'} the server's"
    fix = "set this machine's clock by the network (timedatectl set-ntp true): syncs begin where runs say they were"
    yield Check(name="clock", state=State.FAIL if apart >= SKEW[1] else State.WARN, says=says, fix=fix)


def _versions() -> dict[str, str]:
    found = importlib.metadata.distributions()
    return {canonicalize_name(each.name): each.version for each in found if each.name}


def _standing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.is_dir())
