"""Scroll mode of `/dois` (api-notes 2.7): the id of a scroll encodes the request and the position."""

from __future__ import annotations

import base64
import binascii

import msgspec

from etl.sandbox.answer import dump, not_found
from etl.sandbox.params import Params

_MARK = "scroll"


def token(params: Params, position: int) -> str:
    """Make the id that continues a scroll at a position."""
    plain = {name: value for name, value in params.plain.items() if name != "scroll_id"}
    return base64.urlsafe_b64encode(dump([_MARK, plain, dict(params.fields), position])).decode()


def resume(params: Params) -> tuple[Params, int]:
    """Return the parameters of the scroll's first request and the position reached.

    Raises the server's 404 for an unknown or expired id.
    """
    known = params.get("scroll_id")
    if known is None:
        return params, 0
    try:
        mark, plain, fields, position = msgspec.json.decode(base64.b64decode(known, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError) as error:
        raise not_found() from error
    if mark != _MARK:
        raise not_found()
    return Params(plain=plain, page=params.page, fields=fields), position
