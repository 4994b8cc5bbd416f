"""Base URLs, and redirects within their origin; nothing is sent to any other."""

import re
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from yarl import URL

from etl.api.http.answer import Sealed
from etl.errors import RefusedError, UsageError
from etl.errors.redaction import shortened

_REDIRECTS = {301, 302, 303, 307, 308}
_LONGEST = 200


def redirect(sealed: Sealed) -> str | None:
    """Return the URL that the answer redirects to, or None.

    RefusedError if it is not a URL, is of another origin, or brings credentials of its own.
    """
    location = sealed.headers.get("location")
    if sealed.status not in _REDIRECTS or not location:
        return None
    try:
        target = urljoin(sealed.url, location)
        check_same_origin(sealed.url, target)
        credentials = "@" in urlsplit(target).netloc
    except ValueError:
        target, credentials = "", True
    if credentials:
        shown = shortened(re.sub(r"//[^/]*@", "//…@", location), _LONGEST)
        raise RefusedError(f"{site(sealed.url)} redirects to '{shown}'", fix="check --base-url", url=sealed.url)
    return quote(target, safe="%/:?#[]@!$&'()*+,;=~")


def base_url(text: str) -> str:
    """Return a base URL in canonical form, without a slash at its end; UsageError if it cannot be one."""
    parts = _split(text)
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            "the base URL contains a name or a password",
            fix="put them into DATACITE_ETL_USERNAME and DATACITE_ETL_PASSWORD",
        )
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise UsageError(f"the base URL {text!r} has a query or a fragment", fix="give the part before ? and #")
    return str(URL(text)).rstrip("/")


def check_same_origin(url: str, target: str) -> None:
    """Raise RefusedError for a target of another origin than the URL's, ValueError if it is not a URL."""
    if _origin(url) != _origin(target):
        other = shortened(site(target), _LONGEST)
        raise RefusedError(
            f"{site(url)} redirects to another host, {other}",
            fix=f"if that is meant, use --base-url {other}",
            url=url,
        )


def site(url: str) -> str:
    """Name the origin for people."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _split(text: str) -> SplitResult:
    fix = "write it like https://api.datacite.org"
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or re.search(r"[\s\x00-\x1f\\]", text):
        shown = re.sub(r"//[^/]*@", "//…@", text)
        raise UsageError(f"{shown!r} is not a base URL", fix=fix)
    return parts


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}:{port}"
