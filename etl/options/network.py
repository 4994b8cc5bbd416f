"""The proxies and certificates that the environment names, by the variables that curl and Python know."""

import os
from urllib.request import getproxies_environment

from etl.settings import Network

_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def network() -> Network:
    """Read the environment; names in lower case come before those in capitals, ALL_PROXY after both."""
    proxies = getproxies_environment()
    every = proxies.get("all", "")
    return Network(
        http_proxy=proxies.get("http") or every,
        https_proxy=proxies.get("https") or every,
        no_proxy=proxies.get("no", ""),
        authorities=tuple((name, path) for name in _AUTHORITIES if (path := os.environ.get(name, ""))),
    )
