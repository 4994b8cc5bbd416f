"""What an answer means where a server no longer has a list: the old API was switched off, and some was never data.

Pure; who asks, and who tells the user, are other files.
"""

from http import HTTPStatus

from etl.errors import AnswerError, ProtocolError, RefusedError
from etl.schema.declarations import Resource


def told(error: AnswerError, resource: Resource) -> AnswerError:
    """Return the error that says what to use instead, or the same error if the list is not what is missing.

    A path that the server of today does not know is looked up there as a DOI, and so is a 404 (api-notes 1.1).
    """
    if not resource.successor:
        return error
    if isinstance(error, RefusedError) and error.status == HTTPStatus.NOT_FOUND:
        message = f"the server has no {resource.path}: DataCite has switched the API v1 off"
        return RefusedError(message, fix=resource.successor, url=error.url, status=error.status)
    # A firewall's page passes; a list that only ever was one does not, so the retries stay and the advice is ready.
    if isinstance(error, ProtocolError) and "is HTML" in error.message:
        return ProtocolError(error.message, fix=resource.successor, url=error.url, status=error.status)
    return error
