"""Replace text that a database would refuse: lone surrogates and NaN in JSON, and NUL."""

import polars as pl

from etl.dataset.relations import Relation
from etl.normalise.json_text import legible
from etl.schema.declarations import Type

_SUSPECT = r"\\u[dD][89a-fA-F]|NaN|Infinity"
_NUL = "\x00"


def storable(relation: Relation, frame: pl.DataFrame, *, nul: bool = False) -> tuple[pl.DataFrame, int]:
    """Replace text that cannot be stored by U+FFFD, with `nul` also NUL; return the number of changed values."""
    kinds = {field.name: field.type for field in relation.columns}
    columns = []
    for column in frame:
        if kinds[column.name] is Type.JSON:
            column = _json(column, nul=nul)  # noqa: PLW2901
        elif kinds[column.name] is Type.STRING and nul:
            column = column.str.replace_all(_NUL, "\ufffd", literal=True)  # noqa: PLW2901
        columns.append(column)
    altered = sum(_differing(frame[column.name], column) for column in columns if column.dtype == pl.String)
    return pl.DataFrame(columns), altered


def _json(column: pl.Series, *, nul: bool) -> pl.Series:
    suspect = column.str.contains(_SUSPECT + (r"|\\u0000" if nul else "")).fill_null(value=False)
    if not suspect.any():
        return column
    values = column.to_list()
    for row in suspect.arg_true():
        text = legible(values[row].encode()).decode()
        values[row] = _without_nul(text) if nul else text
    return pl.Series(column.name, values, pl.String)


def _without_nul(text: str) -> str:
    """Replace escapes of NUL, but not what looks like one after an escaped backslash."""
    return "\\\\".join(part.replace("\\u0000", "\\ufffd") for part in text.split("\\\\"))


def _differing(before: pl.Series, after: pl.Series) -> int:
    return 0 if before is after else int((before != after).sum() or 0)
