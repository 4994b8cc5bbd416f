"""Durations as users write them: 30s, 10m, 6h, 2d, or seconds alone."""

import re

from etl.errors import UsageError

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_LONGEST = 3650 * 86_400.0


def seconds(text: str, option: str) -> float:
    """Return a duration in seconds; UsageError, naming the option, if it is malformed or longer than ten years."""
    length = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip(), re.ASCII)
    if not length:
        raise UsageError(f"{option} {text!r} is not a duration", fix="write it as 30s, 10m, 6h or 2d")
    duration = float(length[1]) * _SECONDS[length[2]]
    if duration > _LONGEST:
        raise UsageError(f"{option} {text!r} is longer than ten years", fix="write a shorter one, such as 6h or 2d")
    return duration
