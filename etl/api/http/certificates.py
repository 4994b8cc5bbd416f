"""Which certificates are trusted: the system's, and those of files and folders that the user names besides."""

import ssl
from pathlib import Path

from etl.errors import UsageError
from etl.settings import Network

_FIX = "point it to a file of certificates in PEM form, or unset it"
_UNKNOWN_ISSUER = {18, 19, 20, 21}
"""OpenSSL's codes for certificates that lead to none that is trusted."""


def trust(network: Network) -> ssl.SSLContext | bool:
    """Return the certificates that connections trust; True for those of the system alone.

    UsageError for a file or folder that cannot be read.
    """
    if not network.authorities:
        return True
    context = ssl.create_default_context()
    for variable, path in network.authorities:
        _load(context, variable, path)
    return context


def advice(error: Exception) -> str:
    """Suggest a fix for a certificate that is not trusted."""
    if getattr(error, "verify_code", None) in _UNKNOWN_ISSUER:
        return "if a proxy or mirror of yours signs it, set SSL_CERT_FILE to the PEM file of its authority"
    return "check --base-url and this machine's clock"


def _load(context: ssl.SSLContext, variable: str, path: str) -> None:
    folder = Path(path).is_dir()
    try:
        context.load_verify_locations(cafile=None if folder else path, capath=path if folder else None)
    except ssl.SSLError as error:
        raise UsageError(f"{variable}: {path} holds no certificates", fix=_FIX) from error
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise UsageError(f"{variable}: {path}: {reason}", fix=_FIX) from error
