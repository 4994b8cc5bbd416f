"""The errors of datacite-etl, grouped by what the caller should do, each with its exit code.

Messages come in as they are, and go out in one line without secrets and control characters (`redaction`). It knows
nothing of what goes wrong.

EtlError                    1
├── UsageError              2   the request or the configuration is wrong: change it
├── IncompleteError         3   records are missing: nothing was published, the report says where
├── ThresholdError          4   an audit threshold was missed
├── StoreError              1   the destination is locked, foreign, full or broken
│   └── ManifestError       2   the manifest there cannot be used to read a dataset
└── AnswerError             1   an answer that does not fit the request
    ├── ProtocolError       1   the answer is not one that a DataCite API gives
    │   └── TooLargeError   1   more bytes than the limit: ask for fewer records
    ├── RefusedError        1   the server permanently refuses this request (4xx)
    └── TransientError      1   the server or the network is in trouble: try again later
        ├── LimitedError    1   too many requests: slow down
        ├── ConnectionLostError 1   the connection was refused, reset or cut: nothing to do with what was asked for
        └── DownError       1   the whole server is down for longer than the settings wait
"""

from typing import ClassVar

from etl.errors.redaction import shown


class EtlError(Exception):
    """Anything that ends a run with one line; `fix` says what to do about it, by default the usual fix of its kind."""

    exit_code: ClassVar[int] = 1
    usual_fix: ClassVar[str] = ""

    def __init__(self, message: str, *, fix: str = "") -> None:
        self.message = shown(message)
        self.fix = shown(fix) or self.usual_fix
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message}; {self.fix}" if self.fix else self.message


class UsageError(EtlError):
    """A name, value or file from the user is not valid."""

    exit_code: ClassVar[int] = 2


class IncompleteError(EtlError):
    """Fewer records arrived than the API counts, and no option accepts that."""

    exit_code: ClassVar[int] = 3


class ThresholdError(EtlError):
    """The audited metadata falls short of a share that the user requires."""

    exit_code: ClassVar[int] = 4


class StoreError(EtlError):
    """The destination cannot be read or written."""

    usual_fix: ClassVar[str] = "check the path, the free space and the permissions"


class ManifestError(StoreError):
    """A manifest is damaged, invalid or from another program: its dataset is left alone."""

    exit_code: ClassVar[int] = 2


class AnswerError(EtlError):
    """An answer does not fit the request; carries the URL and the status, if there was one."""

    def __init__(self, message: str, *, fix: str = "", url: str = "", status: int | None = None) -> None:
        super().__init__(message, fix=fix)
        self.url = shown(url)
        self.status = status


class ProtocolError(AnswerError):
    """The answer contradicts the API's documentation and recorded bodies; a retry may help."""

    usual_fix: ClassVar[str] = "check --base-url, or run the same command again later; what has arrived is kept"


class TooLargeError(ProtocolError):
    """The answer is larger than the limit that was set; fewer records per page may help."""


class RefusedError(AnswerError):
    """The server understood and refused; a retry will not help."""

    usual_fix: ClassVar[str] = "check what is asked for: --query, --filter and --base-url"


class TransientError(AnswerError):
    """Time-outs, resets, 5xx and truncated answers; `after` is the server's Retry-After in seconds, if it sent one."""

    usual_fix: ClassVar[str] = "run the same command again later; what has arrived is kept"

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        url: str = "",
        status: int | None = None,
        after: float | None = None,
    ) -> None:
        super().__init__(message, fix=fix, url=url, status=status)
        self.after = after


class LimitedError(TransientError):
    """The firewall's 429 or 403 (api-notes 1.5, 1.6): slow down."""


class ConnectionLostError(TransientError):
    """The connection could not be made, was reset, or ended within the answer, whatever the size of the page."""


class DownError(TransientError):
    """The server answers no request, for longer than the patience of the settings."""
