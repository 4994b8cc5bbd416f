"""Faults in transit: refusals of load balancers and firewalls (api-notes 1.5), and damaged answers."""

from __future__ import annotations

import math
from dataclasses import replace

from etl.sandbox.answer import Answer, document
from etl.sandbox.faults.fault import Act, Fault, Turn, honest
from etl.sandbox.limits import limited

_HTML = b"<html>\r\n<head><title>%b</title></head>\r\n<body></body>\r\n</html>\r\n"
_TITLES = {
    403: "403 Forbidden",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}
_CLAIM = {"status": 400, "title": '[503] {\n "message": "No server available to handle the request"\n}\n'}
_BUSY = (
    '[429] {"error":{"root_cause":[{"type":"circuit_breaking_exception","reason":"[parent] Data too large, data for '
    '[<http_request>] would be larger than the limit"}]},"status":429}'
)


def html(status: int, title: str = "") -> Answer:
    """Answer a page of HTML, like a load balancer."""
    shown = title or _TITLES.get(status, str(status))
    return Answer(status=status, content=_HTML % shown.encode(), content_type="text/html")


def error(value: str) -> Fault:
    """Read STATUS or STATUS:SHARE: HTML with that status."""
    status, _, share = value.partition(":")
    answer = html(int(status))
    return Fault(name="error", share=float(share or 1), act=lambda _: answer)


def down(value: str) -> Fault:
    """Read FROM or FROM:TO: 503 for all requests from that one to that one."""
    first, _, last = value.partition(":")
    until = int(last) if last else math.inf

    def act(turn: Turn) -> Answer:
        return html(503) if int(first) <= turn.number <= until else honest(turn)

    return Fault(name="down", act=act)


def _limited_for_a_second(turn: Turn) -> Answer:
    del turn
    return replace(limited(), headers={"Retry-After": "1"})


def _elsewhere(turn: Turn) -> Answer:
    return Answer(status=302, headers={"Location": f"http://elsewhere.example{turn.request.path}"})


def _damaged(how: str) -> Act:
    def act(turn: Turn) -> Answer:
        return replace(honest(turn), damage=how)

    return act


def _half_json(turn: Turn) -> Answer:
    answer = honest(turn)
    whole = answer.plain()
    return replace(answer, body=None, content=whole[: len(whole) * 2 // 3])


def _bomb(turn: Turn) -> Answer:
    """Answer with brackets nested deeper than any reader allows."""
    return replace(honest(turn), body=None, content=b'{"data":' + b"[" * 2_000_000)


ACTS: dict[str, Act] = {
    "429": lambda _: limited(),
    "429-after": _limited_for_a_second,
    "firewall": lambda _: html(403),
    "claims400": lambda _: document(_CLAIM, status=500),
    "busy400": lambda _: document({"errors": [{"status": "400", "title": _BUSY}]}, status=400),
    "html200": lambda _: html(200, "Please wait"),
    "elsewhere": _elsewhere,
    "invalid": _half_json,
    "bomb": _bomb,
    **{how: _damaged(how) for how in ("truncate", "stall", "reset", "length", "garbage")},
}
