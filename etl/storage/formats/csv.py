"""CSV files by RFC 4180: UTF-8, header, `\\n`; a null is nothing at all, an empty string is `""`.

Values are written unchanged, also those that begin with `=`, `+`, `-` or `@`, which a spreadsheet would run as a
formula: an export must give back what came in. Who opens a file in a spreadsheet imports its columns as text.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import polars as pl

STAMP = "%Y-%m-%dT%H:%M:%S%.fZ"


@dataclass(frozen=True, slots=True)
class Csv:
    """Comma-separated values, for people and old programs."""

    suffix: str = ".csv"

    def write(
        self,
        pieces: Iterable[pl.DataFrame],
        target: BinaryIO,
        *,
        metadata: Mapping[str, str],
        sorted_by: tuple[str, ...],
    ) -> None:
        """Write sorted rows as one file; metadata has no place in this format."""
        del metadata, sorted_by
        for number, piece in enumerate(pieces):
            piece.write_csv(target, datetime_format=STAMP, include_header=not number)

    def read(self, source: BinaryIO, schema: Mapping[str, pl.DataType], columns: list[str]) -> pl.DataFrame:
        """Read some columns of a file that `write` wrote, as they were."""
        text = pl.read_csv(source, infer_schema=False, columns=columns)
        return text.select(cast_text(pl.col(name), schema[name]) for name in columns)

    def read_pieces(
        self, source: BinaryIO, schema: Mapping[str, pl.DataType], columns: list[str]
    ) -> Iterator[pl.DataFrame]:
        """Read a file in one piece: it is not packed."""
        yield self.read(source, schema, columns)


def cast_text(text: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Cast a column of text to its type before it was written."""
    if dtype == pl.Boolean:
        return text == "true"
    if dtype == pl.Date:
        return text.str.to_date("%Y-%m-%d")
    if isinstance(dtype, pl.Datetime):
        return text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%#z", time_unit=dtype.time_unit, time_zone=dtype.time_zone)
    return text.cast(dtype)


SINK = Csv()
