"""Run readings of several steps once per distinct value.

Dates, licences and identifiers repeat often, and in polars' eager mode an expression computes an intermediate result
as often as it uses it. So the steps run over a small frame of distinct values, and the results are joined back.
"""

from collections.abc import Callable, Sequence

import polars as pl

Reading = Callable[[pl.DataFrame], pl.DataFrame]
"""Adds the column `result` to a frame whose columns are the inputs as text, named "0", "1" and so on."""


def read_distinct(reading: Reading, *inputs: pl.Expr, dtype: type[pl.DataType]) -> pl.Expr:
    """Turn a reading over distinct values into an expression over columns."""

    def read(columns: Sequence[pl.Series]) -> pl.Series:
        frame = pl.DataFrame([column.cast(pl.String).alias(str(place)) for place, column in enumerate(columns)])
        known = reading(frame.unique()).select(*frame.columns, pl.col("result").cast(dtype))
        joined = frame.join(known, on=frame.columns, how="left", nulls_equal=True, maintain_order="left")
        return joined.get_column("result").alias(columns[0].name)

    return pl.map_batches(list(inputs), read, return_dtype=dtype())
