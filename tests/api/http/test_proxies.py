"""Which hosts are reached through a proxy, and what a proxy may be called."""

import pytest

from etl.api.http.proxies import Proxy, is_direct, proxy_for
from etl.errors import UsageError
from etl.settings import Network

NETWORK = Network(http_proxy="http://plain:3128", https_proxy="http://sealed:3128", no_proxy="mirror.example.org")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.datacite.org", Proxy(url="http://sealed:3128", variable="HTTPS_PROXY")),
        ("http://api.datacite.org", Proxy(url="http://plain:3128", variable="HTTP_PROXY")),
        ("https://mirror.example.org", None),
        ("http://127.0.0.1:8080", None),
        ("http://localhost:8080", None),
        ("https://[::1]:8080", None),
    ],
)
def test_the_scheme_chooses_and_this_machine_needs_none(url: str, expected: Proxy | None) -> None:
    """Loopback is never asked for by way of another machine."""
    assert proxy_for(url, NETWORK) == expected


@pytest.mark.parametrize(
    "no_proxy",
    [
        *("api.example.org", "example.org", ".example.org", "*.example.org", "EXAMPLE.org", "*"),
        *("x, example.org", "x example.org", "api.example.org:443", "example.org:443"),
    ],
)
def test_a_host_that_is_listed_is_reached_directly(no_proxy: str) -> None:
    """By name, by domain in each spelling that is in use, with a port or without."""
    assert is_direct("api.example.org", 443, no_proxy)


@pytest.mark.parametrize("no_proxy", ["", ",", "ample.org", "other.org", "api.example.org:80", "10.0.0.0/8", "."])
def test_a_host_that_is_not_listed_is_not(no_proxy: str) -> None:
    """Half a name lists nothing."""
    assert not is_direct("api.example.org", 443, no_proxy)


@pytest.mark.parametrize("no_proxy", ["10.0.0.0/8", "10.1.2.3", "fe80::/10,10.1.0.0/16"])
def test_networks_are_listed_by_prefix(no_proxy: str) -> None:
    """As companies write them."""
    assert is_direct("10.1.2.3", 80, no_proxy)
    assert not is_direct("11.1.2.3", 80, no_proxy)


def test_credentials_are_taken_apart_and_never_shown() -> None:
    """A password may hold what a URL may not."""
    proxy = proxy_for("https://a.org", Network(https_proxy="ann:p%40ss%2Fword@[fe80::1]:3128"))
    assert proxy == Proxy(url="http://[fe80::1]:3128", variable="HTTPS_PROXY", username="ann", password="p@ss/word")
    assert "p@ss" not in f"{proxy}{proxy!r}"
    assert "ss" not in repr(Network(https_proxy="http://ann:pass@proxy"))


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://ann:s3cr3t@proxy:99999", "HTTPS_PROXY is not the URL of a proxy"),
        ("http://[::1", "HTTPS_PROXY is not the URL of a proxy"),
        ("ftp://ann:s3cr3t@proxy", "HTTPS_PROXY is not the URL of a proxy"),
        ("http://", "HTTPS_PROXY is not the URL of a proxy"),
        ("socks5://ann:s3cr3t@proxy:1080", "a SOCKS proxy"),
    ],
)
def test_what_cannot_be_a_proxy_is_refused_unseen(proxy: str, words: str) -> None:
    """With the variable's name and an example, without the password."""
    with pytest.raises(UsageError, match=f"{words}.*http://proxy.example.org:3128") as caught:
        proxy_for("https://a.org", Network(https_proxy=proxy))
    assert "s3cr3t" not in str(caught.value)
