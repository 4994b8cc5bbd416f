"""Explain errors of lists that a server no longer has: API v1 is switched off, and some lists were never data.

Pure.
"""

from http import HTTPStatus

from etl.errors import AnswerError, ProtocolError, RefusedError
from etl.schema.declarations import Resource


def explain(error: AnswerError, resource: Resource) -> AnswerError:
    """Return an error that says what to use instead, or the same error if the list exists.

    The current server looks an unknown path up as a DOI and answers 404 (api-notes 1.1).
    """
    if not resource.successor:
        return error
    if isinstance(error, RefusedError) and error.status == HTTPStatus.NOT_FOUND:
        message = f"the server has no {resource.path}: DataCite has switched API v1 off"
        return RefusedError(message, fix=resource.successor, url=error.url, status=error.status)
    # HTML may be a firewall's, so it is still retried; if the list was always a web page, the advice is ready.
    if isinstance(error, ProtocolError) and "is HTML" in error.message:
        return ProtocolError(error.message, fix=resource.successor, url=error.url, status=error.status)
    return error
