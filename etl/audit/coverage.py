"""How many records have each property: counted place by place, in all and by client, provider, year and type."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import polars as pl

from etl.audit.properties import PROPERTIES
from etl.audit.scan import Scan
from etl.audit.words import Property, Tables

SLICES = {
    "client": "client_id",
    "provider": "provider_id",
    "publication_year": "publication_year",
    "registered_year": "registered_year",
    "resource_type": "types_resource_type_general",
}
"""What shares are cut by, and the column of `dois` that tells."""
ALL = "all"
SCHEMA = {
    "property": pl.String(),
    "number": pl.String(),
    "title": pl.String(),
    "level": pl.String(),
    "unit": pl.String(),
    "slice": pl.String(),
    "value": pl.String(),
    "entries": pl.Int64(),
    "filled": pl.Int64(),
    "share": pl.Float64(),
}


def countable(scan: Scan) -> tuple[Property, ...]:
    """Return the properties whose columns were exported."""
    return tuple(each for each in PROPERTIES if _reads(each) <= scan.columns(each.table))


def count(tables: Tables, properties: Sequence[Property]) -> dict[str, pl.DataFrame]:
    """Count the records of a place, and those with each property, by each way to cut them."""
    known = tables["dois"].collect_schema().names()
    cuts = {name: column for name, column in SLICES.items() if column in known}
    records = _records(tables, properties, cuts).lazy()
    counts = [pl.len().cast(pl.Int64).alias("records"), pl.all().exclude("doi", *cuts).sum().cast(pl.Int64)]
    grouped = [records.group_by(pl.col(name).alias("value")).agg(*counts) for name in cuts]
    found = pl.collect_all([records.group_by(pl.lit(ALL).alias("value")).agg(*counts), *grouped])
    return dict(zip([ALL, *cuts], found, strict=True))


def add(counts: Iterable[dict[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """Add up the counts of places."""
    every = list(counts)
    names = dict.fromkeys(name for each in every for name in each)
    return {name: pl.concat([each[name] for each in every if name in each]).group_by("value").sum() for name in names}


def shares(counts: dict[str, pl.DataFrame], properties: Sequence[Property]) -> pl.DataFrame:
    """Turn counts into the table `audit_coverage`: a row a property and slice."""
    parts = [_long(name, counts[name], each) for name in counts for each in properties if _tells(name, counts[name])]
    order = {name: place for place, name in enumerate([ALL, *SLICES])}
    table = pl.concat(parts).with_columns(
        share=pl.when(pl.col("entries") > 0).then(pl.col("filled") / pl.col("entries")),
        _order=pl.col("slice").replace_strict(order),
    )
    return table.sort("_order", "value", "_at", nulls_last=True).select(*SCHEMA)


def _tells(name: str, counts: pl.DataFrame) -> bool:
    """A way to cut that is null for every record, such as the provider in lists, says nothing."""
    return name == ALL or counts["value"].null_count() < counts.height


def _long(name: str, counts: pl.DataFrame, each: Property) -> pl.DataFrame:
    entries = pl.col(_of(each)) if each.each else pl.col("records")
    return counts.select(
        property=pl.lit(each.id),
        number=pl.lit(each.number),
        title=pl.lit(each.title),
        level=pl.lit(each.level.value),
        unit=pl.lit(each.each or "records"),
        slice=pl.lit(name),
        value=pl.col("value").cast(pl.String) if name != ALL else pl.lit(None, pl.String),
        entries=entries,
        filled=pl.col(each.id),
        _at=pl.lit(PROPERTIES.index(each)),
    )


def _records(tables: Tables, properties: Sequence[Property], cuts: dict[str, str]) -> pl.DataFrame:
    """Return a row a record: what it is cut by, and whether or how often it has each property."""
    by_table = {
        table: list(own) for table, own in groupby(sorted(properties, key=lambda p: p.table), key=lambda p: p.table)
    }
    main = [pl.col(column).alias(name) for name, column in cuts.items()]
    own = [each.has.fill_null(value=False).alias(each.id) for each in by_table.pop("dois", [])]
    names = list(by_table)
    frames = pl.collect_all(
        [tables["dois"].select("doi", *main, *own), *(_children(tables[name], by_table[name]) for name in names)],
        engine="streaming",
    )
    whole = frames[0]
    for found in frames[1:]:
        whole = whole.join(found, on="doi", how="left")
    flags = [each.id for name in names for each in by_table[name] if not each.each]
    return whole.with_columns(pl.col(flags).fill_null(value=False))


def _children(table: pl.LazyFrame, properties: Iterable[Property]) -> pl.LazyFrame:
    return table.group_by("doi").agg(expr for each in properties for expr in _counted(each))


def _counted(each: Property) -> list[pl.Expr]:
    has = each.has.fill_null(value=False)
    if not each.each:
        return [has.any().alias(each.id)]
    among = pl.lit(value=True) if each.among is None else each.among
    of = pl.len() if each.among is None else among.sum()
    return [(has & among).sum().alias(each.id), of.alias(_of(each))]


def _of(each: Property) -> str:
    return f"{each.id} of"


def _reads(each: Property) -> set[str]:
    among = set() if each.among is None else {*each.among.meta.root_names()}
    return {*each.has.meta.root_names(), *among}
