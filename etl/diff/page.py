"""The page of a comparison: the few numbers, what changed most, examples, and the first of the records; pure.

Only a part is shown, so that the page stays small; the tables beside it have everything.
"""

from collections.abc import Iterator

import polars as pl

from etl.diff.fields import KINDS, Difference, Group, Side
from etl.html.charts import Bar, bars, figure
from etl.html.page import Badge, Cell, Doi, Safe, Share, details, sectioned, table, text, tiles

_TOP = 25
_FIELDS = 60
"""Fields with examples."""
_PRINTED = 10
"""Those of them whose examples go to paper too."""
_CLIENTS = 200
_LONGEST = 400
"""Letters of a value; the table has all of it."""


def render(found: Difference) -> bytes:
    """Return `diff.html`."""
    parts = [
        ("fields", "What changed", _fields(found.groups[0])),
        ("clients", "Whose records", _clients(found)),
        ("examples", "Examples", "".join(_examples(found))),
        *((kind, f"{kind.capitalize()} records", _records(found, kind)) for kind in KINDS),
        ("included", "Included records", _included(found)),
        ("method", "How this was made", _method(found)),
    ]
    return sectioned(f"{found.resource}: what changed", _head(found), parts)


def _head(found: Difference) -> str:
    said = "Nothing differs." if found.same else "These records differ."
    cautions = "".join(f"<li>{text(each)}</li>" for each in found.cautions)
    kind = "drifted" if found.cautions else "complete" if found.same else "note"
    banner = f'<div class="banner {kind}"><p>{text(said)}</p>{f"<ul>{cautions}</ul>" if cautions else ""}</div>'
    lead = f"<p class=lead>{_side('From', found.old)}<br>{_side('to', found.new)}</p>"
    return f"<header><h1>What changed in {text(found.resource)}</h1>{lead}{banner}{_tiles(found.groups[0])}</header>"


def _side(word: str, side: Side) -> str:
    when = side.finished.replace("T", " ")[:16]
    return f"{word} {text(side.name)}, {text(when)} UTC, {side.records:,} records, {text(Badge(side.verdict))}"


def _tiles(group: Group) -> Safe:
    facts: list[tuple[str, Cell, str]] = [
        ("Records now", group.after, f"{group.before:,} before"),
        ("Added", group.counts["added"], "are only in the newer one"),
        ("Changed", group.counts["changed"], "are in both and differ"),
        ("Withdrawn", group.counts["withdrawn"], "are only in the older one"),
        ("Unchanged", group.unchanged, "are the same in every field"),
    ]
    return tiles(facts)


def _fields(group: Group) -> str:
    if group.fields.is_empty():
        return ""
    most = group.counts["changed"]
    top = group.fields.head(_TOP)
    rows = [Bar(name=name, share=records / most, label=f"{records:,}") for name, records in top.iter_rows()]
    svg = bars("fields-chart", "Fields that changed in most records", rows, axis="share of the changed records")
    each = [(name, records, Share(records / most)) for name, records in group.fields.iter_rows()]
    numbers = table("Records by field", ["field", "records", "share of the changed"], each)
    left = group.fields.height - top.height
    more = f" {left} more fields are in the table." if left else ""
    said = "Of how many changed records each field differs; child tables as table.column."
    return figure("fields-figure", svg, said + more, numbers)


def _examples(found: Difference) -> Iterator[str]:
    main = found.groups[0]
    own = found.examples.filter(pl.col("table") == main.table)
    for place, (name, records) in enumerate(main.fields.head(_FIELDS).iter_rows()):
        here = own.filter(pl.col("field") == name)
        rows = [(_name(found, key), _cut(was), _cut(now)) for _, key, _, was, now in here.iter_rows()]
        shown = table(f"{name}: {len(rows)} of {records:,}", ["record", "before", "after"], rows)
        yield details(f"{name} ({records:,})", shown, shown=not place, printed=place < _PRINTED)


def _clients(found: Difference) -> str:
    own = found.clients
    more = f"<p>{own.height - _CLIENTS:,} more are in diff_records.</p>" if own.height > _CLIENTS else ""
    return table("Changes by client", ["client", *KINDS], own.head(_CLIENTS).rows()) + more


def _records(found: Difference, kind: str) -> str:
    shown, total = found.shown[kind], found.groups[0].counts[kind]
    rows: list[tuple[Cell, ...]] = [(_name(found, row["key"]), row["client_id"]) for row in shown.to_dicts()]
    known = shown["client_id"].null_count() < shown.height
    head = ["record", "client"] if known else ["record"]
    listed = table(f"{kind.capitalize()}: {len(rows):,} of {total:,}", head, [row[: len(head)] for row in rows])
    return details(f"{total:,} records", listed, shown=total <= _TOP)


def _included(found: Difference) -> str:
    rows: list[tuple[Cell, ...]] = [
        (each.table, each.before, each.after, *(each.counts[kind] for kind in KINDS)) for each in found.groups[1:]
    ]
    return table("Records that came along", ["table", "before", "now", *KINDS], rows)


def _method(found: Difference) -> str:
    ignored = f"<p>Left out of the comparison: {text(', '.join(found.ignored))}.</p>" if found.ignored else ""
    return (
        "<p>Every record of both exports was compared by its key, with all its rows in all tables that both have. "
        "The tables <code>diff_records</code>, <code>diff_fields</code> and <code>diff_summary</code> beside this page "
        "have everything that is shown here and the rest. A value of a child table is a JSON list of what all rows of "
        "the record hold.</p>"
    ) + ignored


def _name(found: Difference, key: str) -> Cell:
    return Doi(key) if found.resource == "dois" else key


def _cut(value: str | None) -> str:
    if value is None:
        return "(none)"
    spaced = value.replace('","', '", "')  # lists of long addresses must find a place to wrap
    return spaced if len(spaced) <= _LONGEST else spaced[:_LONGEST] + "…"
