"""Make JSON text that strict parsers refuse readable, without changing its length."""

import re

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|NaN|-?Infinity', re.DOTALL)


def legible(text: bytes) -> bytes:
    """Replace lone surrogates, NaN and Infinity in JSON text by text of the same length."""
    return _TOKEN.sub(lambda match: _stand_in(match[0]), text)


def _stand_in(token: bytes) -> bytes:
    if token[:1] != b'"':
        return b'"' + b"?" * (len(token) - 2) + b'"'
    return without_lone_surrogates(token)


def without_lone_surrogates(text: bytes) -> bytes:
    """Replace escaped halves of surrogate pairs in JSON text by U+FFFD; the length stays."""
    if not _SURROGATE.search(text):
        return text
    return _ESCAPE.sub(lambda match: b"\\ufffd" if match["lone"] else match[0], text)
