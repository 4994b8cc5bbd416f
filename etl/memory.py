"""Return free memory to the system: allocators keep what pages and tables leave behind.

Measured: without this, the peak of half a million records is a third above that of fifty thousand; with it, a twelfth.
Only the GNU C library has these calls.
"""

import ctypes
import os

_M_ARENA_MAX = -8
_KEPT_MS = 50
"""How long freed memory is kept: the next page's parse takes it within this time. Returning it at once costs a tenth of
all CPU in page faults; keeping it longer costs 40 MB at the peak."""


def before_arrow() -> None:
    """Make Arrow's allocator keep little free memory; it reads its settings once, when it is loaded."""
    os.environ.setdefault("MIMALLOC_PURGE_DELAY", str(_KEPT_MS))


def keep_together() -> None:
    """Let all threads share two heaps instead of one each."""
    _call("mallopt", _M_ARENA_MAX, 2)


def give_back() -> None:
    """Return free memory inside the heaps; takes milliseconds, so not after every page."""
    _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function(*arguments)
