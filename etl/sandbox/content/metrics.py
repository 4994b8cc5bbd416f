"""Usage and citation counts of a template, with the histories that sum up to them."""

from __future__ import annotations

from random import Random

from etl.sandbox.answer import Json

COUNTS = (
    "viewCount",
    "downloadCount",
    "referenceCount",
    "citationCount",
    "partCount",
    "partOfCount",
    "versionCount",
    "versionOfCount",
)
HISTORIES = ("viewsOverTime", "downloadsOverTime", "citationsOverTime")


def metrics(chance: Random, year: int, *, quiet: bool = False) -> dict[str, Json]:
    """Make all counts and histories; `quiet` records have none."""
    counts: dict[str, Json] = dict.fromkeys(COUNTS, 0) | {name: [] for name in HISTORIES}
    if quiet:
        return counts
    if chance.random() < 0.3:
        views = _history(chance, 5, lambda n: {"yearMonth": f"{2025 + n // 12}-{n % 12 + 1:02d}"})
        counts["viewsOverTime"], counts["viewCount"] = views, _sum(views)
        counts["downloadsOverTime"], counts["downloadCount"] = views[:1], _sum(views[:1])
    if chance.random() < 0.15:
        first = max(year, 1990)
        cited = _history(chance, 3, lambda n: {"year": str(min(first + n, 2026))})[: 2027 - first]
        counts["citationsOverTime"], counts["citationCount"] = cited, _sum(cited)
    for name, share in (("referenceCount", 0.2), ("partCount", 0.05), ("versionCount", 0.05), ("versionOfCount", 0.05)):
        counts[name] = chance.randrange(1, 6) if chance.random() < share else 0
    counts["partOfCount"] = int(chance.random() < 0.1)
    return counts


def _history(chance: Random, length: int, stamp: Json) -> list[Json]:
    return [{**stamp(number), "total": chance.randrange(1, 9)} for number in range(chance.randrange(1, length + 1))]


def _sum(history: list[Json]) -> int:
    return sum(entry["total"] for entry in history)
