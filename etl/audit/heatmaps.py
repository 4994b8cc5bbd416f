"""The part of the page that shows who has what: properties against clients, providers, types and years."""

import polars as pl

from etl.audit.tables import Audit
from etl.audit.words import Level
from etl.html.charts import figure, heat
from etl.html.page import Safe, Share, table

_MOST = 12
_CUTS = {
    "client": "clients with most records",
    "provider": "providers with most records",
    "resource_type": "resource types with most records",
    "publication_year": "years of publication",
    "registered_year": "years of registration",
}
_EXTRA = ("orcid", "ror", "funder-id", "licence-id", "abstract")


def every(found: Audit) -> Safe:
    """Return a heat map for each way the records are cut, as far as it tells anything."""
    return Safe("".join(_one(found, cut, what) for cut, what in _CUTS.items()))


def _one(found: Audit, cut: str, what: str) -> str:
    main = found.coverage.filter(
        (pl.col("slice") == cut) & ((pl.col("level") != Level.DETAIL.value) | pl.col("property").is_in(_EXTRA))
    )
    if main.is_empty():
        return ""
    heads = _heads(main, cut)
    shares = {(name, value): share for name, value, share in main.select("property", "value", "share").iter_rows()}
    names = dict(found.overall().join(main, on="property", how="semi").select("property", "title").iter_rows())
    values = [[shares.get((name, head)) for head in heads] for name in names]
    title = f"Coverage by {what}"
    labels = ["not stated" if head is None else head for head in heads]
    numbers = table(title, ["property", *labels], _rows(list(names.values()), values))
    svg = heat(f"{cut}-chart", title, list(names.values()), labels, values)
    return figure(f"{cut}-figure", svg, f"{title}; the fuller, the stronger. Shares in per cent.", numbers)


def _rows(titles: list[str], values: list[list[float | None]]) -> list[tuple[str | Share, ...]]:
    return [(title, *map(Share, own)) for title, own in zip(titles, values, strict=True)]


def _heads(main: pl.DataFrame, cut: str) -> list[str | None]:
    """Return the columns: the largest slices, or the newest years."""
    sizes = main.filter(pl.col("property") == "identifier").select("value", "entries")
    if cut.endswith("_year"):
        plain = sizes.drop_nulls("value").sort(pl.col("value").cast(pl.Int64), descending=True).head(_MOST)
        return plain["value"].reverse().to_list()
    return sizes.sort(["entries", "value"], descending=[True, False], nulls_last=True).head(_MOST)["value"].to_list()
