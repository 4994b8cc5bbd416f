"""Bodies: inflated under a limit, whatever arrives."""

from typing import cast

from isal import isal_zlib

from etl.api.http.answer import Reply, Sealed
from etl.api.http.origins import site
from etl.errors import ConnectionLostError, ProtocolError, TooLargeError
from etl.errors.redaction import shortened

_MEMBERS = 64
"""More members than any server writes: each costs a copy of all that follow it."""
_DAMAGED = cast("type[Exception]", isal_zlib.error)


def unseal(sealed: Sealed, limit: int) -> Reply:
    """Decode the body; ProtocolError beyond `limit` bytes, TransientError if it is damaged or cut short.

    Slow for big bodies: keep it off the event loop.
    """
    return Reply(
        status=sealed.status,
        headers=sealed.headers,
        body=_decode(sealed, limit),
        wire_bytes=len(sealed.payload),
        seconds=sealed.seconds,
        url=sealed.url,
    )


def _decode(sealed: Sealed, limit: int) -> bytes:
    encoding = sealed.headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"identity", ""}:
        return sealed.payload
    if encoding in {"gzip", "x-gzip"}:
        return _inflate(sealed, limit, wbits=31)
    if encoding == "deflate":
        zlib_header = sealed.payload[:1] and sealed.payload[0] & 0x0F == 8
        return _inflate(sealed, limit, wbits=15 if zlib_header else -15)
    raise ProtocolError(
        f"the server answered in the encoding '{shortened(encoding, 40)}', which was not requested", url=sealed.url
    )


def _inflate(sealed: Sealed, limit: int, *, wbits: int) -> bytes:
    """Inflate all members of the payload, never holding more than one byte beyond the limit."""
    # The last four bytes of gzip are its size: with a buffer that fits, inflating costs a quarter less.
    asked = min(limit, int.from_bytes(sealed.payload[-4:], "little")) + 1
    parts: list[bytes] = []
    engine, rest, room, members = isal_zlib.decompressobj(wbits), sealed.payload, limit + 1, 1
    while rest or parts:
        try:
            part = engine.decompress(rest, max_length=asked)
        except _DAMAGED as error:
            raise ConnectionLostError(f"the answer of {site(sealed.url)} arrived damaged", url=sealed.url) from error
        parts.append(part)
        room -= len(part)
        if room <= 0:
            raise too_large(limit, sealed.url)
        if not engine.eof and len(part) < asked:
            raise ConnectionLostError(f"the answer of {site(sealed.url)} arrived cut short", url=sealed.url)
        rest, asked = engine.unconsumed_tail, room
        if engine.eof:
            rest = engine.unused_data.lstrip(b"\0")
            if not rest:
                break
            if (members := members + 1) > _MEMBERS:
                raise ConnectionLostError(f"the answer of {site(sealed.url)} arrived damaged", url=sealed.url)
            engine = isal_zlib.decompressobj(wbits)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def too_large(limit: int, url: str) -> TooLargeError:
    """Return the error for an answer beyond the limit of bytes."""
    return TooLargeError(
        f"an answer of {site(url)} is larger than the limit of {limit:,} bytes",
        fix=f"raise it with --page-limit {2 * max(1, limit >> 20)} (megabytes), if the server is to be trusted",
        url=url,
    )
