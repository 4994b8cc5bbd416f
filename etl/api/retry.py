"""Decisions about failures: what is retried, after how long, and with what page size. Pure.

Nothing is retried anywhere else.
"""

import email.utils
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from etl.errors import AnswerError, ConnectionLostError, LimitedError, ProtocolError, TooLargeError, TransientError
from etl.settings import Settings

_FIRST_DELAY = 0.5
_GROWTH = 3.0
_LONGEST = 60.0
_LONGEST_PROTOCOL = 5.0  # a garbled answer does not mean overload: ask again soon
_FIRST_LIMITED = 5.0  # the firewall counts over five minutes
_HOPELESS_ATTEMPTS = 3
_DOUBTFUL = 5
"""After so many consecutive failures of any requests, the server may be down."""
_STRAIN = 2
_STEADY = 2
_STEADIEST = 64
_LONE_ATTEMPTS = 3
"""Attempts for a record by itself, after larger pages with it have failed a dozen times and others have arrived."""
_UNAVAILABLE = 503  # the whole server and not this page: a smaller page does not help


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The pace of a walk: the page size now and wanted, and what happened since it last changed.

    `strained` says that it was shrunk and is not back yet; `steady` is how many pages must succeed before it grows, and
    `grown` that no more have succeeded since it last grew. `blamed` says that lost connections are taken for its fault.
    """

    size: int
    wanted: int
    failures: int = 0
    successes: int = 0
    steady: int = _STEADY
    strained: bool = False
    grown: bool = False
    blamed: bool = False

    @property
    def lone(self) -> bool:
        """Whether it is down to one record."""
        return self.strained and self.size == 1


def retry_delay(
    error: AnswerError,
    attempt: int,
    elapsed: float,
    settings: Settings,
    *,
    rng: random.Random,
    answered: bool = True,
    lone: bool = False,
) -> float | None:
    """Return the seconds to wait before the next attempt, or None to give up; `attempt` counts the failures so far.

    The delay is exponential with full jitter, never shorter than the server's Retry-After. For a rate
    limit, patience counts and not attempts. A server that never `answered` is probably a mistyped URL. A `lone` record
    that fails like all pages with it has a reason of its own.
    """
    if not isinstance(error, TransientError | ProtocolError):
        return None
    limited = isinstance(error, LimitedError)
    most = _LONE_ATTEMPTS if lone else settings.attempts if answered else _HOPELESS_ATTEMPTS
    attempts = min(settings.attempts, most)
    if attempt >= attempts and not limited:
        return None
    longest = _LONGEST_PROTOCOL if isinstance(error, ProtocolError) else _LONGEST
    first = _FIRST_LIMITED if limited else _FIRST_DELAY
    delay = rng.uniform(0, min(longest, first * _GROWTH ** min(attempt - 1, 10)))
    if isinstance(error, TransientError) and error.after is not None:
        delay = error.after + min(delay, 1.0)
    return delay if elapsed + delay <= settings.patience else None


def pace_after_failure(pace: Pace, error: AnswerError, smaller: int, *, last: bool = False) -> Pace:
    """Return the pace after a failure: `smaller`, the next legal page size, if the page seems too heavy.

    Servers time out on pages of heavy records, at the same cursor again and again (api-notes 3.7): after two failures
    the page is halved, and from then on with every failure. Connections are lost whatever the size, until as many in a
    row as are allowed to a page say otherwise.
    """
    failures = pace.failures + 1
    blamed = isinstance(error, ConnectionLostError) and (last or pace.blamed)
    if not (blamed or _points_to_size(error)):
        return replace(pace, failures=failures)
    if smaller >= pace.size or failures < (1 if pace.strained or last else _STRAIN):
        return replace(pace, failures=failures, successes=0)
    steady = min(pace.steady * 2, _STEADIEST) if pace.grown else pace.steady
    return replace(
        pace, size=smaller, failures=0, successes=0, steady=steady, strained=True, grown=False, blamed=blamed
    )


def _points_to_size(error: AnswerError) -> bool:
    if isinstance(error, LimitedError | ConnectionLostError):
        return False
    return isinstance(error, TooLargeError) or (isinstance(error, TransientError) and error.status != _UNAVAILABLE)


def pace_after_success(pace: Pace, larger: int) -> Pace:
    """Return the pace after a page: `larger`, the next legal page size, after enough pages without trouble.

    Enough is few, but twice as many after each growth that failed: every attempt at a size that is too large costs a
    time-out.
    """
    pace = replace(pace, failures=0, blamed=False)
    if not (pace.strained or pace.grown):
        return pace
    if pace.successes + 1 < pace.steady:
        return replace(pace, successes=pace.successes + 1)
    steady = _STEADY if pace.grown else pace.steady
    strained = larger < pace.wanted
    return replace(pace, size=larger, successes=0, steady=steady, strained=strained, grown=pace.strained)


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """Consecutive failures of a run's requests: how many, since when, and how many probes have failed since."""

    failures: int = 0
    since: float = 0.0
    probes: int = 0


def after_failure(streak: Streak, now: float) -> Streak:
    """Return the streak with one more failure."""
    return replace(streak, failures=streak.failures + 1, since=streak.since if streak.failures else now)


def after_probe(streak: Streak) -> Streak:
    """Return the streak after one more failed probe."""
    return replace(streak, probes=streak.probes + 1)


def suspects_outage(streak: Streak) -> bool:
    """Return whether the server itself may be down, and not only a page of it."""
    return streak.failures >= _DOUBTFUL


def next_probe(
    streak: Streak, now: float, settings: Settings, *, rng: random.Random, after: float = 0.0
) -> float | None:
    """Return the seconds until the next probe of a server that is down, or None when patience is exhausted.

    Never sooner than its Retry-After, and one last time when patience ends.
    """
    left = streak.since + settings.patience - now
    if left <= 0 or after > left:
        return None
    longest = min(_LONGEST, _FIRST_DELAY * _GROWTH ** min(streak.probes, 10))
    return min(left, max(after, rng.uniform(longest / 2, longest)))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After (seconds or a date, against the answer's own Date) from headers with names in lower case."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        until = email.utils.parsedate_to_datetime(text)
        now = email.utils.parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None
