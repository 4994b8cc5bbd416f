"""The page's section about a profile: how many records meet each need, and one table per record that misses most."""

from collections.abc import Iterator

import polars as pl

from etl.audit.tables import Audit
from etl.html.charts import Bar, bars, figure
from etl.html.page import Badge, Doi, Safe, Share, details, table, text
from etl.schema.declarations import Json


def render_profile(audit: Audit) -> Safe:
    """Return the section of the profile; nothing if the audit has no profile."""
    if not audit.profile or audit.needs is None or audit.collections is None:
        return Safe("")
    profile = audit.profile
    needs = audit.needs.to_dicts()
    groups = list(profile.groups)
    rows = [
        Bar(
            name=_marked(need["property"], star=need["star"]),
            share=need["met"] / need["records"],
            label=f"{need['met']:,}",
            series=groups.index(need["kind"]),
        )
        for need in needs
    ]
    svg = bars("profile-chart", profile.title, rows, list(profile.groups.values()), axis="share of records")
    numbers = table(
        "Needs of the profile",
        ["property", "number", "group", "records that meet it", "share"],
        [
            (
                _marked(need["property"], star=need["star"]),
                need["number"],
                profile.groups[need["kind"]],
                need["met"],
                Share(need["met"] / need["records"]),
            )
            for need in needs
        ],
    )
    star = f" A star means: {profile.star}." if profile.star else ""
    summary = f"{profile.description}{star} {audit.meeting:,} of {audit.records:,} records meet all essential needs."
    return Safe(
        f"<p>{text(summary)}</p>{figure('profile-figure', svg, profile.title + '; labels are numbers of records.')}"
        f"{numbers}{''.join(_record_tables(audit.collections))}"
    )


def _record_tables(collections: pl.DataFrame) -> Iterator[str]:
    """Yield one table per record, those that miss most first; the first one is open."""
    grouped = collections.group_by("doi", maintain_order=True)
    yield f"<h3>Records that miss most: the first {collections['doi'].n_unique():,}</h3>"
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
