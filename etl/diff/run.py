"""The conductor of a comparison of two exports: what differs between them, left as tables and as a page."""

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
from etl.storage.spill import Spill, spilling, write

FOLDER = f"{paths.OWN}/diff"
PAGE = "diff.html"
SHOWN = 500
"""Records of each kind of change that the page names."""
EXAMPLES = 5
_SAME_REQUEST = ("resource", "filters", "query", "window", "of", "detail")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What differs, and where the tables and the page about it are."""

    difference: Difference
    page: str
    tables: Mapping[str, int]

    def summary(self) -> dict[str, Json]:
        """Return what `--json` prints; the counts are those of the resource's own records."""
        found = self.difference
        main = found.groups[0]
        return {
            "resource": found.resource,
            "same": found.same,
            "old": asdict(found.old),
            "new": asdict(found.new),
            **main.counts,
            "unchanged": main.unchanged,
            "fields": dict(main.fields.iter_rows()),
            "included": {group.table: dict(group.counts) for group in found.groups[1:]},
            "cautions": list(found.cautions),
            "tables": dict(self.tables),
            "page": self.page,
        }


def diff(
    old: Files, new: Files, target: Files, *, formats: Sequence[str] = ("parquet",), ignore: Sequence[str] = ()
) -> Outcome:
    """Compare two exports of one resource; writes `diff_records`, `diff_fields`, `diff_summary` and `diff.html`.

    `ignore` are fields that make no difference, as `citation_count` or `doi_subjects.value_uri`, or child tables.
    StoreError if there is no dataset or a file is damaged, UsageError if the two are of different resources or have no
    such field.
    """
    before, after = inventory.open_dataset(old), inventory.open_dataset(new)
    if before.resource != after.resource:
        raise UsageError(
            f"{old.name} holds {before.resource}, {new.name} {after.resource}", fix="compare exports of one resource"
        )
    pairs, left_out = _pairs(before, after)
    _known(pairs, ignore)
    with spilling(target) as spill:
        mains = [one for one in pairs if one.main]
        groups = [Comparison((before, after), pairs, main.name, spill, ignore).group() for main in mains]
        first = sorted(groups, key=lambda group: (group.table != before.main, group.table))
        found = _difference(before, after, first, spill)
        cautions = (*_cautions(before, after), *_lacking(left_out))
        found = replace(found, cautions=cautions, ignored=tuple(ignore))
        return _written(found, spill, target, formats)


def _pairs(before: Inventory, after: Inventory) -> tuple[list[Relation], list[str]]:
    """Return the tables and columns that both datasets have, and the names of those that one of them lacks.

    A column that makes a folder is compared in the main table alone; child tables only repeat it.
    """
    own = {one.name: one for one in before.relations if one.name != withdrawn.NAME}
    other = {one.name: one for one in after.relations if one.name != withdrawn.NAME}
    left_out = sorted(own.keys() ^ other.keys())
    pairs = []
    for name in own.keys() & other.keys():
        kinds = {(field.name, field.type) for field in other[name].columns}
        folders = set[str]() if own[name].main else {*before.manifest.partition_by, *after.manifest.partition_by}
        shared = [field for field in own[name].columns if (field.name, field.type) in kinds]
        every = {*own[name].names, *other[name].names} - folders
        left_out += sorted(f"{name}.{column}" for column in every - {field.name for field in shared})
        pairs.append(replace(own[name], columns=tuple(field for field in shared if field.name not in folders)))
    return sorted(pairs, key=lambda one: (not one.main, one.name)), left_out


def _known(pairs: Sequence[Relation], ignore: Sequence[str]) -> None:
    fields = {name if one.main else f"{one.name}.{name}" for one in pairs for name in one.names}
    known = fields | {one.name for one in pairs if not one.main}
    for name in ignore:
        if name not in known:
            near = "name a column of the main table, TABLE.COLUMN or a child table"
            raise UsageError(f"both datasets have no field {name!r}", fix=near)


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


def _side(one: Inventory, main: str) -> Side:
    return Side(
        name=one.files.name,
        finished=one.manifest.finished,
        verdict=one.manifest.verdict,
        records=one.rows(main),
    )


def _examples(spill: Spill) -> pl.DataFrame:
    """Return the first changes of each field."""
    found = pl.DataFrame(schema=dict(SCHEMAS["diff_fields"]))
    for piece in spill.pieces("diff_fields"):
        found = pl.concat([found, piece]).group_by("table", "field", maintain_order=True).head(EXAMPLES)
        found = found.select(*SCHEMAS["diff_fields"])
    return found


def _by_client(counts: pl.DataFrame) -> pl.DataFrame:
    """Return what happened to each client's records, those with most first; none if nobody's clients are known."""
    known = counts.filter(pl.col("client_id").is_not_null())
    each = known.group_by("client_id").agg(
        pl.col("n").filter(pl.col("change") == kind).sum().cast(pl.Int64).alias(kind) for kind in KINDS
    )
    return each.select(*CLIENTS).sort(pl.sum_horizontal(*KINDS), "client_id", descending=[True, False])


def _cautions(before: Inventory, after: Inventory) -> Iterator[str]:
    """Say what may look like a difference of the records and is none."""
    for one in (before, after):
        if one.manifest.verdict in {State.SAMPLE, State.INCOMPLETE}:
            yield f"{one.files.name} is {one.manifest.verdict}: records that it lacks may exist."
    for name in _SAME_REQUEST:
        was, now = (getattr(one.manifest.request, name) for one in (before, after))
        if was != now:
            yield f"The two were asked for different things: {name} was {was or 'none'}, is {now or 'none'}."


def _lacking(names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"Not compared, since only one of the two has it: {', '.join(names)}."


def _written(found: Difference, spill: Spill, target: Files, formats: Sequence[str]) -> Outcome:
    made: dict[str, Callable[[], Iterable[pl.DataFrame]]] = {
        "diff_records": lambda: (piece for kind in KINDS for piece in spill.pieces(kind)),
        "diff_fields": lambda: spill.pieces("diff_fields"),
        "diff_summary": lambda: [found.summary()],
    }
    rows = {name: write(target, name, pieces, formats, SCHEMAS[name]) for name, pieces in made.items()}
    target.write(PAGE, diffpage.render(found))
    return Outcome(difference=found, page=f"{target.name}/{PAGE}", tables=rows)
