"""A small made-up resource with every kind of path and column, for tests of the parser and of flattening."""

from pathlib import Path

import polars as pl

from etl.schema.declarations import Column, Derived, Resource, Table, Type

REAL = Path(__file__).parents[3] / "shared" / "real"
"""Recorded bodies, beside the repository where they are at hand."""


def column(name: str, kind: Type = Type.STRING, path: str | None = None, **options: object) -> Column:
    return Column(name=name, type=kind, path=path, description=name, **options)


def edges(frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return frames["widget_parts"].select("_row", "id", pl.col("name").alias("part"))


WIDGETS = Resource(
    name="widgets",
    dialect="v2",
    type="widgets",
    path="/widgets",
    description="Widgets.",
    parent="id",
    wrap={"attributes.maker": "name", "attributes.parts[].labels[]": "text"},
    unmapped={"type": "always widgets", "attributes.blob": "the same as XML"},
    tables=(
        Table(
            name="widgets",
            description="Widgets.",
            columns=(
                column("id", path="id", key=True, lower=True),
                column("title", path="attributes.title"),
                column("year", Type.INT, "attributes.year"),
                column("weight", Type.FLOAT, "attributes.weight"),
                column("active", Type.BOOL, "attributes.active"),
                column("created", Type.TIMESTAMP, "attributes.created"),
                column("day", Type.DATE, "attributes.day"),
                column("shape", Type.JSON, "attributes.shape"),
                column("length", Type.FLOAT, "attributes.length", source=Type.STRING),
                column("maker", path="attributes.maker.name"),
                column("maker_code", path="attributes.maker.code"),
                column("made_by", path="attributes.madeBy"),
                column("decade", Type.INT, derived=Derived(lambda year: year // 10 * 10, ("year",))),
                column("century", Type.INT, derived=Derived(lambda decade: decade // 100 * 100, ("decade",))),
                column("extra", Type.JSON),
            ),
        ),
        Table(
            name="widget_parts",
            description="Parts.",
            path="attributes.parts",
            columns=(
                column("name", path="name", lower=True),
                column("size", Type.INT, "size"),
                column("plan", Type.JSON, "plan"),
                column("depth", Type.INT, "inner.depth"),
                column("initial", derived=Derived(lambda name: name.str.slice(0, 1), ("name",))),
            ),
        ),
        Table(
            name="widget_part_labels",
            description="Labels of parts.",
            path="attributes.parts[].labels",
            positions=("part_position", "position"),
            columns=(column("text", path="text"),),
        ),
        Table(name="widget_tags", description="Tags.", path="attributes.tags", columns=(column("tag", path=""),)),
        Table(
            name="widget_links",
            description="Relationships.",
            relations={
                "owner": "relationships.owner.data",
                "kin": "relationships.kin.data[]",
                "counts": "attributes.counts[]",
            },
            columns=(
                column("relation", key=True),
                column("target_id", path="id", lower=True),
                column("target_type", path="type"),
            ),
        ),
        Table(
            name="widget_edges",
            description="Edges.",
            positions=(),
            columns=(column("part"),),
            build=edges,
            inputs={"widget_parts": ("id", "name")},
        ),
    ),
)
