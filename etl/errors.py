"""The errors of datacite-etl, cut by what the caller should do, with the exit code each ends in.

EtlError                    1
├── UsageError              2   the request or the configuration is wrong: change it
├── IncompleteError         3   the data came short: nothing was published, the report says where
├── ThresholdError          4   an audit gate was missed
├── StoreError              1   the destination is locked, foreign, full or broken
│   └── ManifestError       2   the manifest there is not one that a dataset can be read by
└── AnswerError             1   an answer that is not the one asked for
    ├── ProtocolError       1   the server answered what no DataCite API answers
    │   └── TooLargeError   1   more bytes than the limit: ask for fewer records
    ├── RefusedError        1   the server refuses this request for good (4xx)
    └── TransientError      1   the server or the network is unwell: later may work
        ├── LimitedError    1   too many requests: slow down
        └── DownError       1   the whole server is down, for longer than it is waited for
"""

from typing import ClassVar


class EtlError(Exception):
    """Anything that ends a run in one line; `fix` says what to do about it, by default what helps with its kind."""

    exit_code: ClassVar[int] = 1
    usual_fix: ClassVar[str] = ""

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix or self.usual_fix

    def __str__(self) -> str:
        return f"{self.message}; {self.fix}" if self.fix else self.message


class UsageError(EtlError):
    """A name, value or file that the user gave cannot be meant as it stands."""

    exit_code: ClassVar[int] = 2


class IncompleteError(EtlError):
    """Less arrived than the API says there is, and nobody asked to live with that."""

    exit_code: ClassVar[int] = 3


class ThresholdError(EtlError):
    """The audited metadata falls short of a share that the user demanded."""

    exit_code: ClassVar[int] = 4


class StoreError(EtlError):
    """The destination cannot be read or written as it must be."""

    usual_fix: ClassVar[str] = "check the path, the free space and the permissions"


class ManifestError(StoreError):
    """A manifest is damaged, wrong or of another program: nothing is done with its dataset."""

    exit_code: ClassVar[int] = 2


class AnswerError(EtlError):
    """An answer that is not the one asked for; carries what was asked and the status, if there was one."""

    def __init__(self, message: str, *, fix: str = "", url: str = "", status: int | None = None) -> None:
        super().__init__(message, fix=fix)
        self.url = url
        self.status = status


class ProtocolError(AnswerError):
    """The answer is not what the API's documents and recorded bodies allow; asking again may help."""

    usual_fix: ClassVar[str] = "check --base-url, or run the same command again later; what has arrived is kept"


class TooLargeError(ProtocolError):
    """The answer is larger than the limit that was set; fewer records a page may help."""


class RefusedError(AnswerError):
    """The server understood and said no; asking again will not help."""

    usual_fix: ClassVar[str] = "check what is asked for: --query, --filter and --base-url"


class TransientError(AnswerError):
    """Time-outs, resets, 5xx and half answers; `after` is the server's Retry-After in seconds, if it sent one."""

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


class DownError(TransientError):
    """The server answers nobody, and the patience that the settings have with it is at its end."""
