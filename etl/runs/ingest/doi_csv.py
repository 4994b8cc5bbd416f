"""The lists of DOIs in a data file: a CSV for each month, with findable and registered DOIs (api-notes 8.3).

Pure. The list of a large month has tens of millions of lines, so it is read into columns piece by piece.
"""

import codecs
import csv
from collections.abc import Iterator
from itertools import islice

import polars as pl

from etl.completeness.doi_lists import LISTED
from etl.errors import StoreError

_AT_ONCE = 100_000
_FIX = "download it again, or move it elsewhere if it does not belong to the data file"
_PREFIX = r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)"


def parse(lines: Iterator[bytes], name: str) -> pl.DataFrame:
    """Return `doi` (lower-case) and `state` of every line of the list called `name`."""
    reader = csv.reader(_decoded(lines, name))
    frames = [pl.DataFrame(schema=LISTED)]
    try:
        doi, state = _places(next(reader, []), name)
        while rows := list(islice(reader, _AT_ONCE)):
            pairs = [(row[doi], row[state]) for row in rows if row]
            frame = pl.DataFrame(pairs, schema=LISTED, orient="row")
            frames.append(frame.with_columns(pl.all().str.strip_chars().str.to_lowercase()).unique(maintain_order=True))
    except IndexError as error:
        raise StoreError(f"{name}, before line {reader.line_num + 1}: a line is too short", fix=_FIX) from error
    except csv.Error as error:
        raise StoreError(f"{name}, line {reader.line_num}: {error}", fix=_FIX) from error
    return pl.concat(frames).with_columns(pl.col("doi").str.replace(_PREFIX, ""))


def _places(header: list[str], name: str) -> tuple[int, int]:
    columns = [column.strip().lower() for column in header]
    if not {"doi", "state"} <= set(columns):
        raise StoreError(f"{name} is not a list of DOIs: its first line does not name doi and state", fix=_FIX)
    return columns.index("doi"), columns.index("state")


def _decoded(lines: Iterator[bytes], name: str) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if number == 1 and line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise StoreError(f"{name} is UTF-16", fix="save it as UTF-8")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8") + "\n"
        except UnicodeDecodeError as error:
            raise StoreError(f"{name}, line {number}: the text is not valid UTF-8", fix=_FIX) from error
