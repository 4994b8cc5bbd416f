"""What readers of foreign files may do with any content: read it, or refuse it in one line."""

from collections.abc import Callable

from etl.errors import EtlError


def assert_read_or_refused(name: str, read: Callable[[], object]) -> EtlError | None:
    """Return the refusal, None if the content is read; a refusal names the file and a fix in one line."""
    refusal: EtlError | None = None
    try:
        read()
    except EtlError as error:
        refusal = error
    if refusal:
        assert name in refusal.message, refusal
        assert refusal.fix, refusal
        assert "\n" not in str(refusal), refusal
    return refusal
