"""What may be shown: control characters are escaped and secrets masked, in whatever leaves this process as text.

Errors pass through here where they are made, so that logs, states and reports of others show them so too; what a
command prints passes through here once more.
"""

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

_MASK = "***"
_SHORTEST = 4
"""A shorter secret is in too many words to be masked; its encoded forms are longer."""
_BLANKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that a terminal obeys, that turn a line around, or that have no encoding."""
_JSON_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# Mutable state: every form in which a secret of this process may appear, the longest first.
_FORMS: list[str] = []


def register(*secrets: str) -> None:
    """Mask some secrets from now on, in each form in which a server may echo them."""
    forms = {form for secret in secrets if secret for form in _forms(secret)} | set(_FORMS)
    _FORMS[:] = sorted((form for form in forms if len(form) >= _SHORTEST), key=len, reverse=True)


def masked(text: str) -> str:
    """Return a text without the secrets, in capitals or not."""
    for form in _FORMS:
        text = re.sub(re.escape(form), _MASK, text, flags=re.IGNORECASE)
    return text


def shown(text: str) -> str:
    """Return a text as one line that any terminal and log can show, without the secrets."""
    return _CONTROLS.sub(lambda match: ascii(match[0])[1:-1], _BLANKS.sub(" ", masked(text)))


def shortened(text: str, most: int) -> str:
    """Return the beginning of a text as it may be shown; masked before it is cut, or half a secret would be left."""
    line = " ".join(shown(text).split())
    return line if len(line) <= most else f"{line[:most]}…"


def dumped(value: object) -> str:
    """Return a value as a line of JSON that any terminal can show, without the secrets."""
    return safe_json(json.dumps(value, ensure_ascii=False, default=str))


def safe_json(text: str) -> str:
    """Return a line of JSON with the same values, but for the secrets, that any terminal can show."""
    return _JSON_CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", masked(text))


def _forms(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode()
    spelled = (html.escape(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1])
    return {secret, encoded, encoded.rstrip("="), *spelled, json.dumps(secret, ensure_ascii=False)[1:-1]}
