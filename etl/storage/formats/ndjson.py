"""Newline-delimited JSON: one object per row with every column, UTF-8; times as ISO text with Z."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import polars as pl

from etl.storage.formats.csv import STAMP, cast_text


@dataclass(frozen=True, slots=True)
class Ndjson:
    """One JSON object per line, for scripts and document stores."""

    suffix: str = ".ndjson"

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
        for piece in pieces:
            times = [name for name, dtype in piece.schema.items() if dtype == pl.Datetime]
            piece.with_columns(pl.col(times).dt.strftime(STAMP)).write_ndjson(target)

    def read(self, source: BinaryIO, schema: Mapping[str, pl.DataType], columns: list[str]) -> pl.DataFrame:
        """Read some columns of a file that `write` wrote, as they were."""
        plain = {name: pl.String() if schema[name].is_temporal() else schema[name] for name in columns}
        text = pl.read_ndjson(source, schema=plain)
        return text.select(
            cast_text(pl.col(name), schema[name]) if schema[name].is_temporal() else pl.col(name) for name in columns
        )

    def read_pieces(
        self, source: BinaryIO, schema: Mapping[str, pl.DataType], columns: list[str]
    ) -> Iterator[pl.DataFrame]:
        """Read a file in one piece: it is not packed."""
        yield self.read(source, schema, columns)


SINK = Ndjson()
