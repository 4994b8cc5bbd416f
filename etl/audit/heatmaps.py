"""The page's section of coverage by slice: properties against clients, providers, types and years."""

import polars as pl

from etl.audit.tables import Audit
from etl.audit.words import Level
from etl.html.charts import figure, heat
from etl.html.page import Safe, Share, table

_MOST = 12
_CUTS = {
    "client": "the largest clients",
    "provider": "the largest providers",
    "resource_type": "the most common resource types",
    "publication_year": "publication year",
    "registered_year": "registration year",
}
_EXTRA = ("orcid", "ror", "funder-id", "licence-id", "abstract")


def render_heatmaps(audit: Audit) -> Safe:
    """Return one heat map per way to slice the records, if it has values."""
    return Safe("".join(_heatmap(audit, cut, what) for cut, what in _CUTS.items()))


def _heatmap(audit: Audit, cut: str, what: str) -> str:
    main = audit.coverage.filter(
        (pl.col("slice") == cut) & ((pl.col("level") != Level.DETAIL.value) | pl.col("property").is_in(_EXTRA))
    )
    if main.is_empty():
        return ""
    heads = _heads(main, cut)
    shares = {(name, value): share for name, value, share in main.select("property", "value", "share").iter_rows()}
    names = dict(audit.overall().join(main, on="property", how="semi").select("property", "title").iter_rows())
    values = [[shares.get((name, head)) for head in heads] for name in names]
    title = f"Coverage by {what}"
    labels = ["not stated" if head is None else head for head in heads]
    numbers = table(title, ["property", *labels], _rows(list(names.values()), values))
    svg = heat(f"{cut}-chart", title, list(names.values()), labels, values)
    return figure(f"{cut}-figure", svg, f"{title}, in per cent; darker cells are better filled.", numbers)


def _rows(titles: list[str], values: list[list[float | None]]) -> list[tuple[str | Share, ...]]:
    return [(title, *map(Share, own)) for title, own in zip(titles, values, strict=True)]


def _heads(main: pl.DataFrame, cut: str) -> list[str | None]:
    """Return the columns: the largest slices, or the newest years."""
    sizes = main.filter(pl.col("property") == "identifier").select("value", "entries")
    if cut.endswith("_year"):
        plain = sizes.drop_nulls("value").sort(pl.col("value").cast(pl.Int64), descending=True).head(_MOST)
        return plain["value"].reverse().to_list()
    return sizes.sort(["entries", "value"], descending=[True, False], nulls_last=True).head(_MOST)["value"].to_list()
