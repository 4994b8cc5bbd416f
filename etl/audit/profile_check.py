"""Check records against a profile: whether each record meets each need, and with which value."""

from collections.abc import Sequence

import polars as pl

from etl.audit.scan import Scan
from etl.audit.words import Need, Profile, Tables, is_filled

LONGEST = 200
SCHEMA = {
    "doi": pl.String(),
    "profile": pl.String(),
    "number": pl.String(),
    "property": pl.String(),
    "kind": pl.String(),
    "star": pl.Boolean(),
    "met": pl.Boolean(),
    "value": pl.String(),
}


def check(scan: Scan, tables: Tables, profile: Profile) -> pl.DataFrame:
    """Return the rows of `audit_profile` for the records of a place, by DOI and in the profile's order."""
    needs = [need for need in profile.needs if _reads(need) <= scan.columns(need.table)]
    dois = tables["dois"].select("doi")
    parts = pl.collect_all([_need(dois, tables[need.table], need) for need in needs], engine="streaming")
    if not parts:
        return pl.DataFrame(schema=SCHEMA)
    marked = [part.with_columns(_at=pl.lit(profile.needs.index(need))) for need, part in zip(needs, parts, strict=True)]
    return pl.concat(marked).sort("doi", "_at").with_columns(profile=pl.lit(profile.name)).select(*SCHEMA)


def missing_needs(scan: Scan, profile: Profile) -> list[str]:
    """Name the needs of a profile whose columns were not exported."""
    return [need.title for need in profile.needs if not _reads(need) <= scan.columns(need.table)]


def by_need(held: pl.LazyFrame, profile: Profile) -> pl.DataFrame:
    """Count for each need of a profile the records that meet it."""
    order = pl.DataFrame({"property": [need.title for need in profile.needs]}).with_row_index("_at").lazy()
    counted = held.group_by("number", "property", "kind", "star").agg(
        records=pl.len().cast(pl.Int64), met=pl.col("met").sum().cast(pl.Int64)
    )
    return counted.join(order, on="property").sort("_at").drop("_at").collect(engine="streaming")


def by_record(held: pl.DataFrame, groups: Sequence[str]) -> pl.DataFrame:
    """Count the needs that each record of a place meets, and say whether it meets all of some groups."""
    inside = pl.col("kind").is_in(list(groups))
    return held.group_by("doi", maintain_order=True).agg(
        met=pl.col("met").sum().cast(pl.Int64), needs=pl.len().cast(pl.Int64), all=(pl.col("met") | ~inside).all()
    )


def _need(dois: pl.LazyFrame, table: pl.LazyFrame, need: Need) -> pl.LazyFrame:
    value = need.value.cast(pl.String)
    met = (is_filled(value) if need.met is None else need.met).fill_null(value=False)
    rows = table.select("doi", met=met, value=value.str.slice(0, LONGEST)).filter("met")
    known = rows.group_by("doi").agg(pl.col("met").any(), pl.col("value").str.join("; ").str.slice(0, LONGEST))
    shown = pl.when(is_filled(pl.col("value"))).then("value")
    joined = dois.join(known, on="doi", how="left").with_columns(pl.col("met").fill_null(value=False), value=shown)
    return joined.with_columns(
        number=pl.lit(need.number), property=pl.lit(need.title), kind=pl.lit(need.group), star=pl.lit(need.star)
    )


def _reads(need: Need) -> set[str]:
    met = set() if need.met is None else {*need.met.meta.root_names()}
    return {*need.value.meta.root_names(), *met}
