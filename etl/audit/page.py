"""The page of an audit: key numbers first, then charts, tables and examples, all from the audit's own tables.

It shows only some of the findings, to stay small; the tables have all of them.
"""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

import polars as pl

from etl.audit import heatmaps, profile_section
from etl.audit.tables import Audit
from etl.audit.words import Level, Severity
from etl.html.charts import Bar, bars, columns, figure
from etl.html.page import Badge, Cell, Doi, Safe, Share, details, sectioned, table, text, tiles
from etl.schema.declarations import Json

_LEVELS = (Level.MANDATORY, Level.RECOMMENDED, Level.OPTIONAL)
_MOST_YEARS = 40
_TOP = 15


def render(audit: Audit) -> bytes:
    """Return `audit.html`."""
    parts = [
        ("coverage", "Coverage", _coverage(audit)),
        ("details", "Quality of properties", _quality(audit)),
        ("slices", "Coverage by client, provider, type and year", heatmaps.render_heatmaps(audit)),
        ("years", "Records per year", _years(audit)),
        ("findings", "Findings", _findings(audit)),
        ("profile", "Profile", profile_section.render_profile(audit)),
        ("trend", "Trend", _trend(audit)),
        ("terms", "Relations and dates by type", _terms(audit)),
        ("method", "Method", _method(audit)),
    ]
    return sectioned(f"Metadata audit of {PurePath(audit.name).name}", _head(audit), parts)


def _head(audit: Audit) -> str:
    title = f"Metadata audit of {PurePath(audit.name).name}"
    state = f"All {audit.records:,} DOIs in {audit.name}, exported on {audit.as_of}, verdict "
    lead = f"<p class=lead>{text(state)}{text(Badge(audit.verdict))}</p>"
    return f"<header><h1>{text(title)}</h1>{lead}{_tiles(audit)}</header>"


def _tiles(audit: Audit) -> Safe:
    affected, records = audit.affected, audit.records
    facts: list[tuple[str, Cell, str]] = [
        ("Records", records, "all were checked"),
        *(
            (f"{level.value.capitalize()} properties", Share(_mean(audit, level)), "filled on average")
            for level in _LEVELS[:2]
        ),
        ("Records with errors", affected["error"], f"{text(Share(_part(affected['error'], records)))} of all"),
        ("Records with any finding", affected["any"], f"{text(Share(_part(affected['any'], records)))} of all"),
    ]
    if audit.profile:
        facts.append((f"Profile {audit.profile.name}", audit.meeting, "records meet all essential needs"))
    return tiles(facts)


def _part(affected: int, records: int) -> float | None:
    return affected / records if records else None


def _mean(audit: Audit, level: Level) -> float | None:
    mean = audit.overall().filter(pl.col("level") == level.value)["share"].mean()
    return mean if isinstance(mean, float) else None


def _coverage(audit: Audit) -> str:
    main = audit.overall().filter(pl.col("level").is_in([level.value for level in _LEVELS]))
    ranked = [row for level in _LEVELS for row in main.filter(pl.col("level") == level.value).iter_rows(named=True)]
    rows = [_bar(row, _LEVELS.index(Level(row["level"]))) for row in ranked]
    title = "Share of records with each property of DataCite Schema 4.6"
    svg = bars("coverage-chart", title, rows, [level.value for level in _LEVELS], axis="share of records")
    numbers = table(
        "Coverage of properties",
        ["property", "number", "level", "records with it", "records", "share"],
        [(r["title"], r["number"], r["level"], r["filled"], r["entries"], Share(r["share"])) for r in ranked],
    )
    return figure("coverage-figure", svg, title + ", all records.", numbers)


def _quality(audit: Audit) -> str:
    rows = [row for row in _details(audit) if not row["property"].startswith(("relation-", "date-"))]
    title = "Share of entries with identifiers, types and other useful details"
    svg = bars("details-chart", title, [_bar(row, 0) for row in rows], axis="share of the entries in the table")
    numbers = table(
        "Sub-properties",
        ["sub-property", "number", "share of", "filled", "entries", "share"],
        [(r["title"], r["number"], r["unit"], r["filled"], r["entries"], Share(r["share"])) for r in rows],
    )
    return figure("details-figure", svg, title + ".") + numbers


def _details(audit: Audit) -> list[dict[str, Json]]:
    return audit.overall().filter(pl.col("level") == Level.DETAIL.value).to_dicts()


def _bar(row: dict[str, Json], series: int) -> Bar:
    share = row["share"]
    number = share if isinstance(share, float) else 0.0
    return Bar(
        name=str(row["title"]), share=number, label=text(Share(share if share is not None else None)), series=series
    )


def _years(audit: Audit) -> str:
    last = int(audit.as_of[:4]) + 1
    near = audit.years.filter(pl.col("year").is_between(last - _MOST_YEARS + 1, last))
    if near.is_empty():
        return ""
    years = near["year"].to_list()
    span = range(min(years), max(years) + 1)
    counted = {(by, year): n for by, year, n in near.iter_rows()}
    names = {"publication_year": "published", "registered_year": "registered"}
    series = [(names[by], [counted.get((by, year), 0) for year in span]) for by in names]
    labels = [str(year) for year in span]
    svg = columns("years-chart", "Records per year", labels, series, x="year", y="records")
    rows = list(zip(labels, *(values for _, values in series), strict=True))
    numbers = table("Records per year", ["year", *(name for name, _ in series)], rows)
    outside = audit.years.height - near.height
    more = f" {outside} earlier or later years are not drawn." if outside else ""
    return figure("years-figure", svg, f"Records by year of publication and of registration.{more}", numbers)


def _findings(audit: Audit) -> str:
    broken = audit.rules.filter(pl.col("findings") > 0)
    if broken.is_empty():
        return "<p>There are no findings.</p>"
    kinds = [severity.value for severity in Severity]
    top = broken.sort("records", descending=True).head(_TOP)
    rows = [
        Bar(name=r["title"], share=r["share"], label=f"{r['records']:,}", series=kinds.index(r["severity"]))
        for r in top.iter_rows(named=True)
    ]
    svg = bars("findings-chart", "Most common findings", rows, kinds, axis="share of records", colours=kinds)
    head = ["rule", "severity", "finding", "findings", "records", "share", "advice"]
    rules = [
        (r["rule"], Badge(r["severity"]), r["title"], r["findings"], r["records"], Share(r["share"]), r["advice"])
        for r in broken.iter_rows(named=True)
    ]
    caption = "Most common findings; labels are numbers of records."
    return (
        figure("findings-figure", svg, caption)
        + table("Findings by rule", head, rules)
        + "".join(_examples(audit, broken))
    )


def _examples(audit: Audit, broken: pl.DataFrame) -> Iterator[str]:
    yield "<h3>Examples</h3>"
    for rule, severity, title, total in broken.select("rule", "severity", "title", "findings").iter_rows():
        own = audit.examples.filter(pl.col("rule") == rule)
        rows = [(Doi(doi), value) for doi, value in own.select("doi", "value").iter_rows()]
        shown = table(f"{title}: {len(rows)} of {total:,}", ["DOI", "value"], rows)
        yield details(f"{severity}: {title} ({total:,})", shown, printed=True)


def _terms(audit: Audit) -> str:
    rows = [row for row in _details(audit) if row["filled"]]
    return "".join(
        table(
            f"Records with a {what}, by type",
            ["type", "records", "share"],
            [
                (r["title"], r["filled"], Share(r["share"]))
                for r in _most(rows)
                if str(r["property"]).startswith(prefix)
            ],
        )
        for what, prefix in (("related identifier", "relation-"), ("date", "date-"))
    )


def _most(rows: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    return sorted(rows, key=lambda row: -int(str(row["filled"])))


def _trend(audit: Audit) -> str:
    if audit.trend is None:
        return ""
    moved = audit.trend.filter((pl.col("change") != 0) | pl.col("before").is_null())
    if moved.is_empty():
        return "<p>Nothing has changed since the previous audit.</p>"
    shares = moved.filter(pl.col("kind") == "coverage")
    counts = moved.filter(pl.col("kind") == "findings")
    points = [(r["title"], Share(r["before"]), Share(r["after"]), _points(r["change"])) for r in shares.to_dicts()]
    numbers = [
        (r["title"], _integer(r["before"]), _integer(r["after"]), _integer(r["change"])) for r in counts.to_dicts()
    ]
    return table(
        "Coverage since the previous audit", ["property", "before", "now", "change in points"], points
    ) + table("Findings since the previous audit", ["rule", "before", "now", "change"], numbers)


def _points(change: float | None) -> float | None:
    return None if change is None else round(change * 100, 2)


def _integer(number: float | None) -> int | None:
    return None if number is None else round(number)


def _method(audit: Audit) -> str:
    skipped = f"<p>Not checked, because their tables were not exported: {text(', '.join(audit.skipped))}.</p>"
    return (
        "<p>Every record of the dataset was checked, without sampling. The tables <code>audit_coverage</code>, "
        "<code>audit_findings</code> and <code>audit_rules</code> next to this page have all results. A finding is a "
        "rule, a DOI and a value; a repeated value counts once per DOI. An error is certainly wrong, a warning "
        "probably wrong, and a note is worth a look.</p>"
    ) + (skipped if audit.skipped else "")
