"""The page of an audit: the few numbers first, then charts, tables and examples; pure, from the audit's own tables.

Only a part of the findings is shown, so that the page stays small; the tables beside it have all of them.
"""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

import polars as pl

from etl.audit import collections, heatmaps
from etl.audit.tables import Audit
from etl.audit.words import Level, Severity
from etl.html.charts import Bar, bars, columns, figure
from etl.html.page import Badge, Cell, Doi, Safe, Share, details, sectioned, table, text, tiles
from etl.schema.declarations import Json

_LEVELS = (Level.MANDATORY, Level.RECOMMENDED, Level.OPTIONAL)
_MOST_YEARS = 40
_TOP = 15


def render(found: Audit) -> bytes:
    """Return `audit.html`."""
    parts = [
        ("coverage", "Coverage", _coverage(found)),
        ("details", "What makes properties useful", _useful(found)),
        ("slices", "Who has what", heatmaps.every(found)),
        ("years", "Records per year", _years(found)),
        ("findings", "Findings", _findings(found)),
        ("profile", "Profile", collections.render(found)),
        ("trend", "Trend", _trend(found)),
        ("terms", "Relations and dates by type", _terms(found)),
        ("method", "How this was made", _method(found)),
    ]
    return sectioned(f"Metadata audit of {PurePath(found.name).name}", _head(found), parts)


def _head(found: Audit) -> str:
    said = f"Metadata audit of {PurePath(found.name).name}"
    state = f"All {found.records:,} DOIs in {found.name}, exported on {found.as_of}, verdict "
    lead = f"<p class=lead>{text(state)}{text(Badge(found.verdict))}</p>"
    return f"<header><h1>{text(said)}</h1>{lead}{_tiles(found)}</header>"


def _tiles(found: Audit) -> Safe:
    affected, records = found.affected, found.records
    facts: list[tuple[str, Cell, str]] = [
        ("Records", records, "every one was checked"),
        *(
            (f"{level.value.capitalize()} properties", Share(_mean(found, level)), "filled on average")
            for level in _LEVELS[:2]
        ),
        ("Records with errors", affected["error"], f"{text(Share(_part(affected['error'], records)))} of all"),
        ("Records with any finding", affected["any"], f"{text(Share(_part(affected['any'], records)))} of all"),
    ]
    if found.profile:
        facts.append((f"Profile {found.profile.name}", found.meeting, "records meet what is essential"))
    return tiles(facts)


def _part(some: int, whole: int) -> float | None:
    return some / whole if whole else None


def _mean(found: Audit, level: Level) -> float | None:
    mean = found.overall().filter(pl.col("level") == level.value)["share"].mean()
    return mean if isinstance(mean, float) else None


def _coverage(found: Audit) -> str:
    main = found.overall().filter(pl.col("level").is_in([level.value for level in _LEVELS]))
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


def _useful(found: Audit) -> str:
    rows = [row for row in _details(found) if not row["property"].startswith(("relation-", "date-"))]
    title = "Share of entries that have what makes them useful"
    svg = bars("details-chart", title, [_bar(row, 0) for row in rows], axis="share of the entries named in the table")
    numbers = table(
        "Sub-properties",
        ["sub-property", "number", "share of", "filled", "entries", "share"],
        [(r["title"], r["number"], r["unit"], r["filled"], r["entries"], Share(r["share"])) for r in rows],
    )
    return figure("details-figure", svg, title + ".") + numbers


def _details(found: Audit) -> list[dict[str, Json]]:
    return found.overall().filter(pl.col("level") == Level.DETAIL.value).to_dicts()


def _bar(row: dict[str, Json], series: int) -> Bar:
    share = row["share"]
    number = share if isinstance(share, float) else 0.0
    return Bar(
        name=str(row["title"]), share=number, label=text(Share(share if share is not None else None)), series=series
    )


def _years(found: Audit) -> str:
    last = int(found.as_of[:4]) + 1
    near = found.years.filter(pl.col("year").is_between(last - _MOST_YEARS + 1, last))
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
    outside = found.years.height - near.height
    more = f" {outside} years before or after are not drawn." if outside else ""
    return figure("years-figure", svg, f"Records by year of publication and of registration.{more}", numbers)


def _findings(found: Audit) -> str:
    broken = found.rules.filter(pl.col("findings") > 0)
    if broken.is_empty():
        return "<p>No rule found anything.</p>"
    kinds = [severity.value for severity in Severity]
    top = broken.sort("records", descending=True).head(_TOP)
    rows = [
        Bar(name=r["title"], share=r["share"], label=f"{r['records']:,}", series=kinds.index(r["severity"]))
        for r in top.iter_rows(named=True)
    ]
    svg = bars("findings-chart", "Rules that most records break", rows, kinds, axis="share of records", colours=kinds)
    head = ["rule", "severity", "what", "findings", "records", "share", "advice"]
    each = [
        (r["rule"], Badge(r["severity"]), r["title"], r["findings"], r["records"], Share(r["share"]), r["advice"])
        for r in broken.iter_rows(named=True)
    ]
    caption = "Rules that most records break; the number is that of the records."
    return (
        figure("findings-figure", svg, caption)
        + table("Findings by rule", head, each)
        + "".join(_examples(found, broken))
    )


def _examples(found: Audit, broken: pl.DataFrame) -> Iterator[str]:
    yield "<h3>Examples</h3>"
    for rule, severity, title, total in broken.select("rule", "severity", "title", "findings").iter_rows():
        own = found.examples.filter(pl.col("rule") == rule)
        rows = [(Doi(doi), value) for doi, value in own.select("doi", "value").iter_rows()]
        shown = table(f"{title}: {len(rows)} of {total:,}", ["DOI", "value"], rows)
        yield details(f"{severity}: {title} ({total:,})", shown, printed=True)


def _terms(found: Audit) -> str:
    rows = [row for row in _details(found) if row["filled"]]
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


def _trend(found: Audit) -> str:
    if found.trend is None:
        return ""
    moved = found.trend.filter((pl.col("change") != 0) | pl.col("before").is_null())
    if moved.is_empty():
        return "<p>Nothing has changed since the audit before.</p>"
    shares = moved.filter(pl.col("kind") == "coverage")
    counts = moved.filter(pl.col("kind") == "findings")
    points = [(r["title"], Share(r["before"]), Share(r["after"]), _points(r["change"])) for r in shares.to_dicts()]
    numbers = [(r["title"], _whole(r["before"]), _whole(r["after"]), _whole(r["change"])) for r in counts.to_dicts()]
    return table("Coverage since the audit before", ["property", "before", "now", "change in points"], points) + table(
        "Findings since the audit before", ["rule", "before", "now", "change"], numbers
    )


def _points(change: float | None) -> float | None:
    return None if change is None else round(change * 100, 2)


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)


def _method(found: Audit) -> str:
    skipped = f"<p>Not checked, since their tables were not exported: {text(', '.join(found.skipped))}.</p>"
    return (
        "<p>Every record of the dataset was checked, none was sampled. The tables <code>audit_coverage</code>, "
        "<code>audit_findings</code> and <code>audit_rules</code> beside this page have everything that is shown "
        "here and the rest. A finding is a rule, a DOI and a value; the same value counts once for a DOI. An error "
        "is wrong for sure, a warning probably, a note is worth a look.</p>"
    ) + (skipped if found.skipped else "")
