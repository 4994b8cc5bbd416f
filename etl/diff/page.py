"""The page of a comparison: key numbers, the fields that changed most, examples, and the first records.

It shows only a part, to stay small; the tables have everything.
"""

from collections.abc import Iterator

import polars as pl

from etl.diff.fields import KINDS, Difference, Group, Side
from etl.events import counted
from etl.html.charts import Bar, bars, figure
from etl.html.page import Badge, Cell, Doi, Safe, Share, details, sectioned, table, text, tiles

_TOP = 25
_FIELDS = 60
"""Fields with examples."""
_PRINTED = 10
"""Fields whose examples are also printed."""
_CLIENTS = 200
_LONGEST = 400
"""Characters shown of a value; the table has all of it."""


def render(difference: Difference) -> bytes:
    """Return `diff.html`."""
    parts = [
        ("fields", "What changed", _fields(difference.groups[0])),
        ("clients", "Changes by client", _clients(difference)),
        ("examples", "Examples", "".join(_examples(difference))),
        *((kind, f"{kind.capitalize()} records", _records(difference, kind)) for kind in KINDS),
        ("included", "Included records", _included(difference)),
        ("method", "Method", _method(difference)),
    ]
    return sectioned(f"{difference.resource}: what changed", _head(difference), parts)


def _head(difference: Difference) -> str:
    sentence = "Both exports are the same." if difference.same else "The exports differ."
    cautions = "".join(f"<li>{text(caution)}</li>" for caution in difference.cautions)
    kind = "drifted" if difference.cautions else "complete" if difference.same else "note"
    banner = f'<div class="banner {kind}"><p>{text(sentence)}</p>{f"<ul>{cautions}</ul>" if cautions else ""}</div>'
    lead = f"<p class=lead>{_side('From', difference.old)}<br>{_side('to', difference.new)}</p>"
    heading = f"<h1>What changed in {text(difference.resource)}</h1>"
    return f"<header>{heading}{lead}{banner}{_tiles(difference.groups[0])}</header>"


def _side(word: str, side: Side) -> str:
    when = side.finished.replace("T", " ")[:16]
    return f"{word} {text(side.name)}, {text(when)} UTC, {side.records:,} records, {text(Badge(side.verdict))}"


def _tiles(group: Group) -> Safe:
    facts: list[tuple[str, Cell, str]] = [
        ("Records now", group.after, f"{group.before:,} before"),
        ("Added", group.counts["added"], "only in the newer export"),
        ("Changed", group.counts["changed"], "in both, with differences"),
        ("Withdrawn", group.counts["withdrawn"], "only in the older export"),
        ("Unchanged", group.unchanged, "the same in every field"),
    ]
    return tiles(facts)


def _fields(group: Group) -> str:
    if group.fields.is_empty():
        return ""
    most = group.counts["changed"]
    top = group.fields.head(_TOP)
    rows = [Bar(name=name, share=records / most, label=f"{records:,}") for name, records in top.iter_rows()]
    svg = bars("fields-chart", "Fields that changed most often", rows, axis="share of the changed records")
    shares = [(name, records, Share(records / most)) for name, records in group.fields.iter_rows()]
    numbers = table("Records by field", ["field", "records", "share of the changed"], shares)
    left = group.fields.height - top.height
    more = f" {left} more fields are in the table." if left else ""
    caption = "Changed records by field; fields of child tables are table.column."
    return figure("fields-figure", svg, caption + more, numbers)


def _examples(difference: Difference) -> Iterator[str]:
    main = difference.groups[0]
    own = difference.examples.filter(pl.col("table") == main.table)
    for place, (name, records) in enumerate(main.fields.head(_FIELDS).iter_rows()):
        here = own.filter(pl.col("field") == name)
        rows = [(_name(difference, key), _cut(was), _cut(now)) for _, key, _, was, now in here.iter_rows()]
        shown = table(f"{name}: {len(rows)} of {records:,}", ["record", "before", "after"], rows)
        yield details(f"{name} ({records:,})", shown, shown=not place, printed=place < _PRINTED)


def _clients(difference: Difference) -> str:
    own = difference.clients
    more = f"<p>{own.height - _CLIENTS:,} more are in diff_records.</p>" if own.height > _CLIENTS else ""
    return table("Changes by client", ["client", *KINDS], own.head(_CLIENTS).rows()) + more


def _records(difference: Difference, kind: str) -> str:
    shown, total = difference.shown[kind], difference.groups[0].counts[kind]
    rows: list[tuple[Cell, ...]] = [(_name(difference, row["key"]), row["client_id"]) for row in shown.to_dicts()]
    known = shown["client_id"].null_count() < shown.height
    head = ["record", "client"] if known else ["record"]
    listed = table(f"{kind.capitalize()}: {len(rows):,} of {total:,}", head, [row[: len(head)] for row in rows])
    return details(counted(total, "record"), listed, shown=total <= _TOP)


def _included(difference: Difference) -> str:
    rows: list[tuple[Cell, ...]] = [
        (group.table, group.before, group.after, *(group.counts[kind] for kind in KINDS))
        for group in difference.groups[1:]
    ]
    return table("Included records", ["table", "before", "now", *KINDS], rows)


def _method(difference: Difference) -> str:
    ignored = (
        f"<p>Excluded from the comparison: {text(', '.join(difference.ignored))}.</p>" if difference.ignored else ""
    )
    return (
        "<p>Every record of both exports was compared by its key, with all its rows in all tables that both have. "
        "The tables <code>diff_records</code>, <code>diff_fields</code> and <code>diff_summary</code> next to this "
        "page have all results. A value of a child table is a JSON list over all rows of the record.</p>"
    ) + ignored


def _name(difference: Difference, key: str) -> Cell:
    return Doi(key) if difference.resource == "dois" else key


def _cut(value: str | None) -> str:
    if value is None:
        return "(none)"
    spaced = value.replace('","', '", "')  # so that lists of long URLs can wrap
    return spaced if len(spaced) <= _LONGEST else spaced[:_LONGEST] + "…"
