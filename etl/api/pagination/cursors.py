"""The tokens of `page[cursor]`: taken out of links, decoded and made (api-notes 2.3, 2.4). `pagination` uses them."""

import base64
import binascii
from urllib.parse import parse_qs, urlsplit

from etl.errors import ProtocolError
from etl.errors.redaction import shortened


def cursor_of(link: str) -> str:
    """Take the cursor out of a link, whether its brackets are percent-encoded or not."""
    values = parse_qs(urlsplit(link).query, keep_blank_values=True).get("page[cursor]", [])
    if not values or not values[-1]:
        raise ProtocolError("the server's link to the next page has no cursor")
    return values[-1]


def make_cursor(milliseconds: int, uid: str) -> str:
    """Make the cursor that continues after the record created then, of that (lower-cased) id."""
    return base64.urlsafe_b64encode(f"{milliseconds},{uid}".encode()).rstrip(b"=").decode()


def read_cursor(token: str) -> tuple[int, str]:
    """Return a cursor's epoch milliseconds and id; ProtocolError if it is damaged: the walk would start over."""
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
        milliseconds, _, uid = text.partition(",")
        return int(milliseconds), uid
    except (binascii.Error, ValueError) as error:
        raise ProtocolError(f"the server's next cursor is damaged: '{shortened(token, 80)}'") from error
