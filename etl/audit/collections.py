"""The part of the page about a profile: who meets each need, and a table a record for those that miss most."""

from collections.abc import Iterator

import polars as pl

from etl.audit.tables import Audit
from etl.html.charts import Bar, bars, figure
from etl.html.page import Badge, Doi, Safe, Share, details, table, text
from etl.schema.declarations import Json


def render(found: Audit) -> Safe:
    """Return the section of the profile, nothing if none was asked for."""
    if not found.profile or found.needs is None or found.collections is None:
        return Safe("")
    asked = found.profile
    needs = found.needs.to_dicts()
    groups = list(asked.groups)
    rows = [
        Bar(
            name=_marked(need["property"], star=need["star"]),
            share=need["met"] / need["records"],
            label=f"{need['met']:,}",
            series=groups.index(need["kind"]),
        )
        for need in needs
    ]
    svg = bars("profile-chart", asked.title, rows, list(asked.groups.values()), axis="share of records")
    numbers = table(
        "Needs of the profile",
        ["property", "number", "group", "records that meet it", "share"],
        [
            (
                _marked(need["property"], star=need["star"]),
                need["number"],
                asked.groups[need["kind"]],
                need["met"],
                Share(need["met"] / need["records"]),
            )
            for need in needs
        ],
    )
    star = f" A star means: {asked.star}." if asked.star else ""
    said = f"{asked.description}{star} {found.meeting:,} of {found.records:,} records meet all that is essential."
    return Safe(
        f"<p>{text(said)}</p>{figure('profile-figure', svg, asked.title + '; the number is that of the records.')}"
        f"{numbers}{''.join(_each(found.collections))}"
    )


def _each(collections: pl.DataFrame) -> Iterator[str]:
    """Yield a table a record, those that miss most first; the first one is open."""
    grouped = collections.group_by("doi", maintain_order=True)
    yield f"<h3>One table a record: the {collections['doi'].n_unique():,} that miss most</h3>"
    for place, ((doi,), own) in enumerate(grouped):
        met = int(own["met"].sum())
        rows = [_row(need) for need in own.iter_rows(named=True)]
        shown = table(f"{doi}", ["property", "number", "has it", "value"], rows)
        link = f"<p>{text(Doi(str(doi)))}</p>"
        yield details(f"{doi}: {met} of {own.height}", link + shown, shown=place == 0)


def _row(need: dict[str, Json]) -> tuple[str | Badge | None, ...]:
    value = need["value"]
    return (
        _marked(str(need["property"]), star=bool(need["star"])),
        str(need["number"]),
        Badge("met" if need["met"] else "missing"),
        None if value is None else str(value),
    )


def _marked(title: str, *, star: bool) -> str:
    return f"{title} ★" if star else title
