"""Text that a database would refuse: half surrogates and NaN in JSON, and NUL where there must be none."""

import polars as pl

from etl.dataset.relations import Relation
from etl.normalise.json_text import legible
from etl.schema.declarations import Type

_SUSPECT = r"\\u[dD][89a-fA-F]|NaN|Infinity"
_NUL = "\x00"


def mended(relation: Relation, frame: pl.DataFrame, *, nul: bool = False) -> tuple[pl.DataFrame, int]:
    """Put U+FFFD where text cannot be held, with `nul` also for NUL; return how many values that changed."""
    kinds = {field.name: field.type for field in relation.columns}
    found = []
    for column in frame:
        if kinds[column.name] is Type.JSON:
            column = _json(column, nul=nul)  # noqa: PLW2901
        elif kinds[column.name] is Type.STRING and nul:
            column = column.str.replace_all(_NUL, "\ufffd", literal=True)  # noqa: PLW2901
        found.append(column)
    altered = sum(_differing(frame[column.name], column) for column in found if column.dtype == pl.String)
    return pl.DataFrame(found), altered


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
    """Replace the escape of NUL, but not what only looks like one behind an escaped backslash."""
    return "\\\\".join(part.replace("\\u0000", "\\ufffd") for part in text.split("\\\\"))


def _differing(before: pl.Series, after: pl.Series) -> int:
    return 0 if before is after else int((before != after).sum() or 0)
