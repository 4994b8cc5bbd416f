"""JSON text that strict parsers refuse, made legible without changing its length."""

import re

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|NaN|-?Infinity', re.DOTALL)


def legible(text: bytes) -> bytes:
    """Put stand-ins of the same length where JSON text has lone surrogates, NaN or Infinity."""
    return _TOKEN.sub(lambda found: _stand_in(found[0]), text)


def _stand_in(token: bytes) -> bytes:
    if token[:1] != b'"':
        return b'"' + b"?" * (len(token) - 2) + b'"'
    return without_lone_surrogates(token)


def without_lone_surrogates(text: bytes) -> bytes:
    """Put U+FFFD where JSON text escapes half of a surrogate pair; the length stays."""
    if not _SURROGATE.search(text):
        return text
    return _ESCAPE.sub(lambda found: b"\\ufffd" if found["lone"] else found[0], text)
