"""How many records have each property: counted place by place, overall and by client, provider, year and type."""

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
"""What shares are broken down by, and the column of `dois` for each."""
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


def countable_properties(scan: Scan) -> tuple[Property, ...]:
    """Return the properties whose columns were exported."""
    return tuple(prop for prop in PROPERTIES if _reads(prop) <= scan.columns(prop.table))


def count(tables: Tables, properties: Sequence[Property]) -> dict[str, pl.DataFrame]:
    """Count the records of a place, and those with each property, overall and by slice."""
    known = tables["dois"].collect_schema().names()
    cuts = {name: column for name, column in SLICES.items() if column in known}
    records = _records(tables, properties, cuts).lazy()
    counts = [pl.len().cast(pl.Int64).alias("records"), pl.all().exclude("doi", *cuts).sum().cast(pl.Int64)]
    grouped = [records.group_by(pl.col(name).alias("value")).agg(*counts) for name in cuts]
    counted = pl.collect_all([records.group_by(pl.lit(ALL).alias("value")).agg(*counts), *grouped])
    return dict(zip([ALL, *cuts], counted, strict=True))


def add(counts: Iterable[dict[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """Sum the counts of places."""
    places = list(counts)
    names = dict.fromkeys(name for place in places for name in place)
    return {
        name: pl.concat([place[name] for place in places if name in place]).group_by("value").sum() for name in names
    }


def shares(counts: dict[str, pl.DataFrame], properties: Sequence[Property]) -> pl.DataFrame:
    """Turn counts into the table `audit_coverage`: one row per property and slice."""
    parts = [_long(name, counts[name], prop) for name in counts for prop in properties if _is_known(name, counts[name])]
    order = {name: place for place, name in enumerate([ALL, *SLICES])}
    table = pl.concat(parts).with_columns(
        share=pl.when(pl.col("entries") > 0).then(pl.col("filled") / pl.col("entries")),
        _order=pl.col("slice").replace_strict(order),
    )
    return table.sort("_order", "value", "_at", nulls_last=True).select(*SCHEMA)


def _is_known(name: str, counts: pl.DataFrame) -> bool:
    """Return whether any record has a value for a slice; lists have no provider, for example."""
    return name == ALL or counts["value"].null_count() < counts.height


def _long(name: str, counts: pl.DataFrame, prop: Property) -> pl.DataFrame:
    entries = pl.col(_of(prop)) if prop.unit else pl.col("records")
    return counts.select(
        property=pl.lit(prop.id),
        number=pl.lit(prop.number),
        title=pl.lit(prop.title),
        level=pl.lit(prop.level.value),
        unit=pl.lit(prop.unit or "records"),
        slice=pl.lit(name),
        value=pl.col("value").cast(pl.String) if name != ALL else pl.lit(None, pl.String),
        entries=entries,
        filled=pl.col(prop.id),
        _at=pl.lit(PROPERTIES.index(prop)),
    )


def _records(tables: Tables, properties: Sequence[Property], cuts: dict[str, str]) -> pl.DataFrame:
    """Return one row per record: its slices, and whether or how many times it has each property."""
    by_table = {
        table: list(own) for table, own in groupby(sorted(properties, key=lambda p: p.table), key=lambda p: p.table)
    }
    main = [pl.col(column).alias(name) for name, column in cuts.items()]
    own = [prop.has.fill_null(value=False).alias(prop.id) for prop in by_table.pop("dois", [])]
    names = list(by_table)
    frames = pl.collect_all(
        [tables["dois"].select("doi", *main, *own), *(_children(tables[name], by_table[name]) for name in names)],
        engine="streaming",
    )
    records = frames[0]
    for children in frames[1:]:
        records = records.join(children, on="doi", how="left")
    flags = [prop.id for name in names for prop in by_table[name] if not prop.unit]
    return records.with_columns(pl.col(flags).fill_null(value=False))


def _children(table: pl.LazyFrame, properties: Iterable[Property]) -> pl.LazyFrame:
    return table.group_by("doi").agg(expr for prop in properties for expr in _counted(prop))


def _counted(prop: Property) -> list[pl.Expr]:
    has = prop.has.fill_null(value=False)
    if not prop.unit:
        return [has.any().alias(prop.id)]
    among = pl.lit(value=True) if prop.among is None else prop.among
    of = pl.len() if prop.among is None else among.sum()
    return [(has & among).sum().alias(prop.id), of.alias(_of(prop))]


def _of(prop: Property) -> str:
    return f"{prop.id} of"


def _reads(prop: Property) -> set[str]:
    among = set() if prop.among is None else {*prop.among.meta.root_names()}
    return {*prop.has.meta.root_names(), *among}
