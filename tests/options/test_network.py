"""The environment's proxies and certificates."""

import pytest

from etl.options.network import network
from etl.settings import Network

NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
FILES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NAMES, *map(str.lower, NAMES), *FILES):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("spelled", [str.upper, str.lower])
def test_names_are_read_in_capitals_and_in_lower_case(spelled, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read as by curl and Python."""
    for name in NAMES:
        monkeypatch.setenv(spelled(name), name)
    assert network() == Network(http_proxy="HTTP_PROXY", https_proxy="HTTPS_PROXY", no_proxy="NO_PROXY")


def test_one_variable_names_the_proxy_of_all_schemes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheme's own proxy takes precedence."""
    monkeypatch.setenv("ALL_PROXY", "every")
    monkeypatch.setenv("https_proxy", "own")
    assert network() == Network(http_proxy="every", https_proxy="own")


def test_every_variable_of_certificates_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty ones count as unset."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/r.pem")
    monkeypatch.setenv("SSL_CERT_FILE", "/s.pem")
    monkeypatch.setenv("SSL_CERT_DIR", "")
    assert network().authorities == (("SSL_CERT_FILE", "/s.pem"), ("REQUESTS_CA_BUNDLE", "/r.pem"))
