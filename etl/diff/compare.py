"""Compare the records of one main table place by place: which were added, changed or withdrawn, and in which fields.

Places with identical files are not read. Memory holds the keys of the newer dataset's other places, and the rows of one
table at one place of the older dataset.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import polars as pl

from etl.dataset.inventory import Inventory
from etl.dataset.manifest import DataFile
from etl.dataset.relations import Relation
from etl.diff import fields as differences
from etl.diff.fields import FIELDS, KINDS, Group
from etl.records.flatten import DTYPES
from etl.storage import paths
from etl.storage.spill import Spill

_CLIENT = "client_id"
_ROWS = {name: dtype for name, dtype in FIELDS.items() if name != "table"}
_Files = Mapping[str, Mapping[str, Sequence[DataFile]]]
"""A side's files by table and place."""


class Comparison:
    """Compares one main table with its children. State: `_seen`, the newer records that the older dataset also has."""

    def __init__(
        self,
        sides: tuple[Inventory, Inventory],
        pairs: Sequence[Relation],
        main: str,
        spill: Spill,
        ignore: Sequence[str],
    ) -> None:
        self._family = [relation for relation in pairs if relation.of == main]
        self._main = next(relation for relation in self._family if relation.main)
        self._spill = spill
        self._ignore = ignore
        before, after = self._before, self._after = sides
        self._old = {relation.name: _by_place(before, relation.name) for relation in self._family}
        self._new = {relation.name: _by_place(after, relation.name) for relation in self._family}
        same = self._same()
        self._places = [place for place in sorted(self._old[main]) if place not in same]
        self._new_places = [place for place in sorted(self._new[main]) if place not in same]
        self._seen: list[pl.Series] = []

    def group(self) -> Group:
        """Compare place by place and spill what differs."""
        index = self._index()
        counts = dict.fromkeys(KINDS, 0)
        fields: list[pl.DataFrame] = []
        for place in self._places:
            changed, withdrawn, named = self._place(place, index)
            counts["changed"] += changed
            counts["withdrawn"] += withdrawn
            fields.append(named)
        counts["added"] = self._added(index)
        name = self._main.name
        return Group(
            table=name,
            before=self._before.rows(name),
            after=self._after.rows(name),
            counts=counts,
            fields=differences.count_by_field(fields),
        )

    def _same(self) -> set[str]:
        """Name the places whose files are the same on both sides."""
        places = set[str]().union(*(files.keys() for side in (self._old, self._new) for files in side.values()))
        same_columns = all(
            self._columns(self._before, relation.name) == self._columns(self._after, relation.name)
            for relation in self._family
        )
        return {
            place
            for place in (places if same_columns else ())
            if all(
                _checksums(self._old[name].get(place, ())) == _checksums(self._new[name].get(place, ()))
                for name in self._old
            )
        }

    @staticmethod
    def _columns(side: Inventory, table: str) -> tuple[str, ...]:
        return next(relation.names for relation in side.relations if relation.name == table)

    def _index(self) -> pl.DataFrame:
        """Return `key`, `client_id` and `at`, the number of its place, of every newer record that may differ."""
        parts = [pl.DataFrame(schema={"key": pl.String(), _CLIENT: pl.String(), "at": pl.UInt32()})]
        for number, place in enumerate(self._new_places):
            ids = self._ids(self._after, self._new, place)
            parts.append(ids.with_columns(at=pl.lit(number, pl.UInt32())))
        return pl.concat(parts).with_row_index("row")

    def _ids(self, side: Inventory, files: _Files, place: str) -> pl.DataFrame:
        main = self._main
        wanted = tuple(field for field in main.columns if field.name in {main.record, _CLIENT})
        rows = pl.concat(list(side.frames(replace(main, columns=wanted), files[main.name][place])))
        client = pl.col(_CLIENT) if _CLIENT in rows.columns else pl.lit(None, pl.String())
        return rows.select(pl.col(main.record).alias("key"), client.alias(_CLIENT))

    def _place(self, place: str, index: pl.DataFrame) -> tuple[int, int, pl.DataFrame]:
        """Compare the records of one place of the older dataset; return counts: changed, withdrawn, by field."""
        ids = self._ids(self._before, self._old, place).join(
            index.select("key", "at", "row"), on="key", how="left", maintain_order="left"
        )
        withdrawn = ids.filter(pl.col("at").is_null())
        stay = ids.filter(pl.col("at").is_not_null())
        self._seen.append(stay["row"])
        fields = pl.concat([pl.DataFrame(schema=_ROWS), *self._fields(place, stay)]).sort("key", "field")
        changed = stay.join(fields.select("key").unique(), on="key", how="semi", maintain_order="left")
        self._put("withdrawn", withdrawn)
        self._put("changed", changed)
        table = pl.lit(self._main.name).alias("table")
        self._spill.put("diff_fields", fields.select(table, *_ROWS))
        return changed.height, withdrawn.height, fields.group_by("field").agg(records=pl.len().cast(pl.Int64))

    def _fields(self, place: str, stay: pl.DataFrame) -> Iterator[pl.DataFrame]:
        there = [self._new_places[number] for number in stay["at"].unique().sort()]
        for relation in self._family:
            if relation.name in self._ignore:
                continue
            before = self._rows(self._before, relation, self._old, [place], stay)
            after = self._rows(self._after, relation, self._new, there, stay)
            changes = self._compared(relation, before, after)
            yield changes.filter(~pl.col("field").is_in(list(self._ignore)))

    def _compared(self, relation: Relation, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
        if relation.main:
            return differences.main_differences(before, after, relation.record)
        positions = [name for name in relation.names if name == "position" or name.endswith("_position")]
        return differences.child_differences(relation.name, before, after, relation.record, positions)

    def _rows(
        self,
        side: Inventory,
        relation: Relation,
        files: _Files,
        at: Sequence[str],
        stay: pl.DataFrame,
    ) -> pl.DataFrame:
        """Read the rows of some records in a table, sorted by record."""
        frames = [
            frame.join(stay, left_on=relation.record, right_on="key", how="semi", maintain_order="left")
            for place in at
            for frame in side.frames(relation, files[relation.name].get(place, ()))
        ]
        none = pl.DataFrame(schema={field.name: DTYPES[field.type] for field in relation.columns})
        return pl.concat([none, *frames]).sort(relation.record, maintain_order=True)

    def _added(self, index: pl.DataFrame) -> int:
        seen = pl.concat([pl.Series("row", dtype=index["row"].dtype), *self._seen])
        fresh = index.filter(~pl.col("row").is_in(seen.implode()))
        self._put("added", fresh.sort("key"))
        return fresh.height

    def _put(self, change: str, ids: pl.DataFrame) -> None:
        rows = ids.select(pl.lit(self._main.name).alias("table"), "key", pl.lit(change).alias("change"), _CLIENT)
        self._spill.put(change, rows)


def _by_place(side: Inventory, table: str) -> dict[str, list[DataFile]]:
    by_path = sorted((file for file in side.data_files(table) if file.rows), key=lambda file: file.path)
    ordered = sorted(by_path, key=lambda file: paths.place(file.path))
    return {place: [*files] for place, files in groupby(ordered, key=lambda file: paths.place(file.path))}


def _checksums(files: Sequence[DataFile]) -> set[tuple[str, str]]:
    return {(file.path, file.sha256) for file in files}
