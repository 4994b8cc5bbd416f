"""Compare two exports, and write the differences as tables and a page."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import polars as pl

from etl.completeness.verdict import State
from etl.dataset import inventory
from etl.dataset.inventory import Inventory
from etl.dataset.relations import Relation
from etl.diff import page as diffpage
from etl.diff.compare import Comparison
from etl.diff.fields import CLIENTS, KINDS, SCHEMAS, Difference, Group, Side
from etl.errors import UsageError
from etl.schema import withdrawn
from etl.schema.declarations import Json
from etl.storage import paths
from etl.storage.files import Files
from etl.storage.spill import Spill, open_spill, write

FOLDER = f"{paths.OWN}/diff"
PAGE = "diff.html"
SHOWN = 500
"""Records of each kind of change that the page lists."""
EXAMPLES = 5
_SAME_REQUEST = ("resource", "filters", "query", "window", "of", "detail")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffOutcome:
    """The differences, and where their tables and page are."""

    difference: Difference
    page: str
    tables: Mapping[str, int]

    def summary(self) -> dict[str, Json]:
        """Return what `--json` prints; counts are those of the resource's own records."""
        difference = self.difference
        main = difference.groups[0]
        return {
            "resource": difference.resource,
            "same": difference.same,
            "old": asdict(difference.old),
            "new": asdict(difference.new),
            **main.counts,
            "unchanged": main.unchanged,
            "fields": dict(main.fields.iter_rows()),
            "included": {group.table: dict(group.counts) for group in difference.groups[1:]},
            "cautions": list(difference.cautions),
            "tables": dict(self.tables),
            "page": self.page,
        }


def diff(
    old: Files, new: Files, target: Files, *, formats: Sequence[str] = ("parquet",), ignore: Sequence[str] = ()
) -> DiffOutcome:
    """Compare two exports of one resource, and write `diff_records`, `diff_fields`, `diff_summary` and `diff.html`.

    `ignore` names fields, such as `citation_count` or `doi_subjects.value_uri`, or child tables. StoreError if there is
    no dataset or a file is damaged, UsageError if the resources differ or a field does not exist.
    """
    before, after = inventory.open_dataset(old), inventory.open_dataset(new)
    if before.resource != after.resource:
        raise UsageError(
            f"{old.name} holds {before.resource}, {new.name} {after.resource}", fix="compare exports of one resource"
        )
    pairs, left_out = _pairs(before, after)
    _known(pairs, ignore)
    with open_spill(target) as spill:
        mains = [relation for relation in pairs if relation.main]
        groups = [Comparison((before, after), pairs, main.name, spill, ignore).group() for main in mains]
        first = sorted(groups, key=lambda group: (group.table != before.main, group.table))
        difference = _difference(before, after, first, spill)
        cautions = (*_cautions(before, after), *_not_compared(left_out))
        difference = replace(difference, cautions=cautions, ignored=tuple(ignore))
        return _write(difference, spill, target, formats)


def _pairs(before: Inventory, after: Inventory) -> tuple[list[Relation], list[str]]:
    """Return the tables and columns that both datasets have, and the names of those that only one has.

    A partition column is compared only in the main table; child tables repeat it.
    """
    own = {relation.name: relation for relation in before.relations if relation.name != withdrawn.NAME}
    other = {relation.name: relation for relation in after.relations if relation.name != withdrawn.NAME}
    left_out = sorted(own.keys() ^ other.keys())
    pairs = []
    for name in own.keys() & other.keys():
        kinds = {(field.name, field.type) for field in other[name].columns}
        folders = set[str]() if own[name].main else {*before.manifest.partition_by, *after.manifest.partition_by}
        shared = [field for field in own[name].columns if (field.name, field.type) in kinds]
        names = {*own[name].names, *other[name].names} - folders
        left_out += sorted(f"{name}.{column}" for column in names - {field.name for field in shared})
        pairs.append(replace(own[name], columns=tuple(field for field in shared if field.name not in folders)))
    return sorted(pairs, key=lambda relation: (not relation.main, relation.name)), left_out


def _known(pairs: Sequence[Relation], ignore: Sequence[str]) -> None:
    fields = {name if table.main else f"{table.name}.{name}" for table in pairs for name in table.names}
    known = fields | {table.name for table in pairs if not table.main}
    for name in ignore:
        if name not in known:
            fix = "name a column of the main table, TABLE.COLUMN or a child table"
            raise UsageError(f"the datasets have no field {name!r} in common", fix=fix)


def _difference(before: Inventory, after: Inventory, groups: Sequence[Group], spill: Spill) -> Difference:
    main = groups[0].table
    none = pl.DataFrame(schema=dict(SCHEMAS["diff_records"]))
    shown, clients = {}, [none.group_by("client_id", "change").agg(n=pl.len())]
    for kind in KINDS:
        shown[kind] = none
        for piece in spill.pieces(kind):
            own = piece.filter(pl.col("table") == main)
            shown[kind] = pl.concat([shown[kind], own.head(SHOWN - shown[kind].height)])
            clients.append(own.group_by("client_id", "change").agg(n=pl.len()))
    return Difference(
        resource=before.resource,
        old=_side(before, main),
        new=_side(after, main),
        groups=tuple(groups),
        shown=shown,
        examples=_examples(spill),
        clients=_by_client(pl.concat(clients)),
    )


def _side(dataset: Inventory, main: str) -> Side:
    return Side(
        name=dataset.files.name,
        finished=dataset.manifest.finished,
        verdict=dataset.manifest.verdict,
        records=dataset.rows(main),
    )


def _examples(spill: Spill) -> pl.DataFrame:
    """Return the first changes of each field."""
    first = pl.DataFrame(schema=dict(SCHEMAS["diff_fields"]))
    for piece in spill.pieces("diff_fields"):
        first = pl.concat([first, piece]).group_by("table", "field", maintain_order=True).head(EXAMPLES)
        first = first.select(*SCHEMAS["diff_fields"])
    return first


def _by_client(counts: pl.DataFrame) -> pl.DataFrame:
    """Count the changes of each client's records, most first; empty if no client is known."""
    known = counts.filter(pl.col("client_id").is_not_null())
    by_client = known.group_by("client_id").agg(
        pl.col("n").filter(pl.col("change") == kind).sum().cast(pl.Int64).alias(kind) for kind in KINDS
    )
    return by_client.select(*CLIENTS).sort(pl.sum_horizontal(*KINDS), "client_id", descending=[True, False])


def _cautions(before: Inventory, after: Inventory) -> Iterator[str]:
    """Name reasons for differences other than changed records."""
    for side in (before, after):
        if side.manifest.verdict in {State.SAMPLE, State.INCOMPLETE}:
            yield f"{side.files.name} is {side.manifest.verdict}: it may not have all records."
    for name in _SAME_REQUEST:
        was, now = (getattr(side.manifest.request, name) for side in (before, after))
        if was != now:
            yield f"The requests differ: {name} was {was or 'none'} and is {now or 'none'}."


def _not_compared(names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"Not compared, because only one export has it: {', '.join(names)}."


def _write(difference: Difference, spill: Spill, target: Files, formats: Sequence[str]) -> DiffOutcome:
    pieces_of: dict[str, Callable[[], Iterable[pl.DataFrame]]] = {
        "diff_records": lambda: (piece for kind in KINDS for piece in spill.pieces(kind)),
        "diff_fields": lambda: spill.pieces("diff_fields"),
        "diff_summary": lambda: [difference.summary()],
    }
    rows = {name: write(target, name, pieces, formats, SCHEMAS[name]) for name, pieces in pieces_of.items()}
    target.write(PAGE, diffpage.render(difference))
    return DiffOutcome(difference=difference, page=f"{target.name}/{PAGE}", tables=rows)
