"""How many records may be withdrawn: `--max-withdrawn` of every command that has it."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etl.dataset.request import Withdrawable


def withdrawable(text: str) -> "Withdrawable":
    """Return how many records may be withdrawn; UsageError for what is neither a number nor a share."""
    from etl.dataset.request import USUALLY_WITHDRAWABLE, Withdrawable
    from etl.errors import UsageError

    if not text:
        return USUALLY_WITHDRAWABLE
    limit = re.fullmatch(r"(\d{1,18})|(\d{1,3}(?:\.\d+)?) ?%", text.strip(), re.ASCII)
    if not limit:
        fix = "write it as a number of records (500) or a share of the dataset (5%)"
        raise UsageError(f"--max-withdrawn {text!r} is neither a number nor a share", fix=fix)
    return Withdrawable(records=int(limit[1])) if limit[1] else Withdrawable(percent=float(limit[2]))
