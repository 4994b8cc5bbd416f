"""Tables as bags of plain rows, so that a dataset and any warehouse can be compared."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from etl.dataset.inventory import open_dataset
from etl.dataset.relations import Relation
from etl.schema.declarations import Type
from etl.storage.files import LocalFiles
from tests.warehouses.places import Place


def of_dataset(folder: Path, relation: Relation) -> Counter[Any]:
    """Read a table's Parquet files by nothing of ours."""
    frame = pl.read_parquet(str(folder / relation.name / "**/*.parquet"), hive_partitioning=True)
    return bag(frame, relation)


def of_place(place: Place, relation: Relation) -> Counter[Any]:
    """Read a table of a warehouse."""
    return bag(place.frame(relation.name), relation)


def bag(frame: pl.DataFrame, relation: Relation) -> Counter[Any]:
    """Count the rows; JSON by its meaning, and without what some databases cannot hold."""
    documents = {field.name for field in relation.columns if field.type is Type.JSON}
    return Counter(
        tuple(_plain(value, name in documents) for name, value in zip(relation.names, row, strict=True))
        for row in frame.select(relation.names).iter_rows()
    )


def relations(folder: Path) -> tuple[Relation, ...]:
    """Return the tables of a dataset."""
    return open_dataset(LocalFiles(folder)).relations


def assert_holds(place: Place, folder: Path) -> None:
    """See that a warehouse holds exactly the rows of a dataset, table by table."""
    for relation in relations(folder):
        assert of_place(place, relation) == of_dataset(folder, relation), relation.name


def _plain(value: Any, document: bool) -> Any:
    if document and value is not None:
        return json.dumps(_numbers(json.loads(value)), sort_keys=True).replace("\\u0000", "\\ufffd")
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _numbers(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
